"""Every architecture: the seeds of a shard together against one after another, and against what is possible.

    python benchmarks/every_architecture.py [--runs 7] [--seeds 5] [--only lstm gru] [--quick]

A run is one whole update of every seed: forward, loss, backward, clipping, Adam. `together` is the trainer of
a shard; `one by one` is what one writes without it, an nn.Module and an optimiser for each seed: torch.nn's
RNN, GRU and LSTM where there is one, else the page itself. Medians of processor time on one thread, in
milliseconds an update and seed.

`bound` is an estimate of what no code on this processor could beat: all products with weights, forward and
twice backward, at the speed of a large product, and all tensors that must be kept, written and read once, at
the speed of the memory. Both speeds are measured first. Elementwise functions are not in it, nor is the
decomposition of a matrix.
"""

import time

import torch
from measuring import LEARNING_RATE, Work, Written, feed, machine, medians, parser, prepare, trainer, update
from torch import nn

from rnnlimits import catalog
from rnnlimits.architectures._model import Model
from rnnlimits.planning import grid, memory, time_loops
from rnnlimits.planning.load import checked
from rnnlimits.planning.shard import Shard
from rnnlimits.tasks.base import Batch, Task
from rnnlimits.training import build

LENGTHS, HIDDEN, BATCH = (100, 400), 64, 32
QUICK = (10,)
OF_TORCH = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
GATED = {"leaky_gated": {"leak": "gated"}, "antisymmetric_gated": {"gated": True}}
PRODUCT = 1024  # the side of the matrices whose product is timed
COPIED = 2**26  # numbers: far more than any cache holds


def shard_of(name: str, task: str, length: int, hidden: int, seeds: int) -> Shard:
    """A shard as planning would make it."""
    raw = {
        "name": "benchmark", "results": "results/benchmark",
        "studies": {"all": {
            "kind": "training", "title": "All", "tasks": {task: {}},
            "architectures": {name: {"page": name.removesuffix("_gated"), **GATED.get(name, {})}},
            "lengths": [length], "hidden_sizes": [hidden], "seeds": seeds, "learning_rates": [LEARNING_RATE],
            "budget": {"updates": 1, "batch_size": BATCH},
        }},
    }  # fmt: skip
    (shard,) = grid.shards(checked(raw))
    return shard


def models_of(shard: Shard, task: Task) -> list[Model]:
    return [build.build_model(shard, task, seed) for seed in range(shard.seeds)]


def one_by_one(shard: Shard, task: Task, models: list[Model], batches: list[Batch]) -> Work:
    """An nn.Module, Adam and clipping for each seed."""
    written = OF_TORCH.get(shard.architecture)
    alone: list[nn.Module] = list(models)
    if written:
        alone = [
            Written(
                written(task.inputs, shard.hidden_size, batch_first=True),
                shard.hidden_size,
                task.outputs,
                task.reads_last,
            )
            for _ in models
        ]
    trained = [[weight for weight in model.parameters() if weight.requires_grad] for model in alone]
    optimisers = [torch.optim.Adam(weights, LEARNING_RATE) for weights in trained]

    def step() -> None:
        for model, weights, optimiser, batch in zip(alone, trained, optimisers, batches):
            optimiser.zero_grad()
            task.loss_N(model(batch.x)[0], batch).mean().backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()

    return step


def speeds() -> tuple[float, float]:
    """Multiplications and additions of a product, and bytes copied, a second."""
    a, b = torch.randn(2, PRODUCT, PRODUCT)
    numbers = torch.empty(COPIED)
    found = []
    for work, amount in ((lambda: a @ b, 2 * PRODUCT**3), (numbers.clone, 8 * COPIED)):
        work()
        start = time.process_time()
        for _ in range(5):
            work()
        found.append(5 * amount / (time.process_time() - start))
    return found[0], found[1]


def bound_s(shard: Shard, flops: float, bandwidth: float) -> float:
    """Seconds of an update and seed that the products and the memory alone take."""
    size = memory.sizes(shard)
    steps = BATCH * size.computed_steps
    kernel = time_loops.kernel_of(shard)
    by_loops = kernel in time_loops.COMPILED | time_loops.ONE_BY_ONE
    kept = time_loops.kept_by_loops(shard, size.each_step_read) if by_loops else size.trained_tensors_kept
    products = 3 * 2 * shard.parameters * steps / flops
    return products + 2 * 4 * kept * shard.hidden_size * steps / bandwidth


def line(name: str, task_name: str, length: int, seeds: int, runs: int, speed: tuple[float, float]) -> str:
    shard = shard_of(name, task_name, length, HIDDEN if length > QUICK[0] else 4, seeds)
    task = build.build_task(shard)
    models = models_of(shard, task)
    module = trainer(models, task, BATCH)
    batches = feed(module)
    took = medians({"ours": update(module), "alone": one_by_one(shard, task, models, batches)}, runs)
    ours, alone = (1e3 * took[which] / seeds for which in ("ours", "alone"))
    bound = 1e3 * bound_s(shard, *speed)
    compared = f"{ours:8.2f} {alone:10.2f} {alone / ours:6.2f}"
    return f"{length:>4} {name:22} | {compared} | {bound:7.2f} {ours / bound:6.1f}"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=7, help="medians over so many (default: %(default)s)")
    options.add_argument("--seeds", type=int, default=5, help="in one shard (default: %(default)s)")
    options.add_argument("--only", nargs="+", help="these pages alone")
    options.add_argument("--task", default="adding", help="whose sequences are read (default: %(default)s)")
    given = options.parse_args()
    prepare()
    speed = speeds()
    print(f"{given.seeds} seeds, H = {HIDDEN}, B = {BATCH}, {given.task}; median of {given.runs} runs")
    print(f"{machine()}; products {speed[0] / 1e9:.0f} GF/s, copies {speed[1] / 1e9:.0f} GB/s")
    print(
        "   T architecture           | together one by one  ratio |   bound  times  (ms an update and seed)"
    )
    names = [*(name for name in catalog.names("architectures") if name != "stacked"), *GATED]
    for length in QUICK if given.quick else LENGTHS:
        for name in given.only or sorted(names):
            print(line(name, given.task, length, given.seeds, given.runs, speed), flush=True)


if __name__ == "__main__":
    main()
