"""Time of one update per seed: ours, torch.nn one seed after another, and ours in plain PyTorch.

    python benchmarks/training_step.py [--runs 7] [--seeds 5] [--task adding] [--pages lstm gru]

An update is forward, loss, backward, clipping and Adam, on batches that are drawn before the clock starts.
`ours` trains the seeds as one shard; `torch.nn` is what one would write instead: nn.RNN, nn.GRU or nn.LSTM
with a linear read-out (for pages that torch.nn does not have: the page itself as an nn.Module), seed after
seed; `plain` is ours without compiled loops.  They take turns in every run.
Medians are of processor time of one thread, which other work on the machine disturbs less than the clock.
`of peak` compares with a large matrix product timed in the same run: the share of its speed at which `ours`
does the multiplications that the recurrent layer cannot do without.
"""

import os
from collections.abc import Callable

import measuring
import torch
from measuring import medians
from torch import nn

from rnnlimits.catalog import make, module
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.shard import Shard
from rnnlimits.training.build import build_model, build_task

# Shape letters: B sequences, T time steps, H hidden units.
THEIRS = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
GATES = {"elman": 1, "gru": 3, "lstm": 4}
PAGES = [*THEIRS, "temporal_convolution", "feed_forward"]
SIZES = [(T, H, B) for H, B in ((32, 32), (64, 32), (128, 64)) for T in (100, 200)]


def shard(page: str, task: str, T: int, H: int, B: int, seeds: int) -> Shard:
    return Shard(
        study="benchmark", kind="training", task=task, task_page=task, task_options={}, variant=page,
        architecture=page, architecture_options={}, hidden_size=H, length_steps=T, parameters=0,
        parameters_target=None, seeds=seeds, learning_rates=[1e-3], probes={}, folds=None, needs=[],
        budget=Budget(updates=1, batch_size=B, validation_sequences=1, test_sequences=1),
    )  # fmt: skip


def contenders(page: str, name: str, T: int, H: int, B: int, seeds: int) -> dict[str, Callable[[], None]]:
    job = shard(page, name, T, H, B, seeds)
    task = build_task(job)
    models = [build_model(job, task, seed) for seed in range(seeds)]
    training = measuring.trainer(models, task, B)
    batches = measuring.feed(training)
    ours = measuring.update(training)

    def without_kernels() -> None:
        os.environ["RNNLIMITS_BACKEND"] = "torch"
        ours()
        del os.environ["RNNLIMITS_BACKEND"]

    if page in THEIRS:
        layers = [THEIRS[page](task.inputs, H, batch_first=True) for _ in range(seeds)]
        alone: list[nn.Module] = [
            measuring.Written(layer, H, task.outputs, task.reads_last) for layer in layers
        ]
    else:
        alone = list(models)
    optimisers = [torch.optim.Adam(model.parameters()) for model in alone]

    def one_after_another() -> None:
        for model, adam, batch in zip(alone, optimisers, batches):
            adam.zero_grad()
            task.loss_N(model(batch.x)[0], batch).mean().backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()

    return {"ours": ours, "torch.nn": one_after_another, "plain": without_kernels}


def peak_flops(runs: int, size: int = 1024) -> float:
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / medians({"product": lambda: torch.mm(a, b)}, runs)["product"]


def share_of_peak(page: str, inputs: int, T: int, H: int, B: int, seconds: float, runs: int) -> str:
    if page not in GATES:
        return "-"
    # Twice for a multiplication and an addition; U once forward and twice backward, W once and once.
    flops = 2 * B * T * GATES[page] * H * (3 * H + 2 * inputs)
    return f"{flops / seconds / peak_flops(runs):.0%}"


def main() -> None:
    parser = measuring.parser(__doc__)
    parser.add_argument("--runs", type=int, default=7, help="medians over so many (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=5, help="trained as one shard (default: %(default)s)")
    parser.add_argument("--task", default="adding", help="a task page with numbers as inputs (%(default)s)")
    parser.add_argument("--pages", nargs="+", default=PAGES, help="architectures (default: %(default)s)")
    arguments = parser.parse_args()
    measuring.prepare()
    print(measuring.machine())
    print(f"{arguments.task}, {arguments.seeds} seeds: ms an update and seed, medians of {arguments.runs}")
    options = module("tasks", arguments.task).Options
    print(
        f"{'architecture':<20}    T    H   B |   ours  torch.nn    plain | torch.nn/ours  plain/ours  of peak"
    )
    for page in arguments.pages:
        for T, H, B in SIZES[:1] if arguments.quick else SIZES:
            took = medians(contenders(page, arguments.task, T, H, B, arguments.seeds), arguments.runs)
            ms = {name: 1e3 * s / arguments.seeds for name, s in took.items()}
            inputs = make(options, {}).widths(T)[0]
            print(
                f"{page:<20} {T:>4} {H:>4} {B:>3} |"
                f" {ms['ours']:6.2f} {ms['torch.nn']:9.2f} {ms['plain']:8.2f} |"
                f" {ms['torch.nn'] / ms['ours']:12.1f}x {ms['plain'] / ms['ours']:10.1f}x"
                f" {share_of_peak(page, inputs, T, H, B, ms['ours'] / 1e3, arguments.runs):>8}",
                flush=True,
            )


if __name__ == "__main__":
    main()
