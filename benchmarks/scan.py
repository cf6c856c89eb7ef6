"""Time of forward and backward through one layer, per seed: ours, torch.nn, and vmap over the plain step.

    python benchmarks/scan.py [--runs 7] [--seeds 5]

`ours` takes the seeds in one call, `torch.nn` one after another, `vmap` in one call of plain PyTorch. They
take turns in every run, each with a second call that is timed, as in a training where step follows step.
Medians are of processor time of one thread, which other work on the machine disturbs less than the clock.
`of peak` compares with a large matrix product timed in the same run: the share of its speed at which `ours`
does the multiplications that the layer cannot do without.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rnnlimits import kernels
from rnnlimits.architectures import elman, gru, lstm
from rnnlimits.architectures.base import Architecture

# Shape letters: R seeds, B sequences, T time steps, I inputs, H hidden units.
PAGES = {
    "elman": (elman.Elman, elman.Options(), nn.RNN, 1),
    "gru": (gru.GRU, gru.Options(), nn.GRU, 3),
    "lstm": (lstm.LSTM, lstm.Options(), nn.LSTM, 4),
}
SIZES = [(T, H, B) for H, B in ((32, 32), (64, 32), (128, 64)) for T in (100, 200)]
INPUTS = 10  # copy_memory has ten


def contenders(page: str, T: int, H: int, B: int, R: int) -> dict[str, Callable[[], None]]:
    cell, options, theirs, _ = PAGES[page]
    layers = [cell(INPUTS, H, T, options) for _ in range(R)]
    tensors_R = {
        name: torch.stack(
            [dict(layer.named_parameters())[name].detach() for layer in layers]
        ).requires_grad_()
        for name, _ in layers[0].named_parameters()
    }
    modules = [theirs(INPUTS, H, batch_first=True) for _ in range(R)]
    x_RBTI, dy_RBTH = torch.randn(R, B, T, INPUTS), torch.randn(R, B, T, H)

    def replicas(forward: Callable[..., tuple[Tensor, tuple[Tensor, ...]]]) -> None:
        y_RBTH, _ = forward(layers[0], tensors_R, x_RBTI)
        torch.autograd.grad(y_RBTH, list(tensors_R.values()), dy_RBTH)

    def one_after_another() -> None:
        for module, x_BTI, dy_BTH in zip(modules, x_RBTI, dy_RBTH):
            torch.autograd.grad(module(x_BTI)[0], list(module.parameters()), dy_BTH)

    plain = Architecture.forward_replicas.__func__  # type: ignore[attr-defined]
    return {
        "ours": lambda: replicas(cell.forward_replicas),
        "torch.nn": one_after_another,
        "vmap": lambda: replicas(lambda *arguments: plain(cell, *arguments)),
    }


def seconds(work: Callable[[], None]) -> float:
    work()
    start = time.process_time()
    work()
    return time.process_time() - start


def medians(works: dict[str, Callable[[], None]], runs: int) -> dict[str, float]:
    for work in works.values():
        work()  # compiles, loads, warms the caches
    taken = [{name: seconds(work) for name, work in works.items()} for _ in range(runs)]
    return {name: statistics.median(run[name] for run in taken) for name in works}


def peak_flops(runs: int, size: int = 1024) -> float:
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / medians({"product": lambda: torch.mm(a, b)}, runs)["product"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7, help="medians over so many (default: %(default)s)")
    parser.add_argument(
        "--seeds", type=int, default=5, help="trained in one call of ours (default: %(default)s)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(
        f"torch {torch.__version__}, ours: {kernels.backend()}; milliseconds per seed, forward and backward"
    )
    print("architecture    T    H   B |   ours  torch.nn     vmap | torch.nn/ours  vmap/ours  of peak")
    for page, (_, _, _, gates) in PAGES.items():
        for T, H, B in SIZES:
            took = medians(contenders(page, T, H, B, arguments.seeds), arguments.runs)
            ms = {name: 1e3 * s / arguments.seeds for name, s in took.items()}
            # Twice for a multiplication and an addition; U once forward and twice backward, W once and once.
            flops = 2 * B * T * gates * H * (3 * H + 2 * INPUTS)
            share = flops / (ms["ours"] / 1e3) / peak_flops(arguments.runs)
            print(
                f"{page:<12} {T:>4} {H:>4} {B:>3} |"
                f" {ms['ours']:6.2f} {ms['torch.nn']:9.2f} {ms['vmap']:8.2f} |"
                f" {ms['torch.nn'] / ms['ours']:12.1f}x {ms['vmap'] / ms['ours']:9.1f}x {share:8.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
