"""The elementwise part of a step in plain operations, forward and back: what torch's fused GPU cells compute.

Arguments and results are in the order of `torch.ops.aten._thnn_fused_lstm_cell` and its three relatives.
"""

import torch
from torch import Tensor

# Shape letters: N = replicas x sequences, H hidden units, G = 3H or 4H gate values, K what is kept of a step.


def lstm_cell(p_NG: Tensor, u_NG: Tensor, c_NH: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    i_NH, f_NH, g_NH, o_NH = (p_NG + u_NG).chunk(4, -1)
    i_NH, f_NH, g_NH, o_NH = i_NH.sigmoid(), f_NH.sigmoid(), g_NH.tanh(), o_NH.sigmoid()
    c_NH = f_NH * c_NH + i_NH * g_NH
    return o_NH * c_NH.tanh(), c_NH, torch.cat([i_NH, f_NH, g_NH, o_NH], -1)


def lstm_cell_backward(
    dh_NH: Tensor, dc_NH: Tensor, old_NH: Tensor, new_NH: Tensor, kept_NK: Tensor, _: bool
) -> tuple[Tensor, Tensor, Tensor]:
    i_NH, f_NH, g_NH, o_NH = kept_NK.chunk(4, -1)
    t_NH = new_NH.tanh()
    dc_NH = dc_NH + dh_NH * o_NH * (1 - t_NH * t_NH)
    di_NH = dc_NH * g_NH * i_NH * (1 - i_NH)
    df_NH = dc_NH * old_NH * f_NH * (1 - f_NH)
    dg_NH = dc_NH * i_NH * (1 - g_NH * g_NH)
    do_NH = dh_NH * t_NH * o_NH * (1 - o_NH)
    d_NG = torch.cat([di_NH, df_NH, dg_NH, do_NH], -1)
    return d_NG, d_NG, dc_NH * f_NH


def gru_cell(p_NG: Tensor, u_NG: Tensor, h_NH: Tensor) -> tuple[Tensor, Tensor]:
    (p_r_NH, p_z_NH, p_n_NH), (u_r_NH, u_z_NH, u_n_NH) = p_NG.chunk(3, -1), u_NG.chunk(3, -1)
    r_NH, z_NH = (p_r_NH + u_r_NH).sigmoid(), (p_z_NH + u_z_NH).sigmoid()
    n_NH = (p_n_NH + r_NH * u_n_NH).tanh()
    return n_NH + z_NH * (h_NH - n_NH), torch.cat([r_NH, z_NH, n_NH, h_NH, u_n_NH], -1)


def gru_cell_backward(dh_NH: Tensor, kept_NK: Tensor, _: bool) -> tuple[Tensor, Tensor, Tensor]:
    r_NH, z_NH, n_NH, h_NH, u_n_NH = kept_NK.chunk(5, -1)
    dn_NH = dh_NH * (1 - z_NH) * (1 - n_NH * n_NH)
    dz_NH = dh_NH * (h_NH - n_NH) * z_NH * (1 - z_NH)
    dr_NH = dn_NH * u_n_NH * r_NH * (1 - r_NH)
    d_NG = torch.cat([dr_NH, dz_NH, dn_NH], -1)
    return d_NG, torch.cat([dr_NH, dz_NH, dn_NH * r_NH], -1), dh_NH * z_NH
