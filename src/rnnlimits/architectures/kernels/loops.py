"""The time loops themselves, compiled by numba: one replica through all of its steps.

Two things make them fast. A step has one product with all weights, a BLAS call (`np.dot`) on matrices that
stay in the cache. Everything else is loops so plain that LLVM turns them into vector instructions: the batch
is the last axis, so a gate is one row; few rows a loop (or LLVM fears that they overlap), and no call of the
C library's `exp`.
"""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import (
    add_outer_product,
    compiled,
    product_with_rows,
    sigmoid,
    tanh,
)

# Shape letters: R replicas, T steps, B sequences, I inputs, J = I + 1, H hidden units, N = H x B, K = H + J,
# G = H, 3H or 4H gate values. In `forward` and `backward` z is (R, T + 1, K x B), in row t the state before
# step t, the inputs of that step, and ones; c (R, T + 1, N); s (R, T, 4N), the gates; dy (R, T, N);
# dx (R, T, I x B); dh, dc (R, N). In a cell a name without suffix is a row of N.

GRU = 4  # below it elman with one of its nonlinearities, above it lstm: scan.KINDS


@compiled
def elman_cell(kind, h):
    zero = h.dtype.type(0)
    if kind == 0:
        for j in range(len(h)):
            h[j] = tanh(h[j])
    elif kind == 1:
        for j in range(len(h)):
            h[j] = zero if h[j] < zero else h[j]
    elif kind == 2:
        for j in range(len(h)):
            h[j] = sigmoid(h[j])


@compiled
def elman_cell_gradient(kind, dh, h, d):
    zero, one = h.dtype.type(0), h.dtype.type(1)
    if kind == 0:
        for j in range(len(h)):
            d[j] = dh[j] * (one - h[j] * h[j])
    elif kind == 1:
        for j in range(len(h)):
            d[j] = zero if h[j] <= zero else dh[j]
    elif kind == 2:
        for j in range(len(h)):
            d[j] = dh[j] * (h[j] * (one - h[j]))
    else:
        for j in range(len(h)):
            d[j] = dh[j]


@compiled
def gru_cell(h, h_next, r, z, m, n):
    """r, z, m, n come as sums of products and go as gates; m = U_n h + c."""
    for j in range(len(h)):
        r[j] = sigmoid(r[j])
    for j in range(len(h)):
        z[j] = sigmoid(z[j])
    for j in range(len(h)):
        n[j] = tanh(n[j] + r[j] * m[j])
    for j in range(len(h)):
        h_next[j] = n[j] + z[j] * (h[j] - n[j])


@compiled
def gru_cell_gradient(dh, h, r, z, m, n, dr, dz, dm, dn):
    one = h.dtype.type(1)
    for j in range(len(h)):
        dn[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j])
    for j in range(len(h)):
        dz[j] = dh[j] * (h[j] - n[j]) * (z[j] * (one - z[j]))
    for j in range(len(h)):
        dr[j] = dn[j] * m[j] * (r[j] * (one - r[j]))
    for j in range(len(h)):
        dm[j] = dn[j] * r[j]
    for j in range(len(h)):
        dh[j] *= z[j]


@compiled
def lstm_cell(c, c_next, h_next, i, f, g, o):
    """i, f, g, o come as sums of products and go as gates."""
    for j in range(len(c)):
        i[j] = sigmoid(i[j])
    for j in range(len(c)):
        f[j] = sigmoid(f[j])
    for j in range(len(c)):
        g[j] = tanh(g[j])
    for j in range(len(c)):
        o[j] = sigmoid(o[j])
    for j in range(len(c)):
        c_next[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(len(c)):
        h_next[j] = o[j] * tanh(c_next[j])


@compiled
def lstm_cell_gradient(dh, dc, c, c_next, i, f, g, o, di, df, dg, do):
    one = c.dtype.type(1)
    for j in range(len(c)):
        do[j] = tanh(c_next[j])  # not kept by the forward loop: computing is cheaper than memory
    for j in range(len(c)):
        dc[j] += dh[j] * o[j] * (one - do[j] * do[j])
    for j in range(len(c)):
        do[j] = dh[j] * do[j] * (o[j] * (one - o[j]))
    for j in range(len(c)):
        di[j] = dc[j] * g[j] * (i[j] * (one - i[j]))
    for j in range(len(c)):
        dg[j] = dc[j] * i[j] * (one - g[j] * g[j])
    for j in range(len(c)):
        df[j] = dc[j] * c[j] * (f[j] * (one - f[j]))
    for j in range(len(c)):
        dc[j] *= f[j]


@compiled
def forward(kind, W_RGK, V_RHJ, z, c, s):
    """All steps of all replicas; V is the part of gru's n that sees no state."""
    R, G, K = W_RGK.shape
    H, B = V_RHJ.shape[1], z.shape[2] // K
    N = H * B
    for r in range(R):
        for t in range(z.shape[1] - 1):
            z_KB, h_next = z[r, t].reshape(K, B), z[r, t + 1, :N]
            if kind < GRU:
                np.dot(W_RGK[r], z_KB, h_next.reshape(H, B))
                elman_cell(kind, h_next)
                continue
            gates = s[r, t, :N], s[r, t, N : 2 * N], s[r, t, 2 * N : 3 * N], s[r, t, 3 * N :]
            np.dot(W_RGK[r], z_KB, s[r, t, : G * B].reshape(G, B))
            if kind == GRU:
                np.dot(V_RHJ[r], z_KB[H:], gates[3].reshape(H, B))
                gru_cell(z[r, t, :N], h_next, *gates)
            else:
                lstm_cell(c[r, t], c[r, t + 1], h_next, *gates)


@compiled
def backward(kind, W_RKG, V_RJH, z, c, s, dy, dh, dc, dx, dW_RGK, dV_RHJ):
    """From the last step to the first, by the weights transposed.

    dy and dx may be empty: no such gradient comes, or is wanted.
    """
    R, K, G = W_RKG.shape
    H, B = V_RJH.shape[2], z.shape[2] // K
    N = H * B
    d = np.empty(max(G * B, s.shape[2]), z.dtype)
    d_GB, d_n_HB = d[: G * B].reshape(G, B), d[len(d) - N :].reshape(H, B)
    for r in range(R):
        dh_HB = dh[r].reshape(H, B)
        for t in range(z.shape[1] - 2, -1, -1):
            z_KB, h, h_next = z[r, t].reshape(K, B), z[r, t, :N], z[r, t + 1, :N]
            if dy.shape[1]:
                dh[r] += dy[r, t]
            if kind < GRU:
                elman_cell_gradient(kind, dh[r], h_next, d)
            else:
                gates = s[r, t, :N], s[r, t, N : 2 * N], s[r, t, 2 * N : 3 * N], s[r, t, 3 * N :]
                gradients = d[:N], d[N : 2 * N], d[2 * N : 3 * N], d[3 * N :]
                if kind == GRU:
                    gru_cell_gradient(dh[r], h, *gates, *gradients)
                else:
                    lstm_cell_gradient(dh[r], dc[r], c[r, t], c[r, t + 1], *gates, *gradients)
            product_with_rows(W_RKG[r], 0, d_GB, 1 if kind == GRU else 0, dh_HB)
            add_outer_product(dW_RGK[r], d_GB, z_KB)
            if kind == GRU:
                add_outer_product(dV_RHJ[r], d_n_HB, z_KB[H:])
            if dx.shape[1]:
                dx_IB = dx[r, t].reshape(K - H - 1, B)
                product_with_rows(W_RKG[r], H, d_GB, 0, dx_IB)
                if kind == GRU:
                    product_with_rows(V_RJH[r], 0, d_n_HB, 1, dx_IB)
