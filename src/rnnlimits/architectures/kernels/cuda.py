"""The loops over time for a GPU: all seeds in one set of kernels, two kernels a step; cuDNN for one seed.

A step is one batched product and one elementwise kernel, and as many backward; what can wait until a block
of steps is complete (the products with the inputs, the gradients of the weights) waits.  A CUDA graph then
replays the launches (rnnlimits.graphs).  The elementwise kernels are those that torch.nn.LSTMCell and GRUCell
run on a GPU (`fused`), or plain operations (`batched`); the latter, and cuDNN's calls, run on a CPU too.
"""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnlimits.architectures.kernels import cells

# Shape letters: R replicas, T time steps, S steps of a block, B sequences, N = R x B, M = S x B, I inputs,
# H hidden units, G = H, 3H or 4H gate values, K what a cell keeps of a step for the way back.
State = tuple[Tensor, ...]
Step = tuple[Tensor, Tensor | None, Tensor | None]  # h, c, what the way back needs of the step
StepBack = tuple[Tensor, Tensor, Tensor | None, Tensor | None]  # of p, of U h, of h beside U h, of c
BLOCK_VALUES = 2**26  # projected inputs at once: 256 MiB of float32
KERNELS = ("elman", "gru", "lstm")  # of which there are loops here
WAYS = ("cudnn", "fused", "batched")
aten = torch.ops.aten


class Elman:
    """h' = f(p + U h); what the way back needs of a step is h' alone."""

    FORWARD: ClassVar[dict[str, Callable[[Tensor], Tensor]]] = {
        "tanh": torch.tanh_, "relu": torch.relu_, "sigmoid": torch.sigmoid_, "identity": lambda a: a,
    }  # fmt: skip
    BACKWARD: ClassVar[dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
        "tanh": aten.tanh_backward,
        "relu": lambda dh, h: aten.threshold_backward(dh, h, 0),
        "sigmoid": aten.sigmoid_backward,
        "identity": lambda dh, h: dh,
    }
    own_recurrent_gradient = False  # U h and p enter alike, so they share a gradient

    def __init__(self, fused: bool, f: str = "tanh"):
        self.f, self.f_backward = self.FORWARD[f], self.BACKWARD[f]

    def forward(self, p_RBG: Tensor, U_RHG: Tensor, b_n_RH: Any, h_RBH: Tensor, c_RBH: Any) -> Step:
        return self.f(p_RBG.baddbmm_(h_RBH, U_RHG)), None, None  # p is a block of our own: work in its place

    def backward(self, dh_RBH: Tensor, dc_RBH: Any, h_RBH: Tensor, *_: Any) -> StepBack:
        d_RBG = self.f_backward(dh_RBH, h_RBH)
        return d_RBG, d_RBG, None, None


class LSTM:
    """c' = f * c + i * g, h' = o * tanh(c'); keeps the gates i, f, g, o after their nonlinearities."""

    own_recurrent_gradient = False

    def __init__(self, fused: bool):
        self.cell: Any = aten._thnn_fused_lstm_cell if fused else cells.lstm_cell
        self.cell_backward: Any = aten._thnn_fused_lstm_cell_backward if fused else cells.lstm_cell_backward

    def forward(self, p_RBG: Tensor, U_RHG: Tensor, b_n_RH: Any, h_RBH: Tensor, c_RBH: Tensor) -> Step:
        u_RBG = torch.bmm(h_RBH, U_RHG)
        h_NH, c_NH, kept_NK = self.cell(p_RBG.flatten(0, 1), u_RBG.flatten(0, 1), c_RBH.flatten(0, 1))
        return h_NH.view_as(h_RBH), c_NH.view_as(h_RBH), kept_NK

    def backward(
        self, dh_RBH: Tensor, dc_RBH: Tensor, h_RBH: Tensor, kept_NK: Tensor, old_RBH: Tensor, new_RBH: Tensor
    ) -> StepBack:
        parts = (part.flatten(0, 1) for part in (dh_RBH, dc_RBH, old_RBH, new_RBH))
        d_NG, _, dc_NH, *_ = self.cell_backward(*parts, kept_NK, False)
        d_RBG = d_NG.view(*dh_RBH.shape[:2], -1)
        return d_RBG, d_RBG, None, dc_NH.view_as(dh_RBH)


class GRU:
    """h' = (1 - z) * n + z * h; keeps r, z, n, h and U_n h + c."""

    own_recurrent_gradient = True  # in n, r stands before U_n h + c

    def __init__(self, fused: bool):
        self.cell: Any = aten._thnn_fused_gru_cell if fused else cells.gru_cell
        self.cell_backward: Any = aten._thnn_fused_gru_cell_backward if fused else cells.gru_cell_backward

    def forward(self, p_RBG: Tensor, U_RHG: Tensor, b_n_RH: Tensor, h_RBH: Tensor, c_RBH: Any) -> Step:
        u_RBG = torch.bmm(h_RBH, U_RHG)
        u_RBG[..., -b_n_RH.shape[1] :] += b_n_RH.unsqueeze(1)
        h_NH, kept_NK = self.cell(p_RBG.flatten(0, 1), u_RBG.flatten(0, 1), h_RBH.flatten(0, 1))
        return h_NH.view_as(h_RBH), None, kept_NK

    def backward(self, dh_RBH: Tensor, dc_RBH: Any, h_RBH: Tensor, kept_NK: Tensor, *_: Any) -> StepBack:
        d_NG, du_NG, direct_NH, *_ = self.cell_backward(dh_RBH.flatten(0, 1), kept_NK, False)
        sizes = *dh_RBH.shape[:2], -1
        return d_NG.view(sizes), du_NG.view(sizes), direct_NH.view_as(dh_RBH), None


class Scan(torch.autograd.Function):
    """Outputs of all steps, time first, and the last c; c is None but for lstm, b_n but for gru."""

    @staticmethod
    def forward(
        ctx: Any, cell: Any, keep: bool, x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor,
        b_n_RH: Tensor | None, h_RBH: Tensor, c_RBH: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        start_h, start_c, U_RHG = h_RBH, c_RBH, U_RGH.mT
        h_T, c_T, kept_T = [], [], []
        for block in blocks(x_RBTI, W_RGI.shape[1]):
            for p_RBG in project(x_RBTI[:, :, block], W_RGI, b_RG):
                h_RBH, c_RBH, kept = cell.forward(p_RBG, U_RHG, b_n_RH, h_RBH, c_RBH)
                h_T.append(h_RBH)
                if keep:
                    c_T.append(c_RBH)
                    kept_T.append(kept)
        y_TRBH = torch.stack(h_T)
        ctx.cell, ctx.start_c, ctx.c_T, ctx.kept_T = cell, start_c, c_T, kept_T
        ctx.save_for_backward(x_RBTI, W_RGI, U_RGH, b_n_RH, start_h, y_TRBH)
        # A copy: an output that its own way back keeps would never be freed.
        return y_TRBH, None if c_RBH is None else c_RBH.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_TRBH: Tensor, dc_RBH: Tensor | None) -> tuple[Tensor | None, ...]:
        x_RBTI, W_RGI, U_RGH, b_n_RH, start_h, y_TRBH = ctx.saved_tensors
        h_T, c_T = [start_h, *y_TRBH], [ctx.start_c, *ctx.c_T]
        dx = torch.empty_like(x_RBTI) if ctx.needs_input_grad[2] else None
        dW_RGI, dU_RGH = torch.zeros_like(W_RGI), torch.zeros_like(U_RGH)
        db_RG, du_RG = W_RGI.new_zeros(2, *W_RGI.shape[:2])
        dh_RBH = torch.zeros_like(start_h)
        for block in reversed(blocks(x_RBTI, W_RGI.shape[1])):
            steps = range(block.start, block.stop)
            # A block of its own in memory: dh of the step before is added into it by the product itself.
            dy_SRBH = dy_TRBH[block].clone(memory_format=torch.contiguous_format)
            dy_SRBH[-1] += dh_RBH
            d_S, du_S = [], []
            for t in reversed(steps):
                dh_RBH = dy_SRBH[t - block.start]
                arguments = h_T[t + 1], ctx.kept_T[t], c_T[t], c_T[t + 1]
                d_RBG, du_RBG, direct, dc_RBH = ctx.cell.backward(dh_RBH, dc_RBH, *arguments)
                d_S.append(d_RBG)
                du_S.append(du_RBG)
                dh_RBH = dy_SRBH[t - 1 - block.start] if t > block.start else torch.zeros_like(dh_RBH)
                dh_RBH.baddbmm_(du_RBG, U_RGH)
                if direct is not None:
                    dh_RBH += direct
            d_RMG = torch.stack(d_S[::-1], 1).flatten(1, 2)
            du_RMG = torch.stack(du_S[::-1], 1).flatten(1, 2) if ctx.cell.own_recurrent_gradient else d_RMG
            h_RMH = torch.stack(h_T[block], 1).flatten(1, 2)  # block by block one place earlier than y
            x_RSBI = x_RBTI[:, :, block].transpose(1, 2)
            dW_RGI.baddbmm_(d_RMG.mT, x_RSBI.flatten(1, 2))
            dU_RGH.baddbmm_(du_RMG.mT, h_RMH)
            db_RG += d_RMG.sum(1)
            du_RG += du_RMG.sum(1)
            if dx is not None:
                dx[:, :, block] = torch.bmm(d_RMG, W_RGI).view(x_RSBI.shape).transpose(1, 2)
        db_n = None if b_n_RH is None else du_RG[:, -b_n_RH.shape[1] :]
        return None, None, dx, dW_RGI, db_RG, dU_RGH, db_n, dh_RBH, dc_RBH


def blocks(x_RBTI: Tensor, gates: int) -> list[slice]:
    R, B, T, _ = x_RBTI.shape
    size = max(1, BLOCK_VALUES // (R * B * gates))
    return [slice(start, min(start + size, T)) for start in range(0, T, size)]


def project(x_RBSI: Tensor, W_RGI: Tensor, b_RG: Tensor) -> Tensor:
    """W x + b of a block in one product, time first: a step is then one piece of memory."""
    x_RSBI = x_RBSI.transpose(1, 2)
    p_RMG = torch.baddbmm(b_RG.unsqueeze(1), x_RSBI.flatten(1, 2), W_RGI.mT)
    p_RSBG: Tensor = p_RMG.unflatten(1, x_RSBI.shape[1:3])
    return p_RSBG.transpose(0, 1).contiguous()


def scan(cell: Any, x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, b_n_RH: Tensor | None,
         state: State) -> tuple[Tensor, State]:  # fmt: skip
    h_RBH, *rest = state
    c_RBH = rest[0].contiguous() if rest else None
    keep = torch.is_grad_enabled()  # an evaluation needs none of what the way back does
    arguments = x_RBTI, W_RGI, b_RG, U_RGH, b_n_RH, h_RBH.contiguous(), c_RBH
    y_TRBH, c_RBH = Scan.apply(cell, keep, *arguments)  # type: ignore[no-untyped-call]
    return y_TRBH.permute(1, 2, 0, 3), (y_TRBH[-1], *([] if c_RBH is None else [c_RBH]))


def cudnn(run: Callable[..., tuple[Tensor, ...]], x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor,
          b_n_RH: Tensor | None, state: State) -> tuple[Tensor, State]:  # fmt: skip
    """One replica, R = 1: its axis becomes the axis of layers, of which there is one as well."""
    # torch has a second bias, beside U h; of ours that is only the c of gru, in its last gate.
    second_G = torch.zeros_like(b_RG[0])
    if b_n_RH is not None:
        second_G = torch.cat([second_G[: -b_n_RH.shape[1]], b_n_RH[0]])
    weights = [W_RGI[0], U_RGH[0], b_RG[0], second_G]
    starts = [part.contiguous() for part in state]
    how = True, 1, 0.0, True, False, True  # biases, layers, dropout, training, two directions, batch first
    with warnings.catch_warnings():
        # cuDNN wants its weights in one piece and torch says so at every call; the copy costs little.
        warnings.filterwarnings("ignore", message="RNN module weights")
        y_BTH, *last = run(x_RBTI[0], starts if len(starts) > 1 else starts[0], weights, *how)
    return y_BTH.unsqueeze(0), tuple(last)


class Loop:
    """One way to run one kernel; called as the compiled loops are."""

    def __init__(self, kernel: str, way: str):
        self.kernel, self.way = kernel, way
        self.name = way if way == "cudnn" else f"torch-{way}"
        self.trial_replicas = 1 if way == "cudnn" else 2

    def __call__(
        self, x_RBTI: Tensor, W_RGI: Tensor, b_RG: Tensor, U_RGH: Tensor, *rest: Any, last: bool = False
    ) -> tuple[Tensor, State]:
        *biases, state = rest[:2] if self.kernel == "gru" else rest[:1]
        if state is None:
            zeros_RBH = x_RBTI.new_zeros(*x_RBTI.shape[:2], U_RGH.shape[-1])
            state = (zeros_RBH, zeros_RBH) if self.kernel == "lstm" else (zeros_RBH,)
        tensors = x_RBTI, W_RGI, b_RG, U_RGH, biases[0] if biases else None
        f = rest[1:] if self.kernel == "elman" else ()
        if self.way == "cudnn":
            run = getattr(torch._VF, f"rnn_{(*f, 'tanh')[0]}" if self.kernel == "elman" else self.kernel)
            y_RBTH, state = cudnn(run, *tensors, state)
        else:
            cell = {"elman": Elman, "gru": GRU, "lstm": LSTM}[self.kernel]
            y_RBTH, state = scan(cell(self.way == "fused", *f), *tensors, state)
        return y_RBTH[:, :, -1:] if last else y_RBTH, state


def loops(kernel: str, replicas: int, f: str = "tanh") -> list[Loop]:
    """The ways to run a kernel on a GPU, the best first: each has to pass its trial before it is used."""
    cudnn_has_it = replicas == 1 and f in ("tanh", "relu") and torch.backends.cudnn.is_available()
    ways = [*(["cudnn"] if cudnn_has_it else []), *(["fused"] if kernel != "elman" else []), "batched"]
    return [LOOPS[kernel, way] for way in ways]


# Made once, so that a trial can remember for which of them it was passed.
LOOPS = {(kernel, way): Loop(kernel, way) for kernel in KERNELS for way in WAYS}
