"""The probes, taken on a caller's module: what each public name measures, as rows.

Where sequences differ in length, those of one length are measured together: no step that only fills up a
sequence has a part in anything.  Lag 0 is the last step of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnnlimits.architectures.base import Recurrent
from rnnlimits.measure import given
from rnnlimits.measure.modules import InputsToOutputs, OfOthers
from rnnlimits.measure.subject import Subject, subject
from rnnlimits.probes import gradient_reach, jacobian_spectrum, lyapunov, parameter_gradient_by_lag
from rnnlimits.probes.base import Batch
from rnnlimits.rows import Row
from rnnlimits.tasks.base import generator

# Shape letters: B sequences, T time steps, O outputs, K lags, N sequences of one length.
Measured = Callable[[Batch], dict[str, Tensor]]


@dataclass(frozen=True)
class LossOfLastStep:
    """The caller's loss of each sequence, whatever it does with a batch; none: the sum of the outputs."""

    of_sequence: Callable[[Tensor, Tensor], Tensor] | None
    reads_last: bool = True

    def loss_N(self, output_NTO: Tensor, batch: Batch) -> Tensor:
        y_NO = output_NTO[:, -1]
        if self.of_sequence is None:
            return y_NO.flatten(1).sum(1)
        pairs = zip(y_NO.split(1), batch.target.split(1), strict=True)
        losses = [self.of_sequence(y_1O, target) for y_1O, target in pairs]
        if not isinstance(losses[0], Tensor):
            raise ValueError(
                f"loss: got {type(losses[0]).__name__}; expected a tensor, of loss(output, target)"
            )
        if y_NO.requires_grad and not losses[0].requires_grad:
            raise ValueError(
                "loss: got a number without a gradient; expected one that autograd can follow; look for "
                "detach() or argmax in it"
            )
        return torch.stack([one.sum() for one in losses])


def reach(
    module: Any, x: Any, options: gradient_reach.Options, *, target: Any, loss: Any, seed: int,
    inputs_alone: bool = False, **of_subject: Any,
) -> list[Row]:  # fmt: skip
    """Gradient of the full state and input sensitivity by lag, or the second alone."""
    with given.double_precision():
        one, stream = subject(module, x, **of_subject), generator(seed, "probe")
        asked, target_B = _asked(one, target, loss)

        def measured(batch: Batch) -> dict[str, Tensor]:
            if inputs_alone:
                ln_KB = gradient_reach.ln_input_sensitivity(one.model, batch, options.projections, stream)
                return {"input_sensitivity": ln_KB}
            return gradient_reach.curves(one.model, asked, batch, options.projections, stream)

        found = by_length(one, target_B, measured)
        return one.rows(gradient_reach.summed_up(found, options, one.length_B))


def parameters(
    module: Any, x: Any, options: parameter_gradient_by_lag.Options, *, target: Any, loss: Any,
    weights: Sequence[str] | None, **of_subject: Any,
) -> list[Row]:  # fmt: skip
    """The gradient of the recurrent weights by lag."""
    with given.double_precision():
        one = subject(module, x, **of_subject)
        architecture = _with_a_state(one)
        if weights is not None:
            if not isinstance(architecture, OfOthers):
                known = ", ".join(architecture.recurrent_weights)
                raise ValueError(f"{one.name}: got weights; expected none, as they are known: {known}")
            architecture.recurrent_weights = tuple(f"inner.{name}" for name in weights)
        _check_trained(one.module, architecture, one.name)
        asked, target_B = _asked(one, target, loss)

        def measured(batch: Batch) -> dict[str, Tensor]:
            return {"": parameter_gradient_by_lag.ln_components(one.model, architecture, asked, batch)}

        try:
            ln_KB = by_length(one, target_B, measured)[""]
        except RuntimeError as error:
            raise ValueError(
                f"{one.name}: its step cannot be taken with weights of their own for each sequence "
                f"({given.first_line(error)}); give the layer of torch.nn in it, and what follows as readout="
            ) from error
        return one.rows(parameter_gradient_by_lag.summed_up(ln_KB, options, one.length_B))


def jacobian(module: Any, x: Any, options: jacobian_spectrum.Options, **of_subject: Any) -> list[Row]:
    """Singular values of the Jacobian's product along every sequence of x."""
    with given.double_precision():
        one = subject(module, x, **of_subject)
        architecture = _with_a_state(one)
        return one.rows(jacobian_spectrum.along(architecture, one.model.encoder(one.x).detach(), options))


def exponents(module: Any, x: Any, options: lyapunov.Options, *, seed: int, **of_subject: Any) -> list[Row]:
    """Lyapunov exponents; driven by x, its steps come again and again until all are followed."""
    with given.double_precision():
        one = subject(module, x, **of_subject)
        architecture = _with_a_state(one)

        def driving() -> Tensor:
            x_TBI: Tensor = one.model.encoder(one.x).detach().transpose(0, 1)
            steps = options.burn_in + options.steps
            return x_TBI.repeat(-(-steps // len(x_TBI)), 1, 1)[:steps].contiguous()

        try:
            return one.rows(lyapunov.followed(architecture, options, generator(seed, "probe"), driving))
        except (RuntimeError, NotImplementedError) as error:
            raise ValueError(
                f"{one.name}: its step has no derivative forwards ({given.first_line(error)}); expected one "
                "of operations of torch that have; jacobian_spectrum measures the same growth backwards"
            ) from error


def by_length(one: Subject, target: Tensor, measured: Measured) -> dict[str, Tensor]:
    """Lags x sequences of each quantity; nan at the lags that a sequence does not have."""
    if one.length_B is None:
        return measured(Batch(one.x, target))
    whole: dict[str, Tensor] = {}
    for steps in one.length_B.unique().tolist():
        here_N = (one.length_B == steps).nonzero().squeeze(1)
        for name, ln_KN in measured(Batch(one.x[here_N, :steps], target[here_N])).items():
            if name not in whole:
                whole[name] = ln_KN.new_full((int(one.length_B.max()), len(one.x)), torch.nan)
            whole[name][:steps, here_N] = ln_KN.detach()
    return whole


def _asked(one: Subject, target: Any, loss: Any) -> tuple[LossOfLastStep, Tensor]:
    """The loss in float64, and the target; zeros that nobody reads where there is no loss."""
    if (target is None) != (loss is None):
        raise ValueError(
            "loss: got one of target and loss; expected both, as loss(output, target), or neither"
        )
    if loss is None:
        return LossOfLastStep(None), torch.zeros(len(one.x))
    target = torch.as_tensor(target).detach().cpu()
    if not target.dim() or len(target) != len(one.x):
        came = tuple(target.shape)
        raise ValueError(
            f"target: got shape {came}; expected {len(one.x)} answers, one for each sequence of x"
        )
    target = target.double() if target.is_floating_point() else target
    return LossOfLastStep(given.copied(loss)), target


def _with_a_state(one: Subject) -> Recurrent:
    architecture = one.model.architecture
    if isinstance(architecture, Recurrent):
        return architecture
    seen = "only inputs and outputs" if isinstance(architecture, InputsToOutputs) else "no recurrence"
    raise ValueError(
        f"{one.name}: got {seen}; expected a state: a layer or cell of torch.nn, y, state = module(x, "
        "state), or f(x_t, state) with state=torch.zeros(H); without one there is input_sensitivity"
    )


def _check_trained(module: Any, architecture: Recurrent, name: str) -> None:
    """Raises ValueError unless it is known which weights meet the state, and they are trained."""
    found = dict(module.named_parameters()) if isinstance(module, nn.Module) else {}
    if isinstance(module, nn.RNNBase | nn.RNNCellBase) and not isinstance(architecture, OfOthers):
        recurrent = [key for key in found if key.startswith("weight_hh")]
    else:
        prefix = "inner." if isinstance(architecture, OfOthers) else ""
        recurrent = [key.removeprefix(prefix) for key in architecture.recurrent_weights]
        inside = {key.removeprefix("architecture.") for key in found}
        if not recurrent or not set(recurrent) <= inside:
            raise ValueError(
                f"{name}: got recurrent weights {recurrent}; expected names of weights that are multiplied "
                f"with the state; give weights=[...] out of {', '.join(sorted(found)) or 'an nn.Module'}"
            )
    frozen = [
        key for key in recurrent if not found[key if key in found else f"architecture.{key}"].requires_grad
    ]
    if frozen:
        raise ValueError(
            f"{name}: got requires_grad=False of {', '.join(frozen)}; expected weights that are trained; "
            "call .requires_grad_() on them"
        )
