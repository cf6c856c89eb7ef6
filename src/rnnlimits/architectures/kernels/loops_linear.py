"""Time loops of recurrences that are linear in their state, compiled by numba: one replica, step by step.

A step is rows of H numbers, a sequence after another, as the products before and after the loop have them in
memory.  As in loops.py a loop has few rows, or LLVM would not make vector instructions of it.
"""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import compiled, sigmoid

# Shape letters: B sequences, T steps, H hidden units, G = 2H (GRU) or 3H (LSTM) gate values, N coordinates of
# a state, P = N of a real one, 2N of a complex one: all real parts, then all imaginary ones.
# In a row, F and I (or z alone) are gates, n is the candidate, h the state before, `after` the state after.


@compiled
def sigmoid_row(x):
    for j in range(len(x)):
        x[j] = sigmoid(x[j])


@compiled
def positive_row(n):
    """u + 1/2 above 0, sigmoid(u) below."""
    half, zero = n.dtype.type(0.5), n.dtype.type(0)
    for j in range(len(n)):
        n[j] = n[j] + half if n[j] >= zero else sigmoid(n[j])


@compiled
def positive_gradient(dn, n):
    half, one = n.dtype.type(0.5), n.dtype.type(1)
    for j in range(len(n)):
        dn[j] *= one if n[j] >= half else n[j] * (one - n[j])


@compiled
def gru_row(z, n, h, after):
    one = h.dtype.type(1)
    for j in range(len(h)):
        after[j] = (one - z[j]) * h[j] + z[j] * n[j]


@compiled
def gru_gradient(dh, z, n, h, dz, dn):
    one = h.dtype.type(1)
    for j in range(len(h)):
        dz[j] = dh[j] * (n[j] - h[j]) * (z[j] * (one - z[j]))
    for j in range(len(h)):
        dn[j] = dh[j] * z[j]
    for j in range(len(h)):
        dh[j] *= one - z[j]


@compiled
def gates_row(F, I):  # noqa: E741
    """Of two gates that are shut it is their ratio that counts: so far down, both may be moved up alike."""
    zero, shut = F.dtype.type(0), F.dtype.type(-40)  # e^-40 beside 1 is nothing, in float64 too
    for j in range(len(F)):
        more = I[j] if I[j] > F[j] else F[j]
        up = shut - more if more < shut else zero
        F[j] = sigmoid(F[j] + up)
        I[j] = sigmoid(I[j] + up)


@compiled
def lstm_row(F, I, n, h, after):  # noqa: E741
    for j in range(len(h)):
        after[j] = F[j] / (F[j] + I[j]) * h[j] + I[j] / (F[j] + I[j]) * n[j]


@compiled
def lstm_gradient(dh, F, I, n, h, dF, dI, dn):  # noqa: E741
    """Of f = F / (F + I) the derivative by F's net input is f i (1 - F), by I's -f i (1 - I)."""
    one = h.dtype.type(1)
    for j in range(len(h)):
        dF[j] = F[j] / (F[j] + I[j])
    for j in range(len(h)):
        dn[j] = dh[j] * (I[j] / (F[j] + I[j]))
    for j in range(len(h)):
        dI[j] = dn[j] * (n[j] - h[j]) * dF[j]
    for j in range(len(h)):
        dh[j] *= dF[j]
    for j in range(len(h)):
        dF[j] = dI[j] * (F[j] - one)
    for j in range(len(h)):
        dI[j] *= one - I[j]


@compiled
def minimal(positive, p_BTG, y_BTH, start_BH):
    """The gates' net inputs p go as gates; y becomes the states."""
    B, T, H = y_BTH.shape
    is_gru = p_BTG.shape[2] == 2 * H
    for b in range(B):
        h = start_BH[b]
        for t in range(T):
            first, second, n = p_BTG[b, t, :H], p_BTG[b, t, H : 2 * H], p_BTG[b, t, -H:]
            if positive:
                positive_row(n)
            if is_gru:
                sigmoid_row(first)
                gru_row(first, n, h, y_BTH[b, t])
            else:
                gates_row(first, second)
                lstm_row(first, second, n, h, y_BTH[b, t])
            h = y_BTH[b, t]


@compiled
def minimal_back(positive, p_BTG, y_BTH, start_BH, dy_BTH, dh_BH, dp_BTG):
    """From the last step to the first; dy may be empty: no such gradient comes."""
    B, T, H = y_BTH.shape
    is_gru = p_BTG.shape[2] == 2 * H
    for b in range(B):
        dh = dh_BH[b]
        for t in range(T - 1, -1, -1):
            h = y_BTH[b, t - 1] if t else start_BH[b]
            first, second, n = p_BTG[b, t, :H], p_BTG[b, t, H : 2 * H], p_BTG[b, t, -H:]
            d_first, d_second, dn = dp_BTG[b, t, :H], dp_BTG[b, t, H : 2 * H], dp_BTG[b, t, -H:]
            if len(dy_BTH):
                dh += dy_BTH[b, t]
            if is_gru:
                gru_gradient(dh, first, n, h, d_first, dn)
            else:
                lstm_gradient(dh, first, second, n, h, d_first, d_second, dn)
            if positive:
                positive_gradient(dn, n)


@compiled
def add_product(total, x, y, result):
    for j in range(len(result)):
        result[j] = total[j] + x[j] * y[j]


@compiled
def add_products(total, x, y, sign, v, w, result):
    for j in range(len(result)):
        result[j] = total[j] + x[j] * y[j] + sign * (v[j] * w[j])


@compiled
def multiply_add(total, a, b, result, conjugate):
    """result = total + a b, or total + conj(a) b; a row is real where `conjugate` is 0, else it is planar."""
    if conjugate == 0:
        add_product(total, a, b, result)
    else:
        N = len(result) // 2
        sign = result.dtype.type(conjugate)  # -1: a as it is
        add_products(total[:N], a[:N], b[:N], sign, a[N:], b[N:], result[:N])
        add_products(total[N:], a[:N], b[N:], -sign, a[N:], b[:N], result[N:])


@compiled
def linear(is_complex, a_BTP, b_BTP, start_BP, h_BTP):
    """h' = a h + b; `a` may have size 1 for B and for T."""
    B, T, _ = b_BTP.shape
    for b in range(B):
        before, a_TP = start_BP[b], a_BTP[min(b, len(a_BTP) - 1)]
        for t in range(T):
            a = a_TP[min(t, len(a_TP) - 1)]
            multiply_add(b_BTP[b, t], a, before, h_BTP[b, t], -1 if is_complex else 0)
            before = h_BTP[b, t]


@compiled
def linear_back(is_complex, a_BTP, h_BTP, start_BP, g_BTP, da_BTP, dstart_BP):
    """g comes as the gradient of h alone and goes as that of b, too; da and dstart come as 0."""
    B, T, P = h_BTP.shape
    conjugate = 1 if is_complex else 0
    da_P = np.empty(P, h_BTP.dtype)
    for b in range(B):
        a_TP, da_TP = a_BTP[min(b, len(a_BTP) - 1)], da_BTP[min(b, len(a_BTP) - 1)]
        is_constant = len(a_TP) < T
        da_P[:] = 0  # sums of sums: one over all sequences and steps would lose digits
        for t in range(T - 1, -1, -1):
            a, g = a_TP[min(t, len(a_TP) - 1)], g_BTP[b, t]
            h = h_BTP[b, t - 1] if t else start_BP[b]
            back = g_BTP[b, t - 1] if t else dstart_BP[b]
            da = da_P if is_constant else da_TP[t]
            multiply_add(da, h, g, da, conjugate)
            multiply_add(back, a, g, back, conjugate)
        if is_constant:
            da_TP[0] += da_P
