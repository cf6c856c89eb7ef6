"""Linear recurrences, of which all steps are computed at once by a scan."""

from collections.abc import Callable
from functools import partial
from typing import cast

from torch import Tensor

from rnnlimits.architectures import kernels
from rnnlimits.architectures.base import Architecture, Recurrent, State, one_by_one
from rnnlimits.architectures.kernels import linear, replay
from rnnlimits.architectures.kernels.associative import as_numbers, as_real, linear_scan

# Shape letters: R replicas, B sequences, T time steps, I inputs, H hidden units, N coordinates of the state.
Scan = Callable[[Tensor, Tensor, Tensor], Tensor]
IN_CACHE = 2**18  # numbers, of the states of all replicas, sequences and steps


class LinearRecurrent(Recurrent):
    """h_t = a_t * h_{t-1} + b_t, with a_t and b_t of x_t alone, and y_t = read(h_t, x_t).

    All steps are then computed at once.  Where a is complex, the state is pairs of real numbers.  A page may
    name a kernel of its own, with all of its weights for `kernel_weights`.
    """

    kernel = "linear"

    def coefficients(self, x_I: Tensor) -> tuple[Tensor, Tensor]:
        """a, b for any leading axes of x; an `a` that is the same for all x has no leading axes."""
        raise NotImplementedError(f"{type(self).__name__} needs coefficients(x_I) -> (a_N, b_N)")

    def read(self, h_N: Tensor, x_I: Tensor) -> Tensor:
        """y for any leading axes; the state itself, if not told otherwise."""
        return h_N

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        a, b_BN = self.coefficients(x_BI)
        h_BN = a * as_numbers(state[0], b_BN) + b_BN
        return self.read(h_BN, x_BI), (as_real(h_BN),)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self.scanned(linear_scan, x_BTI, state)

    def scanned(self, scan: Scan, x_BTI: Tensor, state: State | None) -> tuple[Tensor, State]:
        """`forward` by a scan of one's choice: outputs of as many last steps as it gives the states of."""
        (start,) = self.initial_state(len(x_BTI)) if state is None else state
        a, b_BTN = self.coefficients(x_BTI)
        a_BTN = a if a.dim() == b_BTN.dim() else a.expand(1, 1, *a.shape)
        h_BTN = scan(a_BTN, b_BTN, as_numbers(start, b_BTN))
        return self.read(h_BTN, x_BTI[:, -h_BTN.shape[1] :]), (as_real(h_BTN[:, -1]),)

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
        compiled = kernels.choose(layer.kernel, x_RBTI, *layer.kernel_arguments)
        if compiled and layer.kernel_weights:
            weights_R = (tensors_R[name] for name in layer.kernel_weights)
            return compiled(x_RBTI, *weights_R, state_R, *layer.kernel_arguments, last=last)
        R, B, T, _ = x_RBTI.shape
        states = R * T * B * sum(part.numel() for part in layer.initial_state(1))
        own_forward = cls.forward is not LinearRecurrent.forward  # may do more than scan
        if x_RBTI.is_cuda or own_forward or (not compiled and states <= IN_CACHE):
            return super().forward_replicas(layer, tensors_R, x_RBTI, state_R, last=last)
        # One replica after another: all of them at once, and nothing would stay in the caches.
        scan = partial(linear.linear_scan, last=last) if compiled else linear_scan

        def one(own: dict[str, Tensor], x_BTI: Tensor, state: State | None) -> tuple[Tensor, State]:
            return cast(tuple[Tensor, State], replay.call(layer, "scanned", own, scan, x_BTI, state))

        return one_by_one(one, tensors_R, x_RBTI, state_R, last=last)
