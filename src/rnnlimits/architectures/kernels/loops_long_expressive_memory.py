"""The time loop of the long expressive memory, compiled by numba, built as those of loops.py are."""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import (
    add_outer_product,
    compiled,
    product_with_rows,
    sigmoid,
    tanh,
)

# Shape letters as in loops.py; L = J + H.
# v is (R, T + 1, (K + H) x B), in row t the h before step t, the inputs of that step, ones, and the z after
# it: W meets the first K of them, V the last L. `start` (R, N) is the z before the first step. s (R, T, 4N)
# holds the time steps of h and of z, then the candidates of z and of h. In a cell a name without suffix is a
# row of N.


@compiled
def time_step(dt, step):
    """Comes as a sum of products, goes as a time step."""
    for j in range(len(step)):
        step[j] = dt * sigmoid(step[j])


@compiled
def stage(step, candidate, before, after):
    """One of the two stages; the candidate comes as a sum of products."""
    for j in range(len(step)):
        candidate[j] = tanh(candidate[j])
    for j in range(len(step)):
        after[j] = before[j] + step[j] * (candidate[j] - before[j])


@compiled
def stage_gradient(dt, d, step, candidate, before, d_step, d_candidate):
    """d comes as the gradient of `after`, and goes as its share in that of `before`."""
    one = d.dtype.type(1)
    rate = one / dt
    for j in range(len(d)):
        d_step[j] = d[j] * (candidate[j] - before[j])
    for j in range(len(d)):
        d_step[j] *= step[j] * (one - step[j] * rate)
    for j in range(len(d)):
        d_candidate[j] = d[j] * step[j] * (one - candidate[j] * candidate[j])
    for j in range(len(d)):
        d[j] -= d[j] * step[j]


@compiled
def forward(step_size, W_RGK, V_RHL, start, v, s):
    """All steps of all replicas."""
    R, G, K = W_RGK.shape
    H, L = V_RHL.shape[1:]
    B = v.shape[2] // (K + H)
    N = H * B
    dt = v.dtype.type(step_size)
    for r in range(R):
        z = start[r]
        for t in range(s.shape[1]):
            h, h_next, z_next = v[r, t, :N], v[r, t + 1, :N], v[r, t, K * B :]
            step_h, step_z = s[r, t, :N], s[r, t, N : 2 * N]
            n_z, n_h = s[r, t, 2 * N : 3 * N], s[r, t, 3 * N :]
            np.dot(W_RGK[r], v[r, t, : K * B].reshape(K, B), s[r, t, : 3 * N].reshape(G, B))
            time_step(dt, step_h)
            time_step(dt, step_z)
            stage(step_z, n_z, z, z_next)
            np.dot(V_RHL[r], v[r, t, N:].reshape(L, B), n_h.reshape(H, B))
            stage(step_h, n_h, h, h_next)
            z = z_next


@compiled
def backward(step_size, W_RKG, V_RLH, start, v, s, dy, dh, dz, dx, dW_RGK, dV_RHL):
    """As `backward` of loops.py; dz (R, N)."""
    R, K, G = W_RKG.shape
    L, H = V_RLH.shape[1:]
    B = v.shape[2] // (K + H)
    N, inputs = H * B, K - H - 1
    dt = v.dtype.type(step_size)
    d = np.empty(4 * N, v.dtype)
    d_step_h, d_step_z, d_n_z, d_n_h = d[:N], d[N : 2 * N], d[2 * N : 3 * N], d[3 * N :]
    d_GB, d_HB = d[: 3 * N].reshape(G, B), d_n_h.reshape(H, B)
    for r in range(R):
        for t in range(s.shape[1] - 1, -1, -1):
            h, z = v[r, t, :N], v[r, t - 1, K * B :] if t else start[r]
            step_h, step_z = s[r, t, :N], s[r, t, N : 2 * N]
            n_z, n_h = s[r, t, 2 * N : 3 * N], s[r, t, 3 * N :]
            if dy.shape[1]:
                dh[r] += dy[r, t]
            stage_gradient(dt, dh[r], step_h, n_h, h, d_step_h, d_n_h)
            product_with_rows(V_RLH[r], L - H, d_HB, 1, dz[r].reshape(H, B))
            add_outer_product(dV_RHL[r], d_HB, v[r, t, N:].reshape(L, B))
            stage_gradient(dt, dz[r], step_z, n_z, z, d_step_z, d_n_z)
            product_with_rows(W_RKG[r], 0, d_GB, 1, dh[r].reshape(H, B))
            add_outer_product(dW_RGK[r], d_GB, v[r, t, : K * B].reshape(K, B))
            if dx.shape[1]:
                product_with_rows(W_RKG[r], H, d_GB, 0, dx[r, t].reshape(inputs, B))
                product_with_rows(V_RLH[r], 0, d_HB, 1, dx[r, t].reshape(inputs, B))
