"""The time loop of states that move a part of the way, and of the modReLU, compiled by numba as in loops.py.

A step has one number `a` a unit beside its product: how far the state moves, or the bias of the modReLU.
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

# Shape letters as in loops.py; a and da are (R, N), repeated over the batch, and empty where a gate of every
# step, scale x sigmoid(...), stands for them: its values are then the second N of s (R, T, 2N), else s is
# (R, T, N), of the modReLU (R, T, 0). The gate has rows of its own in W, then G = 2H; or it sees U h as the
# state does, and D (R, H, J) holds what its inputs add. In a cell a name without suffix is a row of N.
MODRELU, LEAKY = 0, 1  # above: antisymmetric, which moves by n and not towards it; leaky.KINDS


@compiled
def modrelu(a, h):
    """h comes as a sum of products; sign(h) max(|h| + a, 0), where sign(0) = 0."""
    zero = h.dtype.type(0)
    for j in range(len(h)):
        size = abs(h[j]) + a[j]
        size = zero if size < zero else size
        h[j] = -size if h[j] < zero else (size if h[j] > zero else h[j])


@compiled
def modrelu_gradient(dh, h, d, da):
    zero = h.dtype.type(0)
    for j in range(len(h)):
        d[j] = zero if h[j] == zero else dh[j]
    for j in range(len(h)):
        da[j] += -d[j] if h[j] < zero else d[j]


@compiled
def gate(scale, a, n, shared):
    """a comes as a sum of products; `shared`, n is a part of it."""
    if shared:
        for j in range(len(a)):
            a[j] += n[j]
    for j in range(len(a)):
        a[j] = scale * sigmoid(a[j])


@compiled
def gate_gradient(scale, da, a):
    """da comes as the gradient of a, and goes as that of the sum of products."""
    one = a.dtype.type(1)
    rate = one / scale
    for j in range(len(a)):
        da[j] *= a[j] * (one - a[j] * rate)


@compiled
def cell(kind, a, n, h, h_next):
    """n comes as a sum of products."""
    for j in range(len(n)):
        n[j] = tanh(n[j])
    if kind == LEAKY:
        for j in range(len(n)):
            h_next[j] = h[j] + a[j] * (n[j] - h[j])
    else:
        for j in range(len(n)):
            h_next[j] = h[j] + a[j] * n[j]


@compiled
def part_gradient(kind, dh, n, h, da):
    """da: the gradient of a in this step."""
    if kind == LEAKY:
        for j in range(len(n)):
            da[j] = dh[j] * (n[j] - h[j])
    else:
        for j in range(len(n)):
            da[j] = dh[j] * n[j]


@compiled
def cell_gradient(kind, dh, a, n, d):
    """dh comes as the gradient of h_next, and goes as what that hands on to h."""
    one = n.dtype.type(1)
    for j in range(len(n)):
        d[j] = dh[j] * a[j] * (one - n[j] * n[j])
    if kind == LEAKY:
        for j in range(len(n)):
            dh[j] -= dh[j] * a[j]


@compiled
def add(sums, more):
    for j in range(len(more)):
        sums[j] += more[j]


@compiled
def forward(kind, scale, W_RGK, D_RHJ, a, z, s):
    """All steps of all replicas."""
    R, G, K = W_RGK.shape
    H, B = D_RHJ.shape[1], z.shape[2] // K
    N, shared, largest = H * B, D_RHJ.shape[2] > 0, z.dtype.type(scale)
    for r in range(R):
        for t in range(z.shape[1] - 1):
            z_KB, h, h_next = z[r, t].reshape(K, B), z[r, t, :N], z[r, t + 1, :N]
            if kind == MODRELU:
                np.dot(W_RGK[r], z_KB, h_next.reshape(H, B))
                modrelu(a[r], h_next)
                continue
            n, g = s[r, t, :N], s[r, t, N:]
            np.dot(W_RGK[r], z_KB, s[r, t, : G * B].reshape(G, B))
            if shared:
                np.dot(D_RHJ[r], z_KB[H:], g.reshape(H, B))
            if len(g):
                gate(largest, g, n, shared)
            cell(kind, g if len(g) else a[r], n, h, h_next)


@compiled
def backward(kind, scale, W_RKG, D_RJH, a, z, s, dy, dh, dx, dW_RGK, dD_RHJ, da):
    """As `backward` of loops.py; da may be empty, too."""
    R, K, G = W_RKG.shape
    H, B = D_RJH.shape[2], z.shape[2] // K
    N, shared, largest = H * B, D_RJH.shape[1] > 0, z.dtype.type(scale)
    d = np.empty(2 * N, z.dtype)
    d_n, d_g, d_GB, d_g_HB = d[:N], d[N:], d[: G * B].reshape(G, B), d[N:].reshape(H, B)
    for r in range(R):
        for t in range(z.shape[1] - 2, -1, -1):
            z_KB, keep = z[r, t].reshape(K, B), 0 if kind == MODRELU else 1
            if dy.shape[1]:
                add(dh[r], dy[r, t])
            if kind == MODRELU:
                modrelu_gradient(dh[r], z[r, t + 1, :N], d_n, da[r])
            else:
                n, g = s[r, t, :N], s[r, t, N:]
                if len(g) or da.shape[1]:
                    part_gradient(kind, dh[r], n, z[r, t, :N], d_g)
                cell_gradient(kind, dh[r], g if len(g) else a[r], n, d_n)
                if len(g):
                    gate_gradient(largest, d_g, g)
                elif da.shape[1]:
                    add(da[r], d_g)
                if shared:
                    add(d_n, d_g)
                    add_outer_product(dD_RHJ[r], d_g_HB, z_KB[H:])
            product_with_rows(W_RKG[r], 0, d_GB, keep, dh[r].reshape(H, B))
            add_outer_product(dW_RGK[r], d_GB, z_KB)
            if dx.shape[1]:
                dx_IB = dx[r, t].reshape(K - H - 1, B)
                product_with_rows(W_RKG[r], H, d_GB, 0, dx_IB)
                if shared:
                    product_with_rows(D_RJH[r], 0, d_g_HB, 1, dx_IB)
