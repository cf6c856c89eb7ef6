"""Which GPU a job of a cluster gets, with made-up GPUs: two a node, and no nvidia-smi that knows them."""

import subprocess
import sys

import pytest

from support.cluster import Submitted, job_facts, slurm, wait_for

TWO_KINDS = """
name: gpus
results: results/gpus
device: cuda
studies:
  trained:
    title: It trains on a GPU
    kind: training
    tasks: {adding: {}}
    architectures: {elman: {}}
    lengths: [50]
    hidden_sizes: [16]
    seeds: 2
    learning_rates: [1.0e-3]
    budget: {updates: 1500}
  simulated:
    title: It needs none
    kind: simulation
    simulations: {curse_of_memory: {decay: 0.5}}
    seeds: 2
"""
# A folder can be made once only: whoever finds one of its device is a second user of it.  Nobody goes before
# as many have come as there is room for.
USE = """
import os, sys, time
from pathlib import Path
from rnnlimits.execution import gpu_slots

def made(path):
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True

gpu_slots.LOOK_AGAIN_S = 0.02
held, room, jobs_per_gpu = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with gpu_slots.slot(jobs_per_gpu) as name:
    assert os.environ["CUDA_VISIBLE_DEVICES"] == name
    user = next(number for number in range(9) if made(held / f"device-{name}-{number}"))
    (held / f"come-{os.getpid()}").touch()
    while len(list(held.glob("come-*"))) < room:
        time.sleep(0.02)
    (held / f"device-{name}-{user}").rmdir()
    print(name, user)
"""

ON_ONE_NODE = ("sbatch", "--wait", "--nodelist", "n1", "--mem", "100")


@pytest.fixture
def users(tmp_path):
    """Submits allocations whose processes use GPUs, and tells what each got: (device, which of its users)."""
    program = tmp_path / "use.py"
    program.write_text(USE)
    held = tmp_path / "held"
    held.mkdir()

    def submit(allocations: int, gpus: int, processes: int, jobs_per_gpu: int = 1) -> list[tuple[str, str]]:
        one = f"{sys.executable} {program} {held} {allocations * gpus * jobs_per_gpu} {jobs_per_gpu}"
        wrapped = " & ".join([one] * processes) + " & wait"
        outputs = [tmp_path / f"{number}.out" for number in range(allocations)]
        submitted = [
            subprocess.Popen(
                [*ON_ONE_NODE, f"--gpus={gpus}", "--output", output, "--wrap", wrapped],
                stdout=subprocess.DEVNULL,
            )
            for output in outputs
        ]
        assert [process.wait() for process in submitted] == [0] * allocations
        lines = [line for output in outputs for line in output.read_text().splitlines()]
        return [tuple(line.split()) for line in lines if "waiting" not in line]

    return submit


def test_two_allocations_on_one_node_have_a_gpu_each(users):
    assert sorted(users(allocations=2, gpus=1, processes=1)) == [("0", "0"), ("1", "0")]


def test_jobs_inside_one_allocation_never_share_a_gpu(users):
    used = users(allocations=1, gpus=2, processes=6)
    assert len(used) == 6
    assert set(used) == {("0", "0"), ("1", "0")}


def test_jobs_inside_one_allocation_share_a_gpu_where_the_config_lets_them(users):
    used = users(allocations=1, gpus=1, processes=6, jobs_per_gpu=2)
    assert len(used) == 6
    (device,) = {device for device, _ in used}  # which one it is depends on what else runs on the node
    assert set(used) == {(device, "0"), (device, "1")}


def test_a_job_asks_for_what_its_shard_needs(tmp_path):
    run = Submitted(tmp_path / "copy", TWO_KINDS)
    slurm("scontrol", "update", "PartitionName=fragile", "State=DOWN")  # they queue and do not run
    try:
        run.start(partition="fragile")
        numbers = wait_for(lambda: two_jobs(run), "two jobs in the queue")
        asked = {facts["Comment"]: facts for facts in map(job_facts, numbers)}
        assert set(asked) == {
            "rule_train_wildcards_trained.adding.elman.h16.t50",
            "rule_train_wildcards_simulated.curse_of_memory.simulation",
        }
        trained, simulated = (facts for _, facts in sorted(asked.items(), reverse=True))
        assert trained["TresPerJob"] == "gres:gpu:1"
        assert "TresPerJob" not in simulated
        planned = run.copy.snakemake("--dry-run", "--configfile", "config/tested.yaml").stdout
        assert f"mem_mb={trained['MinMemoryNode'].removesuffix('M')}" in planned
        assert all(facts["JobName"].startswith("rnnlimits_") for facts in asked.values())
        assert all(facts["Requeue"] == "1" for facts in asked.values())
    finally:
        run.end()
        slurm("scontrol", "update", "PartitionName=fragile", "State=UP")


def two_jobs(run: Submitted) -> list[str]:
    listed = [
        line.split(maxsplit=1) for line in slurm("squeue", "--noheader", "--format", "%i %Z").splitlines()
    ]
    numbers = [number for number, folder in listed if folder == str(run.folder)]
    return numbers if len(numbers) == 2 else []
