"""The time loop of the independently recurrent network, compiled by numba: a sequence through all steps.

A step has no product, so the inputs come projected, and all tensors keep the order that the others have:
sequences, steps, units.  A row is the units of one step; few rows a loop, as in loops.py.
"""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import compiled, tanh

# Shape letters: R replicas, B sequences, T steps, H units.  p, h and dp are (R, B, T, H), dy too, or
# (R, B, 0, H) where no such gradient comes; start and dh (R, B, H); u and du (R, H).
RELU = 0


@compiled
def cell(kind, p, u, before, h):
    zero = h.dtype.type(0)
    for j in range(len(h)):
        h[j] = p[j] + u[j] * before[j]
    if kind == RELU:
        for j in range(len(h)):
            h[j] = zero if h[j] < zero else h[j]
    else:
        for j in range(len(h)):
            h[j] = tanh(h[j])


@compiled
def cell_gradient(kind, dh, u, before, h, d, du):
    """dh comes as the gradient of h, and goes as that of `before`; d is that of p."""
    zero, one = h.dtype.type(0), h.dtype.type(1)
    if kind == RELU:
        for j in range(len(h)):
            d[j] = zero if h[j] <= zero else dh[j]
    else:
        for j in range(len(h)):
            d[j] = dh[j] * (one - h[j] * h[j])
    for j in range(len(h)):
        du[j] += d[j] * before[j]
    for j in range(len(h)):
        dh[j] = d[j] * u[j]


@compiled
def add(sums, more):
    for j in range(len(sums)):
        sums[j] += more[j]


@compiled
def forward(kind, u, start, p, h):
    R, B, T, _ = h.shape
    for r in range(R):
        for b in range(B):
            before = start[r, b]
            for t in range(T):
                cell(kind, p[r, b, t], u[r], before, h[r, b, t])
                before = h[r, b, t]


@compiled
def backward(kind, u, start, h, dy, dh, dp, du):
    R, B, T, H = h.shape
    of_sequence = np.empty(H, h.dtype)
    for r in range(R):
        for b in range(B):
            of_sequence[:] = 0  # a sum of sums: what one of all B x T numbers would lose in float32
            for t in range(T - 1, -1, -1):
                if dy.shape[2]:
                    add(dh[r, b], dy[r, b, t])
                before = h[r, b, t - 1] if t else start[r, b]
                cell_gradient(kind, dh[r, b], u[r], before, h[r, b, t], dp[r, b, t], of_sequence)
            add(du[r], of_sequence)
