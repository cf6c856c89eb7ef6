"""What of a caller's module is a step and a state: every kind of module looks like one of our pages here.

In this order: our pages; torch's layers and cells; a step f(x_t, state), which is told by the `state` that
the caller gives or by a class called ...Cell; a module that hands a state on, `y, state = module(x, state)`;
and any other module x -> y, of which nothing but inputs and outputs can be seen.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import Architecture, Recurrent, State
from rnnlimits.measure import torch_layers
from rnnlimits.measure.given import name_of
from rnnlimits.measure.states import alike, filled, leaves, same, shapes

# Shape letters: B sequences, T time steps, I inputs, O outputs, H the width of y.


class OfOthers(Recurrent):
    """A recurrence of others: its state, tensor by tensor as it starts, with the batch axis first."""

    def __init__(self, inner: Callable[..., Any], x_BTI: Tensor, hidden: int, start: State, form: Any):
        super().__init__(x_BTI.shape[2], hidden, x_BTI.shape[1], None)
        self.inner = inner
        self.start = start
        self.form = form  # a state as `inner` has it
        found = dict(inner.named_parameters()) if isinstance(inner, nn.Module) else {}
        self.recurrent_weights = tuple(f"inner.{name}" for name in found if "weight_hh" in name)

    def initial_state(self, batch: int) -> State:
        return tuple(part.expand(batch, *part.shape).clone() for part in self.start)

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64)


class Step(OfOthers):
    """f(x_BI, state) -> state, or -> (y_BH, state); the output is y, or the first tensor of the state."""

    def __init__(self, inner: Callable[..., Any], x_BTI: Tensor, state: Any):
        super().__init__(inner, x_BTI, 0, tuple(leaves(state)), state)
        given = filled(state, iter(self.initial_state(len(x_BTI))))
        came = inner(x_BTI[:, 0], given)
        self.gives_output = not alike(came, given)
        pair = isinstance(came, tuple | list) and len(came) == 2
        if self.gives_output and not (pair and isinstance(came[0], Tensor) and alike(came[1], given)):
            raise ValueError(
                f"{name_of(inner)}: got {shapes(came)} from a state of {shapes(given)}; expected f(x_t, "
                "state) -> state or (output, state), the state of one form at every step"
            )
        self.hidden = leaves(came)[0][0].numel()

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        came = self.inner(x_BI, filled(self.form, iter(state)))
        if self.gives_output:
            return came[0], tuple(leaves(came[1]))
        after = tuple(leaves(came))
        return after[0], after


class HandsOn(OfOthers):
    """y, state = module(x, state), as of torch's layers: of a tensor of three axes, axis 1 is the batch."""

    def __init__(self, inner: Callable[..., Any], x_BTI: Tensor, hidden: int, state: Any, time_first: bool):
        parts = leaves(state)
        self.axes = tuple(1 if part.dim() == 3 and part.shape[1] == len(x_BTI) else 0 for part in parts)
        moved = [part.movedim(axis, 0) for part, axis in zip(parts, self.axes)]
        start = tuple(torch.zeros(part.shape[1:]) for part in moved)
        super().__init__(inner, x_BTI, hidden, start, state)
        self.time_first = time_first

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        y_BTH, after = self(x_BI.unsqueeze(1), state)
        return y_BTH[:, 0], after

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        state = self.initial_state(len(x_BTI)) if state is None else state
        moved = (part.movedim(0, axis).contiguous() for part, axis in zip(state, self.axes))
        came = self.inner(turned(x_BTI, self.time_first), filled(self.form, moved))
        after = tuple(part.movedim(axis, 0) for part, axis in zip(leaves(came[1]), self.axes))
        return output_of(came, x_BTI, self.time_first), after


class InputsToOutputs(Architecture):
    """Any module x -> y; (B, O), where it gives one, is the output of the last step."""

    def __init__(self, inner: Callable[..., Any], x_BTI: Tensor, hidden: int, time_first: bool):
        super().__init__(x_BTI.shape[2], hidden, x_BTI.shape[1], None)
        self.inner = inner
        self.time_first = time_first

    def initial_state(self, batch: int) -> State:
        return ()

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return output_of(self.inner(turned(x_BTI, self.time_first)), x_BTI, self.time_first), ()


def as_architecture(module: Callable[..., Any], x_BTI: Tensor, state: Any, time_first: bool) -> Architecture:
    """`module` and x in float64; `state` is that of one sequence before its first step."""
    if isinstance(module, Architecture):
        return module
    if isinstance(module, nn.RNNBase) and module.bidirectional:
        raise ValueError(
            f"{name_of(module)}: got bidirectional=True; expected a layer that only reads forwards, as "
            "otherwise an output sees later inputs and no lag is defined; measure each direction by itself"
        )
    if isinstance(module, nn.RNNCellBase) or (isinstance(module, nn.RNNBase) and not module.proj_size):
        return torch_layers.as_page(module)
    if state is not None:
        return Step(module, x_BTI, state)
    if type(module).__name__.endswith("Cell"):
        return Step(module, x_BTI, state_of_cell(module, x_BTI))
    came = module(turned(x_BTI, time_first))
    if (handed_on := _handed_on(module, x_BTI, came, time_first)) is not None:
        return handed_on
    return InputsToOutputs(module, x_BTI, output_of(came, x_BTI, time_first).shape[2], time_first)


def state_of_cell(cell: Callable[..., Any], x_BTI: Tensor) -> Any:
    """Zeros in the form of the state that a cell makes where it is given none, if it starts there."""
    x_BI = x_BTI[:, 0]
    came = cell(x_BI)
    for after in (came, came[1] if isinstance(came, tuple | list) and len(came) == 2 else None):
        try:
            if same(cell(x_BI, filled(after, map(torch.zeros_like, leaves(after)))), came):
                return filled(after, (torch.zeros(part.shape[1:]) for part in leaves(after)))
        except Exception:  # whatever a cell says to a state that is none of its own
            continue
    raise ValueError(
        f"{name_of(cell)}: found no state that is zero before the first step; expected cell(x_t, state) -> "
        "state; give the state of one sequence as state=torch.zeros(H), or a tuple of such"
    )


def _handed_on(module: Callable[..., Any], x_BTI: Tensor, came: Any, time_first: bool) -> HandsOn | None:
    """None unless zeros in the form of its second output start it, and two halves equal the whole."""
    if not isinstance(came, tuple | list) or len(came) != 2 or x_BTI.shape[1] < 2:
        return None
    whole, half = output_of(came, x_BTI, time_first), x_BTI.shape[1] // 2
    try:
        found = HandsOn(module, x_BTI, whole.shape[2], came[1], time_first)
        first_BTH, state = found(x_BTI[:, :half])
        second_BTH, last = found(x_BTI[:, half:], state)
        halves = torch.cat([first_BTH, second_BTH], 1)
        return found if same((halves, last), (whole, found(x_BTI)[1])) else None
    except Exception:  # its second output is no state that it takes: seen from outside, x -> y is left
        return None


def turned(x_BTI: Tensor, time_first: bool) -> Tensor:
    return x_BTI.transpose(0, 1) if time_first else x_BTI


def output_of(came: Any, x_BTI: Tensor, time_first: bool) -> Tensor:
    """y_BTO: the first tensor with a value a step, or else the first with one a sequence, (B, O)."""
    parts = (
        list(came.values()) if isinstance(came, dict) else came if isinstance(came, tuple | list) else [came]
    )
    tensors = [part for part in parts if isinstance(part, Tensor)]
    B, T = x_BTI.shape[:2]
    expected = (T, B) if time_first else (B, T)
    for part in tensors:
        if part.dim() == 3 and part.shape[:2] == expected:
            return turned(part, time_first)
    for part in tensors:
        if part.dim() == 2 and len(part) == B:
            return part.unsqueeze(1)
    raise ValueError(
        f"output: got {shapes(parts)} for x of {tuple(x_BTI.shape)}; expected (B, T, O), or (B, O) of the "
        "last step; is the batch first (batch_first=True) or the time (batch_first=False)?"
    )
