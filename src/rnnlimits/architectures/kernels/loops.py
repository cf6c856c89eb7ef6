"""The time loops themselves, compiled by numba: one replica through all of its steps.

Two things make them fast. A step has one product with all weights, a BLAS call (`np.dot`) on matrices that
stay in the cache. Everything else is loops so plain that LLVM turns them into vector instructions: the batch
is the last axis, so a gate is one row; few rows a loop (or LLVM fears that they overlap), and no call of the
C library's `exp`.

Everything compiled is in this one file on purpose: numba's cache notices an edit only in the file of the
function it was asked for, so a loop that used an `exp` from next door would outlive a change of it.
"""

# mypy: ignore-errors
import math
from collections.abc import Callable

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numba.np import linalg

from rnnlimits.architectures.kernels import compile_cache

# Shape letters: R replicas, T steps, B sequences, I inputs, J = I + 1, H hidden units, N = H x B, K = H + J,
# G = H, 3H or 4H gate values. In `forward` and `backward` z is (R, T + 1, K x B), in row t the state before
# step t, the inputs of that step, and ones; c (R, T + 1, N); s (R, T, 4N), the gates; dy (R, T, N);
# dx (R, T, I x B); dh, dc (R, N). In a cell a name without suffix is a row of N.
# Fused multiply-add is the only liberty taken: a NaN must stay a NaN, it is how a diverged run is found.
# With Python's error model every division would test for zero, and no loop around it would be vectorised.
OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy"}


def compiled(function: Callable) -> Callable:
    return compile_cache.keep(numba.njit(**OPTIONS)(function))


def exponential_parts(x):
    """Two numbers whose sum is e^x - 1: a small one, and a power of two minus 1, which is exact."""


@overload(exponential_parts, jit_options=OPTIONS)
def exponential_parts_compiled(x):
    wide = x == types.float64
    real, whole = (np.float64, np.int64) if wide else (np.float32, np.int32)
    mantissa_bits, exponent_bias = (whole(52), whole(1023)) if wide else (whole(23), whole(127))
    # ln 2 in two parts, the first of so few digits that n times it is exact (Cody & Waite 1980).
    ln2_high, ln2_low = (0.6931471803691238, 1.9082149292705877e-10) if wide else (0.693359375, -2.1219444e-4)
    ln2_high, ln2_low, log2_e, one = real(ln2_high), real(ln2_low), real(math.log2(math.e)), real(1)
    # Added to a number it pushes the fraction out, and leaves the whole part in the lowest bits.
    rounder = real(1.5 * 2 ** (52 if wide else 23))
    c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13 = (real(1 / math.factorial(k)) for k in range(2, 14))

    def implementation(x):
        shifted = x * log2_e + rounder
        n = shifted - rounder
        r = (x - n * ln2_high) - n * ln2_low  # x = n ln 2 + r, with |r| <= ln 2 / 2
        p = c7
        if wide:
            p = c7 + r * (c8 + r * (c9 + r * (c10 + r * (c11 + r * (c12 + r * c13)))))
        p = r + r * r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * p)))))  # Taylor series of e^r - 1
        power = whole((real(shifted).view(whole) + exponent_bias) << mantissa_bits).view(real)  # 2^n
        return power * p, power - one

    return implementation


def tanh(x):
    """(e^2x - 1) / (e^2x + 1); from e^2x - 1, so that a small x keeps all of its digits."""


@overload(tanh, jit_options=OPTIONS)
def tanh_compiled(x):
    real = np.float64 if x == types.float64 else np.float32
    two, limit = real(2), real(40 if x == types.float64 else 20)  # where tanh has become 1

    def implementation(x):
        x = two * x
        x = limit if x > limit else x
        x = -limit if x < -limit else x
        small, power = exponential_parts(x)
        e = small + power
        return e / (e + two)

    return implementation


def sigmoid(x):
    """1 / (1 + e^-x)."""


@overload(sigmoid, jit_options=OPTIONS)
def sigmoid_compiled(x):
    real = np.float64 if x == types.float64 else np.float32
    one, two, limit = real(1), real(2), real(708 if x == types.float64 else 87)  # short of overflow

    def implementation(x):
        x = limit if x > limit else x
        x = -limit if x < -limit else x
        small, power = exponential_parts(-x)
        return one / (small + power + two)

    return implementation


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


def add_outer_product(dW_GK, d_GB, z_KB):
    """dW += d z^T: the share of one step in the gradient of a weight."""


@overload(add_outer_product, jit_options=OPTIONS)
def add_outer_product_compiled(dW_GK, d_GB, z_KB):
    gemm, kind = blas_product(dW_GK.dtype)

    def implementation(dW_GK, d_GB, z_KB):
        G, K = dW_GK.shape
        B = z_KB.shape[1]
        one = np.ones(1, dW_GK.dtype)
        # BLAS counts by columns, so it sees every matrix transposed: dW^T (K x G) += z d^T.
        gemm(
            kind, TRANSPOSED, PLAIN, K, G, B, one.ctypes, z_KB.ctypes, B, d_GB.ctypes, B, one.ctypes,
            dW_GK.ctypes, K,
        )  # fmt: skip

    return implementation


def product_with_columns(W_GK, first, d_GB, keep, out_HB):
    """out = keep x out + (the H columns of W from `first` on)^T d: a gradient sent back through W."""


@overload(product_with_columns, jit_options=OPTIONS)
def product_with_columns_compiled(W_GK, first, d_GB, keep, out_HB):
    gemm, kind = blas_product(out_HB.dtype)

    def implementation(W_GK, first, d_GB, keep, out_HB):
        G, K = W_GK.shape
        H, B = out_HB.shape
        one, factor = np.ones(1, W_GK.dtype), np.full(1, keep, W_GK.dtype)
        columns = W_GK.reshape(-1)[first:]
        # For BLAS: out^T (B x H) = d^T (B x G) W.
        gemm(
            kind, PLAIN, TRANSPOSED, B, H, G, one.ctypes, d_GB.ctypes, B, columns.ctypes, K, factor.ctypes,
            out_HB.ctypes, B,
        )  # fmt: skip

    return implementation


PLAIN, TRANSPOSED = ord("n"), ord("t")


def blas_product(dtype):
    """The routine behind np.dot, which can also add to its result; numba offers it no other way.

    Its signature is numba's own, so one that changes with a version ends in an error at the trial run.
    """
    return linalg._BLAS().numba_xxgemm(dtype), ord("s") if dtype == types.float32 else ord("d")


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
def backward(kind, W_RGK, V_RHJ, z, c, s, dy, dh, dc, dx, dW_RGK, dV_RHJ):
    """From the last step to the first; dy and dx may be empty: no such gradient comes, or is wanted."""
    R, G, K = W_RGK.shape
    H, B = V_RHJ.shape[1], z.shape[2] // K
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
            product_with_columns(W_RGK[r], 0, d_GB, 1 if kind == GRU else 0, dh_HB)
            add_outer_product(dW_RGK[r], d_GB, z_KB)
            if kind == GRU:
                add_outer_product(dV_RHJ[r], d_n_HB, z_KB[H:])
            if dx.shape[1]:
                dx_IB = dx[r, t].reshape(K - H - 1, B)
                product_with_columns(W_RGK[r], H, d_GB, 0, dx_IB)
                if kind == GRU:
                    product_with_columns(V_RHJ[r], 0, d_n_HB, 1, dx_IB)


# Of the LSTM of 1997 there are H cells in blocks of `block_size`, and U units: the cells, then the blocks'
# input gates, then their output gates. z is (R, T + 1, K x B) with K = U + J, in row t the units after step
# t - 1, the inputs of step t, and ones; c is (R, T + 1, N); g (R, T, N); d_units is (R, U x B).


@compiled
def cells_1997(block_size, B, c, c_next, g, units):
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
def cells_1997_gradient(block_size, B, d_units, dc, c_next, g, units, d):
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
def forward_1997(block_size, W_RUK, z, c, g):
    R, U, K = W_RUK.shape
    B = z.shape[2] // K
    for r in range(R):
        for t in range(g.shape[1]):
            units = z[r, t + 1, : U * B]
            np.dot(W_RUK[r], z[r, t].reshape(K, B), units.reshape(U, B))
            cells_1997(block_size, B, c[r, t], c[r, t + 1], g[r, t], units)


@compiled
def backward_1997(truncated, block_size, W_RUK, z, c, g, dy, d_units, dc, dx, dW_RUK):
    """As `backward`; truncated, no gradient reaches the units of the step before: the cells carry it on."""
    R, U, K = W_RUK.shape
    B, N = z.shape[2] // K, c.shape[2]
    d = np.empty(U * B, z.dtype)
    d_UB = d.reshape(U, B)
    for r in range(R):
        for t in range(g.shape[1] - 1, -1, -1):
            if dy.shape[1]:
                d_units[r, :N] += dy[r, t]
            units = z[r, t + 1, : U * B]
            cells_1997_gradient(block_size, B, d_units[r], dc[r], c[r, t + 1], g[r, t], units, d)
            if truncated:
                d_units[r] = 0
            else:
                product_with_columns(W_RUK[r], 0, d_UB, 0, d_units[r].reshape(U, B))
            add_outer_product(dW_RUK[r], d_UB, z[r, t].reshape(K, B))
            if dx.shape[1]:
                product_with_columns(W_RUK[r], U, d_UB, 0, dx[r, t].reshape(K - U - 1, B))
