"""One update of 32 seeds on a GPU: ours in one CUDA graph, against 32 runs of cuDNN one after another.

    python benchmarks/gpu.py [--runs 7] [--seeds 32]

Both do the same work on data that lie on the GPU already: forward, squared error of the last step, backward,
clipping, Adam.  Theirs is `torch.nn.LSTM` and `torch.nn.RNN` with a linear read-out.  TF32 is off for both.
Medians of wall time over runs of several updates, ours and theirs in turn; memory is the peak of what torch's
allocator gave out.  Where there is no GPU it says so and ends well.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import measuring
import torch
from torch import nn

from rnnlimits.architectures import elman, kernels, lstm
from rnnlimits.architectures._model import Model
from rnnlimits.tasks import adding
from rnnlimits.tasks.base import Batch
from rnnlimits.training.device import choose_products, repeat_sums
from rnnlimits.training.module import ReplicaTraining

# Shape letters: B sequences, T time steps, I inputs, H hidden units.
T, H, B, INPUTS, UPDATES, CLIP_NORM = 500, 128, 64, 2, 5, 1.0
PAGES = {
    "elman": (elman.Elman, elman.Options(), nn.RNN),
    "lstm": (lstm.LSTM, lstm.Options(), nn.LSTM),
}


def ours(page: str, seeds: int, device: str) -> tuple[ReplicaTraining, list[Batch]]:
    """The trainer of a shard with its data, which lie on the device already."""
    cell, options, _ = PAGES[page]
    layers = [cell(INPUTS, H, T, options) for _ in range(seeds)]
    models = [Model(nn.Identity(), layer, nn.Linear(H, 1), reads_last=True) for layer in layers]
    training = measuring.trainer(models, adding.Adding(T, adding.Options()), B).to(device)
    return training, measuring.feed(training, device)


def theirs(page: str, batches: list[Batch]) -> Callable[[], object]:
    device = batches[0].x.device
    layers = [PAGES[page][2](INPUTS, H, batch_first=True) for _ in batches]
    nets = [measuring.Written(layer, H, 1, reads_last=True).to(device) for layer in layers]
    fused = device.type == "cuda" or None
    optimisers = [torch.optim.Adam(net.parameters(), lr=measuring.LEARNING_RATE, fused=fused) for net in nets]

    def work() -> object:
        read = []
        for net, optimiser, batch in zip(nets, optimisers, batches):
            optimiser.zero_grad()
            loss = (net(batch.x)[0][:, -1] - batch.target).square().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
            optimiser.step()
            read.append(loss.item())
        return read

    return work


def seconds_per_step(work: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(UPDATES):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / UPDATES


def peak_mb(work: Callable[[], object]) -> float:
    """Of the warm-up and of a few updates, above what others hold."""
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    for _ in range(4):
        work()
    return (torch.cuda.max_memory_allocated() - held) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7, help="medians over so many (default: %(default)s)")
    parser.add_argument(
        "--seeds", type=int, default=32, help="trained in one call of ours (default: %(default)s)"
    )
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("GPU: no GPU")
        return
    choose_products(tf32=False)
    repeat_sums()
    torch.manual_seed(0)
    R = arguments.seeds
    machine = f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    print(f"{machine}; R={R} H={H} T={T} B={B}; ms an update")
    print("architecture  loop                |     ours  cuDNN one by one   ratio |  MB ours  MB cuDNN")
    for page in PAGES:
        training, batches = ours(page, R, "cuda")
        one_by_one, together = theirs(page, batches), measuring.update(training)
        memory = {"theirs": peak_mb(one_by_one), "ours": peak_mb(together)}
        runs = [(seconds_per_step(together), seconds_per_step(one_by_one)) for _ in range(arguments.runs)]
        mine, cudnn = (1e3 * statistics.median(times) for times in zip(*runs))
        loop = kernels.backend(page, "cuda", R) + ("-graph" if training.step.recordings else "")
        print(
            f"{page:<13} {loop:<19} | {mine:8.2f} {cudnn:17.2f} {cudnn / mine:6.1f}x |"
            f" {memory['ours']:8.0f} {memory['theirs']:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
