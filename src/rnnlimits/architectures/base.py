"""What every architecture page gives, and what it gets for it: a scan over time, replicas side by side.

A page with recurrence subclasses `Recurrent` and needs three things: its weights, `initial_state` and
`step`. A page without recurrence subclasses `Architecture` and gives `forward` itself.
Either way `y, state = layer(x)` may be cut anywhere: two halves with the state handed over equal the whole.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from rnnlimits.architectures import kernels
from rnnlimits.architectures.kernels import replay

# Shape letters: B sequences, T time steps, I inputs, H hidden units (outputs of the layer), R replicas,
# G whatever a page projects inputs to.
State = tuple[Tensor, ...]


class Architecture(nn.Module):
    """A causal map from inputs x_1..x_t to y_t. Initial weights come from torch's global generator.

    `inputs` is the width I of x, `hidden` the width H of y, `options` the page's own `Options`.
    """

    receptive_field: int | None = None  # y_t sees exactly this many last inputs; None: there is no such limit
    # The loop of architectures.kernels that does the work of several replicas at once, "" for none; its
    # weights by name, in its own order, and what else it is told.  Planning reads `kernel` from the source.
    kernel: str = ""
    kernel_weights: tuple[str, ...] = ()
    kernel_arguments: tuple[Any, ...] = ()
    # The name of the trained weight U, and of f, of a page that is h' = f(W x + U h + b), y = h': budgets
    # that act on such a matrix ask for it.  Planning reads `trained_matrix` from the source.
    trained_matrix: str | None = None
    nonlinearity: str = ""

    def __init__(self, inputs: int, hidden: int, length: int, options: Any):
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden
        self.length = length  # the sequence length to come; chrono initialisation wants to know it
        self.options = options

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Outputs y_BTH, and the state after the last step; without `state` from the initial one.

        y_t depends on no input after t. Raises NotImplementedError where a page does not give it.
        """
        raise NotImplementedError(f"{type(self).__name__} needs forward(x_BTI, state) -> (y_BTH, state)")

    def initial_state(self, batch: int) -> State:
        """The state before the first input: every tensor zero, its first axis the batch."""
        raise NotImplementedError(f"{type(self).__name__} needs initial_state(batch) -> tuple of tensors")

    def zeros(self, *shape: int) -> Tensor:
        """Zeros of the weights' type, on the weights' device."""
        weight = next(chain(self.parameters(), self.buffers()))
        return torch.zeros(shape, dtype=weight.dtype, device=weight.device)

    @classmethod
    def forward_replicas(
        cls,
        layer: "Architecture",
        tensors_R: dict[str, Tensor],
        x_RBTI: Tensor,
        state_R: State | None = None,
        *,
        last: bool = False,
    ) -> tuple[Tensor, State]:
        """`forward` of R replicas at once; a page may do it faster, but never differently.

        `layer` gives the sizes; the weights and buffers come from `tensors_R`, stacked on their first axis.
        With `last` the outputs are those of the last step alone, (R, B, 1, H).
        """

        def one(tensors: dict[str, Tensor], x_BTI: Tensor, state: State | None) -> tuple[Tensor, State]:
            return cast(tuple[Tensor, State], functional_call(layer, tensors, (x_BTI, state)))

        y_RBTH, state = vmap(one, in_dims=(0, 0, None if state_R is None else 0))(tensors_R, x_RBTI, state_R)
        return y_RBTH[:, :, -1:] if last else y_RBTH, state


class Recurrent(Architecture):
    """An architecture whose state has a fixed size: y_t, s_t = step(x_t, s_{t-1}).

    Where ds_t/ds_{t-1} = diag(f') U, the page also gives sup |f'| (`slope_bound`) and U (`recurrent_matrix`,
    unless it is the `trained_matrix`): gradients then shrink or grow by at most slope_bound times the
    largest singular value of U a step (Pascanu et al. 2013).

    `recurrent_weights` are the names of W_rec, for the probe parameter_gradient_by_lag: what is multiplied
    with the state; where the state meets only a factor, as in a gate of x alone, the weights that make it.
    """

    recurrent_weights: tuple[str, ...] = ()
    slope_bound: float | None = None

    def initial_state(self, batch: int) -> State:
        return (self.zeros(batch, self.hidden),)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        """One step: the output y_BH and the state after it; the first axis of every state tensor is B.

        Raises NotImplementedError where a page does not give it.
        """
        raise NotImplementedError(f"{type(self).__name__} needs step(x_BI, state) -> (y_BH, state)")

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self.scan(self.step, x_BTI, state)

    def scan(
        self, step: Callable[[Tensor, State], tuple[Tensor, State]], x_BTG: Tensor, state: State | None
    ) -> tuple[Tensor, State]:
        """`step` from the first time step to the last: outputs y_BTH, and the state after the last."""
        state = self.initial_state(len(x_BTG)) if state is None else state
        y_T = []
        # unbind, not x[:, t]: its backward is one stack, where T slices would each fill a whole tensor.
        for x_BG in x_BTG.unbind(1):
            y_BH, state = step(x_BG, state)
            y_T.append(y_BH)
        return torch.stack(y_T, 1), state

    @classmethod
    def forward_replicas(
        cls,
        layer: Architecture,
        tensors_R: dict[str, Tensor],
        x_RBTI: Tensor,
        state_R: State | None = None,
        *,
        last: bool = False,
    ) -> tuple[Tensor, State]:
        if cls.forward is Recurrent.forward:  # another forward may do more than scan `step`
            R, B = x_RBTI.shape[:2]
            # The layer itself stays on the CPU; on a GPU, a copy from there could not be recorded.
            zeros = [part.new_zeros(R, *part.shape, device=x_RBTI.device) for part in layer.initial_state(B)]
            start = tuple(zeros)
            replayed = replay.scan(layer, tensors_R, x_RBTI, start if state_R is None else state_R, last=last)
            if replayed is not None:
                return replayed
        return super().forward_replicas(layer, tensors_R, x_RBTI, state_R, last=last)

    @property
    def recurrent_matrix(self) -> Tensor | None:
        """U where there is a `slope_bound`; None where the step's Jacobian is none of this form."""
        bounded = self.slope_bound is not None and self.trained_matrix is not None
        return self.get_parameter(self.trained_matrix or "") if bounded else None


class ProjectedRecurrent(Recurrent):
    """A recurrence whose inputs enter by one linear map: step(x, s) = advance(project(x), s).

    The inputs of all steps are then projected by one product before the loop over time.

    A page that names a `kernel` also says which of its weights that takes; where it passes its trial, it is
    used.
    """

    def project(self, x_I: Tensor) -> Tensor:
        """The part of a step that needs no state, for any leading axes."""
        raise NotImplementedError(f"{type(self).__name__} needs project(x_I) -> p_G")

    def advance(self, p_BG: Tensor, state: State) -> tuple[Tensor, State]:
        """The rest of the step."""
        raise NotImplementedError(f"{type(self).__name__} needs advance(p_BG, state) -> (y_BH, state)")

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return self.advance(self.project(x_BI), state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self.scan(self.advance, self.project(x_BTI), state)

    @classmethod
    def forward_replicas(
        cls,
        layer: Architecture,
        tensors_R: dict[str, Tensor],
        x_RBTI: Tensor,
        state_R: State | None = None,
        *,
        last: bool = False,
    ) -> tuple[Tensor, State]:
        scan = kernels.choose(layer.kernel, x_RBTI, *layer.kernel_arguments)
        if scan is None:
            return super().forward_replicas(layer, tensors_R, x_RBTI, state_R, last=last)
        weights_R = (tensors_R[name] for name in layer.kernel_weights)
        return scan(x_RBTI, *weights_R, state_R, *layer.kernel_arguments, last=last)


class PlainRecurrent(ProjectedRecurrent):
    """h' = f(W x + U h + b), y = h'; the page makes W_HI, U_HH, b_H and names f, its `nonlinearity`."""

    recurrent_weights = ("U_HH",)
    trained_matrix = "U_HH"
    kernel = "elman"
    kernel_weights = ("W_HI", "b_H", "U_HH")
    W_HI: Tensor
    b_H: Tensor

    def project(self, x_I: Tensor) -> Tensor:
        return nn.functional.linear(x_I, self.W_HI, self.b_H)


class ReplicaByReplica(Architecture):
    """An architecture whose replicas are computed one after another, where vmap would be slower."""

    def last_output(self, x_BTI: Tensor) -> Tensor:
        """The last step's y_B1H from the initial state; a page may leave out what it does not see."""
        return cast(Tensor, self(x_BTI)[0])[..., -1:, :]

    @classmethod
    def forward_replicas(
        cls,
        layer: Architecture,
        tensors_R: dict[str, Tensor],
        x_RBTI: Tensor,
        state_R: State | None = None,
        *,
        last: bool = False,
    ) -> tuple[Tensor, State]:
        if last and state_R is None:
            each = zip(unbound(tensors_R), x_RBTI)
            return torch.stack([replay.call(layer, "last_output", own, x_BTI) for own, x_BTI in each]), ()

        def one(own: dict[str, Tensor], x_BTI: Tensor, state: State | None) -> tuple[Tensor, State]:
            return cast(tuple[Tensor, State], functional_call(layer, own, (x_BTI, state)))

        return one_by_one(one, tensors_R, x_RBTI, state_R, last=last)


OfOne = Callable[[dict[str, Tensor], Tensor, State | None], tuple[Tensor, State]]


def one_by_one(
    one: OfOne, tensors_R: dict[str, Tensor], x_RBTI: Tensor, state_R: State | None, *, last: bool
) -> tuple[Tensor, State]:  # fmt: skip
    """`one` of each replica, stacked; with `last` the outputs of the last step alone."""
    states = [None] * len(x_RBTI) if state_R is None else zip(*(part.unbind() for part in state_R))
    each = [one(*given) for given in zip(unbound(tensors_R), x_RBTI, states, strict=True)]
    y_RBTH = torch.stack([y_BTH[:, -1:] if last else y_BTH for y_BTH, _ in each])
    return y_RBTH, tuple(torch.stack(part) for part in zip(*(state for _, state in each)))


def unbound(tensors_R: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """The tensors of each replica."""
    return [dict(zip(tensors_R, row)) for row in zip(*(rows.unbind() for rows in tensors_R.values()))]
