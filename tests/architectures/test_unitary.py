"""The factors of a unitary matrix, and what is left of a state after many steps."""

import torch
from torch import Tensor

from rnnlimits.architectures.unitary import Options, Unitary
from support.double_precision import close, double_and_seeded

# Shape letters: B sequences, H hidden units.
HIDDEN = 7

_double_and_seeded = double_and_seeded(seed=6)


def build() -> Unitary:
    return Unitary(3, HIDDEN, 10, Options())


def reflection(v_H2: Tensor) -> Tensor:
    v_H = torch.view_as_complex(v_H2)
    return torch.eye(HIDDEN) - 2 * torch.outer(v_H, v_H.conj()) / v_H.abs().square().sum()


def test_the_matrix_is_the_product_of_the_published_factors_and_unitary():
    layer = build()
    identity = torch.eye(HIDDEN, dtype=torch.complex128)
    W_HH = layer.turned(identity).T
    D1_HH, D2_HH, D3_HH = (torch.diag(torch.exp(1j * theta_H)) for theta_H in layer.theta_3H)
    R1_HH, R2_HH = (reflection(v_H2) for v_H2 in layer.v_2H2.detach())
    F_HH = torch.fft.fft(identity, dim=0, norm="ortho")
    P_HH = layer.P_HH.to(torch.complex128)
    close(W_HH, D3_HH @ R2_HH @ F_HH.conj().T @ D2_HH @ P_HH @ R1_HH @ F_HH @ D1_HH)
    close(W_HH @ W_HH.conj().T, identity)


def test_without_input_and_bias_the_state_keeps_its_length():
    layer = build()
    with torch.no_grad():
        layer.b_H.zero_()
        start_BH2 = torch.randn(4, HIDDEN, 2)
        _, (end_BH2,) = layer(torch.zeros(4, 1000, 3), (start_BH2,))
    close(end_BH2.flatten(1).norm(dim=1), start_BH2.flatten(1).norm(dim=1))
    assert not torch.allclose(end_BH2, start_BH2)
