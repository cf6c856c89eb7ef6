"""Many seeds of one shard as one model: row r of theta_RP holds every trainable weight of replica r.

A row has its own initial weights, data stream, learning rate, clipping, stopping and divergence. The only
thing that rows share is the call: one batched product does the work of R small ones. R = 1 is the same code.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from rnnlimits.architectures._model import ARCHITECTURE, ENCODER, READOUT, Model, State
from rnnlimits.architectures.base import Architecture
from rnnlimits.tasks.base import Batch
from rnnlimits.training.asked_steps import asked_alone
from rnnlimits.training.dropout import Dropout, Masks

TRUSTED, SHRINKAGE = 1e10, 0.02  # a gradient norm that float32 still gets right; what follows a larger one

# Shape letters: R replicas, P trainable weights, Q frozen weights, B sequences, T steps, A steps that are
# asked, I inputs, O outputs.


class Layout:
    """Names and shapes of a model's weights, in the order in which a row of theta holds them."""

    def __init__(self, named: Sequence[tuple[str, Tensor]]):
        self.shapes = {name: tensor.shape for name, tensor in named}
        self.sizes = [tensor.numel() for _, tensor in named]

    def place(self, name: str) -> slice:
        """Where in a row a weight stands."""
        before = list(self.shapes).index(name)
        start = sum(self.sizes[:before])
        return slice(start, start + self.sizes[before])

    def unpack(self, rows_RP: Tensor) -> dict[str, Tensor]:
        # One split and not one slice a weight: its backward is a single concatenation.
        parts = rows_RP.split(self.sizes, dim=1) if self.sizes else ()
        return {
            name: part.reshape(len(rows_RP), *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }


def flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]) if tensors else torch.zeros(0)


def stack(batches: Sequence[Batch], like: Tensor) -> Batch:
    """R batches as one with a leading replica axis, on the device and in the type of `like`.

    Of the steps that are judged, it has those that the task asks for (asked_steps.py).
    """
    batches = asked_alone(batches)

    def together(tensors: Sequence[Tensor]) -> Tensor:
        stacked = torch.stack(list(tensors)).to(like.device)
        return stacked.to(like.dtype) if stacked.is_floating_point() else stacked

    masks = [batch.mask_BT for batch in batches if batch.mask_BT is not None]
    asked = [batch.asked_BA for batch in batches if batch.asked_BA is not None]
    return Batch(
        x=together([batch.x for batch in batches]),
        target=together([batch.target for batch in batches]),
        mask_BT=together(masks) if masks else None,
        carry=batches[0].carry,
        asked_BA=together(asked) if asked else None,
    )


def fold(batch: Batch) -> Batch:
    """Replica and sequence axes made one, so that a task's loss need not know of replicas."""
    mask = None if batch.mask_BT is None else batch.mask_BT.flatten(0, 1)
    return Batch(x=batch.x.flatten(0, 1), target=batch.target.flatten(0, 1), mask_BT=mask, carry=batch.carry)


def weights_of(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The weights of a model's encoder, architecture or read-out, under the names that they have there."""
    prefix = name + "."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


class Replicas(nn.Module):
    """R models of equal shape. `rows[r]` is replica r's trainable weights, a parameter of its own."""

    frozen_RQ: Tensor

    def __init__(self, models: Sequence[Model]):
        super().__init__()
        template = models[0]
        # A tuple hides the template from nn.Module: its own weights are never used and must not be trained.
        self._template = (template,)
        self.layout = Layout(list(template.named_parameters()))
        self.frozen_layout = Layout(list(template.named_buffers()))
        self.rows = nn.ParameterList([nn.Parameter(flat(list(model.parameters()))) for model in models])
        self.register_buffer("frozen_RQ", torch.stack([flat(list(model.buffers())) for model in models]))

    @property
    def architecture(self) -> Architecture:
        """Its sizes and what it says of itself; the weights are those of `rows`."""
        return self._template[0].architecture

    @property
    def trained_matrix(self) -> str:
        """The name of the recurrent matrix among a model's weights; planning has seen that there is one."""
        return f"{ARCHITECTURE}.{self.architecture.trained_matrix}"

    def theta(self, which: Sequence[int]) -> Tensor:
        return torch.stack([self.rows[r] for r in which])

    def forward(
        self,
        theta_RP: Tensor,
        frozen_RQ: Tensor,
        x: Tensor,
        state: State = None,
        asked_RBA: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """x is (R, B, T, I) real or (R, B, T) tokens; the output is (R, B, T, O), or that of some steps."""
        tensors = self.tensors(theta_RP, frozen_RQ)
        y_RBTH, state = self.hidden(tensors, x, state, last=self._template[0].task_reads_last)
        return self.answer(tensors, y_RBTH, asked_RBA), state

    def tensors(self, theta_RP: Tensor, frozen_RQ: Tensor) -> dict[str, Tensor]:
        return self.layout.unpack(theta_RP) | self.frozen_layout.unpack(frozen_RQ)

    def hidden(
        self,
        tensors: dict[str, Tensor],
        x: Tensor,
        state: State = None,
        *,
        last: bool,
        kept_RBTI: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """The architecture's outputs, (R, B, T, H), or (R, B, 1, H) with `last`; dropout acts on x."""
        template = self._template[0]
        x = x[:, :, template.first_step(state) :]
        encoder = weights_of(tensors, ENCODER)
        if encoder:
            x = vmap(lambda weights, x: functional_call(template.encoder, weights, (x,)))(encoder, x)
        if kept_RBTI is not None:
            x = x * kept_RBTI[:, :, template.first_step(state) :]
        architecture = template.architecture
        return type(architecture).forward_replicas(
            architecture, weights_of(tensors, ARCHITECTURE), x, state, last=last
        )

    def masks(self, dropout: Dropout, seeds: Sequence[int], x: Tensor, like: Tensor) -> Masks:
        """What an update's dropout makes of the inputs and outputs of all steps, in the type of `like`."""
        drawn = dropout.draw(seeds, x, self.architecture.inputs, self.architecture.hidden)
        kept_RBTI, kept_RBTH = (None if kept is None else kept.to(like.dtype) for kept in drawn)
        return kept_RBTI, kept_RBTH

    def answer(
        self,
        tensors: dict[str, Tensor],
        y_RBTH: Tensor,
        asked_RBA: Tensor | None = None,
        kept_RBTH: Tensor | None = None,
    ) -> Tensor:
        """The read-out of those steps that the task reads: the last, those that are asked, or all."""
        if kept_RBTH is not None:
            y_RBTH = y_RBTH * kept_RBTH[:, :, -y_RBTH.shape[2] :]
        if self._template[0].task_reads_last:
            y_RBTH = y_RBTH[:, :, -1:]
        elif asked_RBA is not None:
            y_RBTH = y_RBTH.gather(2, asked_RBA[..., None].expand(-1, -1, -1, y_RBTH.shape[-1]))
        readout = weights_of(tensors, READOUT)
        output_RNO = torch.baddbmm(
            readout["bias"][:, None], y_RBTH.flatten(1, 2), readout["weight"].transpose(1, 2)
        )
        return output_RNO.view(*y_RBTH.shape[:3], -1)

    def state_of(self, theta_P: Tensor, r: int) -> dict[str, Tensor]:
        """The weights theta_P and the frozen weights of replica r, by the names that they have in a model."""
        weights = self.tensors(theta_P[None], self.frozen_RQ[r][None])
        return {name: value[0] for name, value in weights.items()}

    def copy_into(self, model: Model, theta_P: Tensor, r: int) -> Model:
        """`model` with these weights (for the probes)."""
        model.load_state_dict(self.state_of(theta_P, r))
        return model


def clip(gradient_RP: Tensor, limit: float | None, value: float | None = None) -> tuple[Tensor, Tensor]:
    """Each replica's gradient rescaled to at most `limit` (Pascanu et al. 2013); the norms before that.

    Then every number of it is cut to +-`value`: Arjovsky et al.'s code does so with 1, and without a limit.
    """
    norms_R = torch.linalg.vector_norm(gradient_RP, dim=1)
    # The factor is exactly 1 below the limit, as in torch.nn.utils.clip_grad_norm_ without its 1e-6.
    factors_R = torch.ones_like(norms_R) if limit is None else (limit / norms_R).clamp(max=1.0)
    clipped_RP = gradient_RP * factors_R[:, None]
    return clipped_RP if value is None else clipped_RP.clamp(-value, value), norms_R


def shrink(gradient_RP: Tensor, norms_R: Tensor, theta_RP: Tensor, matrix: slice) -> Tensor:
    """Where a norm is not to be trusted, the recurrent matrix is a fiftieth of it shorter by the next update.

    From the released code of Pascanu et al. (2013): with sgd and rate r, U becomes (1 - 0.02 r) U, and no
    other weight moves.
    """
    shorter_RP = torch.zeros_like(theta_RP)
    shorter_RP[:, matrix] = SHRINKAGE * theta_RP[:, matrix]
    trusted_R = norms_R <= TRUSTED  # not so for NaN
    return torch.where(trusted_R[:, None], gradient_RP, shorter_RP)
