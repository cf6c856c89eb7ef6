"""The memory that a job needs: the estimate beside the measured peak, for shards of many kinds.

    python benchmarks/memory.py                                  # those that the constants were measured with
    python benchmarks/memory.py --config config/config.yaml      # those of a config, each cut to two updates

The constants stand at the top of src/rnnlimits/planning/memory.py.
Linux: elsewhere the peak means something else.
"""

import argparse
import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from rnnlimits import rows
from rnnlimits.planning import grid, memory
from rnnlimits.planning.load import load
from rnnlimits.planning.shard import Shard

UPDATES = 2  # an update reaches the peak of all updates; the second one starts with the optimiser's memory


def study(task: dict, architectures: dict, length: int, hidden: int, seeds: int, **budget: int) -> dict:
    rates = {"learning_rates": [1e-3]}
    return {
        "kind": "training", "title": "memory", "tasks": task, "architectures": architectures, "seeds": seeds,
        "lengths": [length], "hidden_sizes": [hidden], "budget": {"updates": UPDATES, **budget},
    } | rates  # fmt: skip


def untrained(probe: dict, architectures: dict, length: int, hidden: int) -> dict:
    return study({"adding": {}}, architectures, length, hidden, 1, updates=0) | {"probes": probe}


COMPILED = {"elman": {}, "gru": {}, "lstm": {}}
CONVOLUTIONS = {"convolution": {}, "temporal_convolution": {}, "feed_forward": {}}
FEW = {"validation_sequences": 8, "test_sequences": 8}
CALIBRATION = {
    "small": study({"adding": {}}, COMPILED | {"feed_forward": {}}, 10, 4, 2, batch_size=1, **FEW),
    "updates": study({"adding": {}}, COMPILED | {"echo_state": {}}, 400, 64, 4, batch_size=250, **FEW),
    "every_step": study({"copy_memory": {}}, COMPILED, 400, 64, 4, batch_size=250, **FEW),
    "evaluation": study({"adding": {}}, COMPILED | {"echo_state": {}}, 400, 64, 4, batch_size=8),
    "evaluation_every_step": study({"copy_memory": {}}, COMPILED, 400, 64, 4, batch_size=8),
    "text": study({"character_language_model": {}}, COMPILED, 100, 64, 4, batch_size=250, **FEW),
    "text_evaluation": study({"character_language_model": {}}, COMPILED, 400, 64, 10, batch_size=2, **FEW),
    "weights": study({"adding": {}}, COMPILED, 2, 700, 6, batch_size=1, **FEW),
    "convolutions": study({"copy_memory": {}}, CONVOLUTIONS, 200, 64, 2, batch_size=250, **FEW),
    "windows": study({"adding": {}}, CONVOLUTIONS, 400, 64, 2, batch_size=250, **FEW),
    "convolutions_evaluation": study({"copy_memory": {}}, CONVOLUTIONS, 200, 64, 4, batch_size=8),
    "windows_evaluation": study({"adding": {}}, CONVOLUTIONS, 200, 64, 4, batch_size=8),
    "digits": study({"sequential_digits": {}}, COMPILED | CONVOLUTIONS, 64, 64, 8, batch_size=8),
    "gradients": untrained({"gradient_reach": {"sequences": 100}}, COMPILED | CONVOLUTIONS, 400, 64),
    "jacobians": untrained({"jacobian_spectrum": {"sequences": 2}}, COMPILED, 4, 500),
    "exponents": untrained({"lyapunov": {"steps": 1500}}, COMPILED, 4, 400),
}


def measured(shard: Shard, folder: Path) -> float:
    """The peak of a process of its own, in MiB."""
    out = folder / f"{shard.id}.parquet"
    command = [sys.executable, "-m", "rnnlimits.cli", "train", "--spec", shard.to_json(), "--out", str(out)]
    # So much may be used that the replicas stay together.
    subprocess.run([*command, "--memory-mb", "1000000"], check=True)
    return rows.read_provenance(out)["shards"][shard.id]["peak_memory_mb"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--only", default="", help="shards whose name contains this")
    given = parser.parse_args()
    print(f"{'shard':58} {'estimate':>9} {'measured':>9} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "memory.yaml").write_text(
            yaml.safe_dump({"name": "memory", "results": "results", "studies": CALIBRATION})
        )
        for shard in grid.shards(load(given.config or folder / "memory.yaml")):
            if given.only not in shard.id or shard.needs:
                continue
            if shard.budget:
                fewer = {"updates": min(UPDATES, shard.updates)}
                shard = dataclasses.replace(shard, budget=shard.budget.model_copy(update=fewer))
            estimate, peak = memory.estimate(shard), measured(shard, folder)
            print(f"{shard.id:58} {estimate:6.0f} MB {peak:6.0f} MB {estimate / peak:6.2f}", flush=True)


if __name__ == "__main__":
    main()
