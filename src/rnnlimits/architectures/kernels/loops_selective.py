"""The time loop of the selective state space, compiled by numba: one replica through all of its steps.

Nothing of B x T x H x N numbers is ever in memory: a block of steps of one sequence stays in the first cache
with all that belongs to one of its N coordinates.  Kept is the state before each block; the way back computes
the states within it once more.  As in loops.py a loop has few rows.
"""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import compiled, compiled_sum, exponential

# Shape letters: B sequences, T steps, H hidden units, N coordinates of each unit's state, K blocks of S
# steps, M = S x H. d is the time step, u the input of the state space, w = d u; in and out are B and C of the
# paper, A the decay's rate; a name without suffix is a row of H or M.

BLOCK_STEPS = 16


@compiled
def decay(a, d, A):
    for j in range(len(a)):
        a[j] = exponential(-d[j] * A[j])


@compiled
def product(result, x, y):
    for j in range(len(result)):
        result[j] = x[j] * y[j]


@compiled
def add_product(result, x, y):
    for j in range(len(result)):
        result[j] += x[j] * y[j]


@compiled
def add_multiple(result, x, factor):
    for j in range(len(result)):
        result[j] += x[j] * factor


@compiled
def difference_of_product(result, x, y):
    for j in range(len(result)):
        result[j] = x[j] * y[j] - result[j]


@compiled
def next_state(after, h, a, w, factor):
    for j in range(len(h)):
        after[j] = a[j] * h[j] + w[j] * factor


@compiled_sum
def dot(x, y):
    total = x.dtype.type(0)
    for j in range(len(x)):
        total += x[j] * y[j]
    return total


@compiled
def each_step(A_NH):
    """A for all steps of a block: with d it then makes one long row."""
    N, H = A_NH.shape
    A_NM = np.empty((N, BLOCK_STEPS * H), A_NH.dtype)
    for s in range(BLOCK_STEPS):
        A_NM[:, s * H : (s + 1) * H] = A_NH
    return A_NM


@compiled
def forward(d_BTH, u_BTH, in_BTN, out_BTN, A_NH, h_BNH, before_BKNH, z_BTH):
    """h goes from the start to the state after the last step; z, the output, may be empty: not asked for."""
    (B, T, H), N = d_BTH.shape, len(A_NH)
    A_NM = each_step(A_NH)
    a, w = np.empty_like(A_NM[0]), np.empty_like(A_NM[0])
    for b in range(B):
        for k in range(before_BKNH.shape[1]):
            before_BKNH[b, k] = h_BNH[b]
            first, end = k * BLOCK_STEPS, min(T, (k + 1) * BLOCK_STEPS)
            M = (end - first) * H
            d, u = d_BTH[b, first:end].reshape(M), u_BTH[b, first:end].reshape(M)
            product(w[:M], d, u)
            if len(z_BTH):
                z_BTH[b, first:end] = 0
            for n in range(N):
                h = h_BNH[b, n]
                decay(a[:M], d, A_NM[n])
                for t in range(first, end):
                    at = slice((t - first) * H, (t - first + 1) * H)
                    next_state(h, h, a[at], w[at], in_BTN[b, t, n])
                    if len(z_BTH):
                        add_multiple(z_BTH[b, t], h, out_BTN[b, t, n])


@compiled
def states_of_block(h, a, w, in_S):
    """h comes with the state before the block, and goes with the one after each of its steps behind it."""
    H = len(h) // (BLOCK_STEPS + 1)
    for s in range(len(in_S)):
        at, after = slice(s * H, (s + 1) * H), slice((s + 1) * H, (s + 2) * H)
        next_state(h[after], h[at], a[at], w[at], in_S[s])


@compiled
def block_back(is_read, a, w, h, in_S, out_S, dz_SH, dh, dw, de, din_S, dout_S):
    """One coordinate from a block's last step to its first; where nobody reads z, dz and dout are nothing."""
    H = len(dh)
    for s in range(len(in_S) - 1, -1, -1):
        at, after = slice(s * H, (s + 1) * H), slice((s + 1) * H, (s + 2) * H)
        if is_read:
            dout_S[s] = dot(dz_SH[s], h[after])
            add_multiple(dh, dz_SH[s], out_S[s])
        din_S[s] = dot(dh, w[at])
        add_multiple(dw[at], dh, in_S[s])
        product(dh, dh, a[at])
        product(de[at], dh, h[at])  # of the exponent -d A


@compiled
def backward(
    d_BTH, u_BTH, in_BTN, out_BTN, A_NH, before_BKNH, dz_BTH, dh_BNH, dd_BTH, du_BTH, din_BTN, dout_BTN, dA_NH
):
    """From the last block to the first; dz and dout may be empty: no such gradient comes. dA comes as 0."""
    (B, T, H), A_NM, dA_of_b_NH = d_BTH.shape, each_step(A_NH), np.empty_like(A_NH)
    a, w, dw, de = (
        np.empty_like(A_NM[0]),
        np.empty_like(A_NM[0]),
        np.empty_like(A_NM[0]),
        np.empty_like(A_NM[0]),
    )
    h = np.empty((BLOCK_STEPS + 1) * H, A_NH.dtype)
    for b in range(B):
        dA_of_b_NH[:] = 0  # sums of sums: one over all sequences and steps would lose digits
        for k in range(before_BKNH.shape[1] - 1, -1, -1):
            block = slice(k * BLOCK_STEPS, min(T, (k + 1) * BLOCK_STEPS))
            M = (block.stop - block.start) * H
            d, u = d_BTH[b, block].reshape(M), u_BTH[b, block].reshape(M)
            dd, du = dd_BTH[b, block].reshape(M), du_BTH[b, block].reshape(M)
            product(w[:M], d, u)
            dw[:M] = 0
            dd[:] = 0
            for n in range(len(A_NH)):
                decay(a[:M], d, A_NM[n])
                h[:H] = before_BKNH[b, k, n]
                states_of_block(h, a, w, in_BTN[b, block, n])
                put = dh_BNH[b, n], dw, de, din_BTN[b, block, n], dout_BTN[b, block, n]
                got = a, w, h, in_BTN[b, block, n], out_BTN[b, block, n], dz_BTH[b, block]
                block_back(len(dz_BTH) > 0, *got, *put)
                for s in range(0, M, H):
                    add_product(dA_of_b_NH[n], de[s : s + H], d[s : s + H])
                add_product(dd, de[:M], A_NM[n])
            product(du, dw[:M], d)
            difference_of_product(dd, dw[:M], u)
        dA_NH -= dA_of_b_NH
