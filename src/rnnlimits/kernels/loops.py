"""The time loops themselves, compiled by numba: one replica through all of its steps.

Two things make them fast. The products with the weights are BLAS calls (`np.dot`) on matrices that stay in
the cache. Everything else is loops so plain that LLVM turns them into vector instructions: all sequences of
a gate in one row, few rows a loop (or LLVM fears that they overlap), no call of the C library's `exp`.

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

# Shape letters: T steps, S steps at once, B sequences, H hidden units, N = B x H, Q gates. Everything without
# a suffix is stored gate by gate and step by step, in rows of N: p, d (Q, S, N), dy (S, N), s (Q, T, N),
# h, c (T + 1, N) with the start first; in a cell it is such a row. V = U transposed.
# Fused multiply-add is the only liberty taken: a NaN must stay a NaN, it is how a diverged run is found.
# With Python's error model every division would test for zero, and no loop around it would be vectorised.
OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy"}


def compiled(function: Callable) -> Callable:
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba found no folder to write to; compiling anew is slow, but works
        return numba.njit(**OPTIONS)(function)


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


@compiled
def elman_cell(kind, p, u, h):
    zero = p.dtype.type(0)
    if kind == 0:
        for j in range(len(h)):
            h[j] = tanh(p[j] + u[j])
    elif kind == 1:
        for j in range(len(h)):
            a = p[j] + u[j]
            h[j] = zero if a < zero else a
    elif kind == 2:
        for j in range(len(h)):
            h[j] = sigmoid(p[j] + u[j])
    else:
        for j in range(len(h)):
            h[j] = p[j] + u[j]


@compiled
def elman_cell_gradient(kind, dh, h, dp):
    zero, one = h.dtype.type(0), h.dtype.type(1)
    if kind == 0:
        for j in range(len(h)):
            dp[j] = dh[j] * (one - h[j] * h[j])
    elif kind == 1:
        for j in range(len(h)):
            dp[j] = zero if h[j] <= zero else dh[j]
    elif kind == 2:
        for j in range(len(h)):
            dp[j] = dh[j] * (h[j] * (one - h[j]))
    else:
        for j in range(len(h)):
            dp[j] = dh[j]
    for j in range(len(h)):
        dh[j] = zero


@compiled
def gru_cell(p_r, p_z, p_n, u_r, u_z, u_n, c, h, h_next, r, z, n, m):
    for j in range(len(h)):
        r[j] = sigmoid(p_r[j] + u_r[j])
    for j in range(len(h)):
        z[j] = sigmoid(p_z[j] + u_z[j])
    for j in range(len(h)):
        m[j] = u_n[j] + c[j]
    for j in range(len(h)):
        n[j] = tanh(p_n[j] + r[j] * m[j])
    for j in range(len(h)):
        h_next[j] = n[j] + z[j] * (h[j] - n[j])


@compiled
def gru_cell_gradient(dh, h, r, z, n, m, dr, dz, dn, dm, dc):
    one = h.dtype.type(1)
    for j in range(len(h)):
        dn[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j])
    for j in range(len(h)):
        dz[j] = dh[j] * (h[j] - n[j]) * (z[j] * (one - z[j]))
    for j in range(len(h)):
        dr[j] = dn[j] * m[j] * (r[j] * (one - r[j]))
    for j in range(len(h)):
        dm[j] = dn[j] * r[j]
        dc[j] += dm[j]
    for j in range(len(h)):
        dh[j] *= z[j]


@compiled
def lstm_cell(p_i, p_f, p_g, p_o, u_i, u_f, u_g, u_o, c, c_next, h_next, i, f, g, o):
    for j in range(len(c)):
        i[j] = sigmoid(p_i[j] + u_i[j])
    for j in range(len(c)):
        f[j] = sigmoid(p_f[j] + u_f[j])
    for j in range(len(c)):
        g[j] = tanh(p_g[j] + u_g[j])
    for j in range(len(c)):
        o[j] = sigmoid(p_o[j] + u_o[j])
    for j in range(len(c)):
        c_next[j] = f[j] * c[j] + i[j] * g[j]
    for j in range(len(c)):
        h_next[j] = o[j] * tanh(c_next[j])


@compiled
def lstm_cell_gradient(dh, c, c_next, i, f, g, o, dc, di, df, dg, do):
    zero, one = c.dtype.type(0), c.dtype.type(1)
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
        dh[j] = zero


@compiled
def forward(kind, start, stop, p, V_QHH, b_N, h, c, s):
    """The steps from `start` to `stop`, for which p holds the projected inputs."""
    Q, H, N = len(p), V_QHH.shape[1], h.shape[1]
    B = N // H
    u_QBH = np.empty((Q, B, H), h.dtype)
    u = u_QBH.reshape(Q, N)
    for t in range(start, stop):
        k = t - start
        for q in range(Q):
            np.dot(h[t].reshape(B, H), V_QHH[q], u_QBH[q])
        if Q == 1:
            elman_cell(kind, p[0, k], u[0], h[t + 1])
        elif Q == 3:
            gates = s[0, t], s[1, t], s[2, t], s[3, t]
            gru_cell(p[0, k], p[1, k], p[2, k], u[0], u[1], u[2], b_N, h[t], h[t + 1], *gates)
        else:
            gates = s[0, t], s[1, t], s[2, t], s[3, t]
            products = p[0, k], p[1, k], p[2, k], p[3, k], u[0], u[1], u[2], u[3]
            lstm_cell(*products, c[t], c[t + 1], h[t + 1], *gates)


@compiled
def backward(kind, start, stop, dy, d, U_QHH, h, c, s, db_N, dh, dc):
    """Fills d for the steps from `stop` back to `start`; dh and dc are carried along."""
    Q, H, N = len(U_QHH), U_QHH.shape[2], h.shape[1]
    B = N // H
    product_BH, dh_BH = np.empty((B, H), h.dtype), dh.reshape(B, H)
    for t in range(stop - 1, start - 1, -1):
        k = t - start
        dh += dy[k]
        if Q == 1:
            elman_cell_gradient(kind, dh, h[t + 1], d[0, k])
        elif Q == 3:
            gates = s[0, t], s[1, t], s[2, t], s[3, t], d[0, k], d[1, k], d[2, k], d[3, k]
            gru_cell_gradient(dh, h[t], *gates, db_N)
        else:
            gates = s[0, t], s[1, t], s[2, t], s[3, t], dc, d[0, k], d[1, k], d[2, k], d[3, k]
            lstm_cell_gradient(dh, c[t], c[t + 1], *gates)
        for q in range(Q):
            plane = 3 if Q == 3 and q == 2 else q  # gru keeps the gradient of U_n h apart
            np.dot(d[plane, k].reshape(B, H), U_QHH[q], product_BH)
            dh_BH += product_BH
