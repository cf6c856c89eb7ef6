"""One training step of 32 seeds on a GPU: ours in one CUDA graph, against 32 runs of cuDNN one after another.

    python benchmarks/gpu.py [--runs 7] [--seeds 32]

Both do the same work on data that lie on the GPU already: forward, squared error of the last step, backward,
clipping, Adam.  Theirs is `torch.nn.LSTM` and `torch.nn.RNN` with a linear read-out.  TF32 is off for both.
Medians of wall time over runs of several steps, ours and theirs in turn; memory is the peak of what torch's
allocator gave out.  Where there is no GPU it says so and ends well.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rnnlimits import gpu, kernels
from rnnlimits.architectures import elman, lstm
from rnnlimits.fitting import OPTIMISERS
from rnnlimits.graphs import Replayed
from rnnlimits.model import Model
from rnnlimits.replicas import Replicas, clip

# Shape letters: R seeds, P weights of one, B sequences, T time steps, I inputs, H hidden units, O outputs.
T, H, B, INPUTS, STEPS, CLIP_NORM, RATE = 500, 128, 64, 2, 5, 1.0, 1e-3
PAGES = {
    "elman": (elman.Elman, elman.Options(), nn.RNN),
    "lstm": (lstm.LSTM, lstm.Options(), nn.LSTM),
}


def ours(page: str, x_RBTI: Tensor, target_RBO: Tensor) -> tuple[Callable[[], object], Replayed]:
    cell, options, _ = PAGES[page]
    models = Replicas(
        [
            Model(nn.Identity(), cell(INPUTS, H, T, options), nn.Linear(H, 1), reads_last=True)
            for _ in range(len(x_RBTI))
        ]
    ).to(x_RBTI.device)
    optimiser = OPTIMISERS["adam"]([{"params": [row], "lr": RATE} for row in models.rows])

    def gradients(
        theta_RP: Tensor, frozen_RQ: Tensor, x_RBTI: Tensor, target_RBO: Tensor
    ) -> tuple[Tensor, ...]:
        theta_RP = theta_RP.detach().requires_grad_()
        output_RBTO, _ = models(theta_RP, frozen_RQ, x_RBTI)
        loss_R = (output_RBTO[:, :, -1] - target_RBO).square().mean((1, 2))
        (gradient_RP,) = torch.autograd.grad(loss_R.sum(), theta_RP)
        clipped_RP, norms_R = clip(gradient_RP, CLIP_NORM)
        return clipped_RP, torch.stack([loss_R.detach(), norms_R])

    step = Replayed(gradients, x_RBTI.device)

    def work() -> object:
        theta_RP = models.theta(range(len(x_RBTI))).detach()
        clipped_RP, losses_and_norms_2R = step(theta_RP, models.frozen_RQ, x_RBTI, target_RBO)
        for row, gradient_P in zip(models.rows, clipped_RP):
            row.grad = gradient_P
        optimiser.step()
        return losses_and_norms_2R.tolist()

    return work, step


def theirs(page: str, x_RBTI: Tensor, target_RBO: Tensor) -> Callable[[], object]:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = PAGES[page][2](INPUTS, H, batch_first=True)
            self.readout = nn.Linear(H, 1)

        def forward(self, x_BTI: Tensor) -> Tensor:
            return self.readout(self.layer(x_BTI)[0][:, -1])

    nets = [Net().to(x_RBTI.device) for _ in x_RBTI]
    optimisers = [torch.optim.Adam(net.parameters(), lr=RATE, fused=x_RBTI.is_cuda or None) for net in nets]

    def work() -> object:
        read = []
        for net, optimiser, x_BTI, target_BO in zip(nets, optimisers, x_RBTI, target_RBO):
            optimiser.zero_grad()
            loss = (net(x_BTI) - target_BO).square().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
            optimiser.step()
            read.append(loss.item())
        return read

    return work


def seconds_per_step(work: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / STEPS


def peak_mb(work: Callable[[], object]) -> float:
    """Of the warm-up and of a few steps, above what others hold."""
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
    gpu.prepare(tf32=False)
    torch.manual_seed(0)
    R = arguments.seeds
    machine = f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    print(f"{machine}; R={R} H={H} T={T} B={B}; ms a training step")
    print("architecture  loop                |     ours  cuDNN one by one   ratio |  MB ours  MB cuDNN")
    for page in PAGES:
        x_RBTI = torch.randn(R, B, T, INPUTS, device="cuda")
        target_RBO = torch.randn(R, B, 1, device="cuda")
        one_by_one = theirs(page, x_RBTI, target_RBO)
        memory = {"theirs": peak_mb(one_by_one)}
        together, step = ours(page, x_RBTI, target_RBO)
        memory["ours"] = peak_mb(together)
        runs = [(seconds_per_step(together), seconds_per_step(one_by_one)) for _ in range(arguments.runs)]
        mine, cudnn = (1e3 * statistics.median(times) for times in zip(*runs))
        loop = kernels.backend(page, "cuda", R) + ("-graph" if step.recordings else "")
        print(
            f"{page:<13} {loop:<19} | {mine:8.2f} {cudnn:17.2f} {cudnn / mine:6.1f}x |"
            f" {memory['ours']:8.0f} {memory['theirs']:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
