"""The time loop of the coupled oscillators, compiled by numba, built as those of loops.py are."""

# mypy: ignore-errors
import numpy as np

from rnnlimits.architectures.kernels.loop_math import add_outer_product, compiled, product_with_rows, tanh

# Shape letters as in loops.py, but K = 2H + J: row t of v (R, T + 1, K x B) holds h and z before step t, the
# inputs of that step, and ones. f (R, T, N) is the force, d_units (R, 2N) the gradient of h and of z. In a
# cell a name without suffix is a row of N.


@compiled
def cell(dt, stiffness, damping, f, h, z, h_next, z_next):
    """f comes as a sum of products."""
    for j in range(len(f)):
        f[j] = tanh(f[j])
    for j in range(len(f)):
        z_next[j] = z[j] + dt * (f[j] - stiffness * h[j] - damping * z[j])
    for j in range(len(f)):
        h_next[j] = h[j] + dt * z_next[j]


@compiled
def cell_gradient(dt, stiffness, damping, dh, dz, f, d):
    """dh and dz come as gradients of the state after the step; its linear part hands them on."""
    one = f.dtype.type(1)
    for j in range(len(f)):
        dz[j] += dt * dh[j]
    for j in range(len(f)):
        d[j] = dt * dz[j] * (one - f[j] * f[j])
    for j in range(len(f)):
        dh[j] -= dt * stiffness * dz[j]
    for j in range(len(f)):
        dz[j] -= dt * damping * dz[j]


@compiled
def forward(constants, W_RHK, v, f):
    """All steps of all replicas; `constants` are the step size, the stiffness and the damping."""
    R, H, K = W_RHK.shape
    N = f.shape[2]
    B = N // H
    for r in range(R):
        for t in range(f.shape[1]):
            np.dot(W_RHK[r], v[r, t].reshape(K, B), f[r, t].reshape(H, B))
            before, after = v[r, t], v[r, t + 1]
            parts = before[:N], before[N : 2 * N], after[:N], after[N : 2 * N]
            cell(constants[0], constants[1], constants[2], f[r, t], *parts)


@compiled
def backward(constants, W_RKH, v, f, dy, d_units, dx, dW_RHK):
    """As `backward` of loops.py."""
    R, K, H = W_RKH.shape
    N = f.shape[2]
    B = N // H
    d = np.empty(N, v.dtype)
    d_HB = d.reshape(H, B)
    for r in range(R):
        dh, dz = d_units[r, :N], d_units[r, N:]
        for t in range(f.shape[1] - 1, -1, -1):
            if dy.shape[1]:
                dh += dy[r, t]
            cell_gradient(constants[0], constants[1], constants[2], dh, dz, f[r, t], d)
            product_with_rows(W_RKH[r], 0, d_HB, 1, d_units[r].reshape(2 * H, B))
            add_outer_product(dW_RHK[r], d_HB, v[r, t].reshape(K, B))
            if dx.shape[1]:
                product_with_rows(W_RKH[r], 2 * H, d_HB, 0, dx[r, t].reshape(K - 2 * H - 1, B))
