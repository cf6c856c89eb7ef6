"""The time loop of the LSTM of 1997, compiled by numba, built as those of loops.py are."""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import (
    add_outer_product,
    compiled,
    product_with_rows,
    sigmoid,
    tanh,
)

# Shape letters as in loops.py.
# Of the LSTM of 1997 there are H cells in blocks of `block_size`, and U units: the cells, then the blocks'
# input gates, then their output gates. z is (R, T + 1, K x B) with K = U + J, in row t the units after step
# t - 1, the inputs of step t, and ones; c is (R, T + 1, N); g (R, T, N); d_units is (R, U x B).


@compiled
def cells(block_size, B, c, c_next, g, units):
    """g and the units come as sums of products; the units go as h and as gates, g as what it lets in."""
    two, half = c.dtype.type(2), c.dtype.type(0.5)
    N = len(c)
    for j in range(N):
        g[j] = two * tanh(half * units[j])
    for j in range(N, len(units)):
        units[j] = sigmoid(units[j])
    blocks = (len(units) - N) // (2 * B)
    for cell in range(N // B):
        j, i = cell * B, N + cell // block_size * B
        o = i + blocks * B
        for b in range(B):
            c_next[j + b] = c[j + b] + units[i + b] * g[j + b]
        for b in range(B):
            units[j + b] = units[o + b] * tanh(half * c_next[j + b])


@compiled
def cells_gradient(block_size, B, d_units, dc, c_next, g, units, d):
    """`d_units` comes as the gradient of h and of the gates, and becomes that of the gates' values."""
    one, half, quarter = c_next.dtype.type(1), c_next.dtype.type(0.5), c_next.dtype.type(0.25)
    N = len(dc)
    blocks = (len(units) - N) // (2 * B)
    for cell in range(N // B):
        j, i = cell * B, N + cell // block_size * B
        o = i + blocks * B
        for b in range(B):
            d[j + b] = tanh(half * c_next[j + b])
        for b in range(B):
            dc[j + b] += d_units[j + b] * units[o + b] * half * (one - d[j + b] * d[j + b])
        for b in range(B):
            d_units[o + b] += d_units[j + b] * d[j + b]
        for b in range(B):
            d_units[i + b] += dc[j + b] * g[j + b]
        for b in range(B):
            d[j + b] = dc[j + b] * units[i + b] * (one - quarter * g[j + b] * g[j + b])
    for j in range(N, len(units)):
        d[j] = d_units[j] * (units[j] * (one - units[j]))


@compiled
def forward(block_size, W_RUK, z, c, g):
    R, U, K = W_RUK.shape
    B = z.shape[2] // K
    for r in range(R):
        for t in range(g.shape[1]):
            units = z[r, t + 1, : U * B]
            np.dot(W_RUK[r], z[r, t].reshape(K, B), units.reshape(U, B))
            cells(block_size, B, c[r, t], c[r, t + 1], g[r, t], units)


@compiled
def backward(truncated, block_size, W_RKU, z, c, g, dy, d_units, dc, dx, dW_RUK):
    """As `backward`; truncated, no gradient reaches the units of the step before: the cells carry it on."""
    R, K, U = W_RKU.shape
    B, N = z.shape[2] // K, c.shape[2]
    d = np.empty(U * B, z.dtype)
    d_UB = d.reshape(U, B)
    for r in range(R):
        for t in range(g.shape[1] - 1, -1, -1):
            if dy.shape[1]:
                d_units[r, :N] += dy[r, t]
            units = z[r, t + 1, : U * B]
            cells_gradient(block_size, B, d_units[r], dc[r], c[r, t + 1], g[r, t], units, d)
            if truncated:
                d_units[r] = 0
            else:
                product_with_rows(W_RKU[r], 0, d_UB, 0, d_units[r].reshape(U, B))
            add_outer_product(dW_RUK[r], d_UB, z[r, t].reshape(K, B))
            if dx.shape[1]:
                product_with_rows(W_RKU[r], U, d_UB, 0, dx[r, t].reshape(K - U - 1, B))
