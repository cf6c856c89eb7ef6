"""Linear recurrences, of which all steps are computed at once by a parallel scan."""

from torch import Tensor

from rnnlimits.architectures.base import Recurrent, State
from rnnlimits.architectures.kernels.associative import as_numbers, as_real, linear_scan


class LinearRecurrent(Recurrent):
    """h_t = a_t * h_{t-1} + b_t, with a_t and b_t of x_t alone, and y_t = read(h_t, x_t).

    All steps are then computed at once.  Where a is complex, the state is pairs of real numbers.
    """

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
        (start,) = self.initial_state(len(x_BTI)) if state is None else state
        a, b_BTN = self.coefficients(x_BTI)
        a_BTN = a if a.dim() == b_BTN.dim() else a.expand(1, 1, *a.shape)
        h_BTN = linear_scan(a_BTN, b_BTN, as_numbers(start, b_BTN))
        return self.read(h_BTN, x_BTI), (as_real(h_BTN[:, -1]),)
