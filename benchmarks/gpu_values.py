"""Values and gradients of every architecture on a device, against the plain path of the CPU in float64.

Each page runs as a training runs it (its fused or batched loop, its replayed step) and in plain operations;
for one replica, which cuDNN may take, and for three; from the initial state, from a state that is handed
over, and with the last output alone.  What is compared: outputs, states, and the gradients of the inputs, of
all weights and of the state that was handed over.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from gpu_found import Found, guarded
from torch import Tensor

from rnnlimits import catalog
from rnnlimits.architectures import kernels
from rnnlimits.architectures.base import Architecture
from rnnlimits.execution.speed_trial import without_compiled_loops
from rnnlimits.planning.config.fields import fields

# Shape letters: R replicas, B sequences, T time steps, I inputs, H hidden units.
REPLICAS, SEQUENCES, INPUTS = (1, 3), 3, 3
# Relative to the largest number of a tensor; in float32 the reference has the same weights and inputs.
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-9}
LEAST = 1e-2  # the largest number of a tensor counts as this much at least
# Numbers that change what a page computes; of options that list their choices, each one is tried.
EXTRA = {
    "antisymmetric": [{"gated": True}],
    "attention": [{"heads": 2}],
    "echo_state": [{"leak": 0.3}],
    "stacked": [{"of": "gru"}, {"of": "independent", "residual": "pre_norm"}],
}
NEEDS = {"stacked": {"of": "lstm"}}
Numbers = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """A page with its options, as large as the check wants it."""

    page: str
    options: dict[str, Any]
    steps: int
    hidden: int

    def __str__(self) -> str:
        return " ".join([self.page, *(f"{key}={value}" for key, value in self.options.items())])


def cases(steps: int, hidden: int) -> Iterator[Case]:
    for page in catalog.names("architectures"):
        needs = NEEDS.get(page, {})
        yield Case(page, needs, steps, hidden)
        for option in fields("architectures", page):
            if option.name != "initialisation":  # where weights start is no computation
                for choice in option.choices:
                    if choice != option.default:
                        yield Case(page, needs | {option.name: choice}, steps, hidden)
        for options in EXTRA.get(page, []):
            yield Case(page, options, steps, hidden)


def layers_of(case: Case, replicas: int) -> list[Architecture]:
    """On the CPU, in float32."""
    page = catalog.module("architectures", case.page)
    options = catalog.make(page.Options, case.options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = catalog.page_class("architectures", case.page)
        return [made(INPUTS, case.hidden, case.steps, options) for _ in range(replicas)]


def run(
    layers: list[Architecture], x_RBTI: Tensor, state: tuple[Tensor, ...] | None, last: bool = False
) -> Numbers:
    """Outputs, states and gradients, on the device and in the type of x; with `last` of the last output."""

    def stacked(which: list[dict[str, Tensor]]) -> Numbers:
        return {name: torch.stack([one[name] for one in which]).detach().to(x_RBTI) for name in which[0]}

    weights = stacked([dict(layer.named_parameters()) for layer in layers])
    frozen = stacked([dict(layer.named_buffers()) for layer in layers])
    leaves = {f"the weight {name}": weight.requires_grad_() for name, weight in weights.items()}
    leaves["the inputs"] = x_RBTI.detach().requires_grad_()
    if state is not None:
        state = tuple(part.to(x_RBTI).requires_grad_() for part in state)
        leaves |= {f"state {number}": part for number, part in enumerate(state)}
    template = layers[0].to(
        x_RBTI.dtype
    )  # its own weights are not used, and stay on the CPU, as in a training
    given = weights | frozen, leaves["the inputs"], state
    y_RBTH, after = type(template).forward_replicas(template, *given, last=last)
    found = {"the outputs": y_RBTH}
    if not last:
        found |= {f"the last state {number}": part for number, part in enumerate(after)}
    loss = sum((waved(part) for part in found.values()), torch.zeros(()).to(x_RBTI))
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    found |= {f"the gradient of {name}": gradient for name, gradient in zip(leaves, gradients)}
    return {name: number.detach().cpu().double() for name, number in found.items()}


def waved(part: Tensor) -> Tensor:
    """A loss in which every number has a weight of its own; made on the CPU, so that all have the same."""
    weights = torch.arange(part.numel(), dtype=torch.float64).sin()
    return (weights.to(part).view(part.shape) * part).sum()


def error(ours: Numbers, theirs: Numbers) -> tuple[float, str]:
    """The largest difference, relative to the largest number of its tensor, and of which tensor it is."""
    if {name: part.shape for name, part in ours.items()} != {
        name: part.shape for name, part in theirs.items()
    }:
        return float("inf"), "the shapes"
    found = [(relative(ours[name], theirs[name]), name) for name in ours if ours[name].numel()]
    return max(found, key=lambda one: one[0])


def relative(ours: Tensor, theirs: Tensor) -> float:
    largest = (ours - theirs).abs().max().item() / max(LEAST, theirs.abs().max().item())
    return largest if largest == largest else float("inf")  # NaN is never larger than anything


def worst_of(case: Case, replicas: int, dtype: torch.dtype, device: str) -> tuple[float, str]:
    """Of all runs of a page with so many replicas."""
    generator = torch.Generator().manual_seed(1)
    x_RBTI = torch.randn(replicas, SEQUENCES, case.steps, INPUTS, generator=generator)
    half = case.steps // 2
    layers = layers_of(case, replicas)
    with without_compiled_loops(), torch.no_grad():
        template, exact = layers[0].double(), x_RBTI.double()
        tensors = {
            name: torch.stack([layer.state_dict()[name].double() for layer in layers])
            for name in template.state_dict()
        }
        _, state = type(template).forward_replicas(template, tensors, exact[:, :, :half])
    # The same state for both: in float32 where that is what is checked.
    state = tuple(part.to(dtype).double() for part in state)
    runs = {
        "from the start": (x_RBTI, None, False),
        "from a state": (x_RBTI[:, :, half:], state, False),
        "last output": (x_RBTI, None, True),
    }
    found = []
    for name, (inputs, start, last) in runs.items():
        with without_compiled_loops():
            reference = run(layers_of(case, replicas), inputs.double(), start, last)
        for way, context in (("as trained", contextlib.nullcontext()), ("plain", without_compiled_loops())):
            with context:
                ours = run(layers_of(case, replicas), inputs.to(device, dtype), start, last)
            size, where = error(ours, reference)
            found.append((size, f"{where}, {name}, {way}, R={replicas}"))
    return max(found, key=lambda one: one[0])


def of_page(case: Case, dtype: torch.dtype, device: str) -> Found:
    size, where = max(worst_of(case, replicas, dtype, device) for replicas in REPLICAS)
    bound = TOLERANCE[dtype]
    what = f"{case}, {str(dtype).removeprefix('torch.')}"
    return Found(
        check="values", what=what, passed=size <= bound, measured=size, bound=bound, unit="relative",
        note=where if size > bound else "",
    )  # fmt: skip


def of_loop(kernel: str, way: str, dtype: torch.dtype, device: str) -> Found:
    """One of the loops for a GPU by itself, whether a training would choose it or not."""
    loop, page = kernels.cuda.LOOPS[kernel, way], kernels.KERNELS[kernel]
    ours, theirs = (
        {f"tensor {number}": part.detach().cpu().double() for number, part in enumerate(parts)}
        for parts in (
            kernels.trial(kernel, dtype, loop, loop.trial_replicas, device),
            kernels.trial(kernel, dtype, page.plain_scan, loop.trial_replicas, "cpu"),
        )
    )
    size, where = error(ours, theirs)
    bound = TOLERANCE[dtype]
    return Found(
        check="loops", what=f"{kernel} {way}, {str(dtype).removeprefix('torch.')}", passed=size <= bound,
        measured=size, bound=bound, unit="relative", note=where if size > bound else "",
    )  # fmt: skip


def checks(device: str, quick: bool) -> Iterator[Found]:
    for kernel, way in kernels.cuda.LOOPS:
        if way == "fused" and (device == "cpu" or kernel == "elman"):  # torch has them for GPUs, of gates
            continue
        for dtype in TOLERANCE:
            yield guarded(
                "loops", f"{kernel} {way}", lambda k=kernel, w=way, d=dtype: of_loop(k, w, d, device)
            )
    for case in cases(*((8, 4) if quick else (24, 16))):
        for dtype in TOLERANCE:
            yield guarded("values", str(case), lambda c=case, d=dtype: of_page(c, d, device))
