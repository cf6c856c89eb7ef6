"""Would a measurement mean something?  Tested on the caller's input, and not believed.

Each test that fails is one line that says why, and what would make a measurement possible.
"""

import torch
from torch import Tensor

from rnnlimits.architectures.base import Architecture, Recurrent
from rnnlimits.measure.modules import InputsToOutputs, OfOthers
from rnnlimits.measure.states import same

# Shape letters: B sequences, T time steps, I inputs, O outputs.


def check(architecture: Architecture, x_BTI: Tensor, name: str) -> None:
    """Raises ValueError where it is no deterministic, differentiable, causal map of one sequence at a time.

    Of our own pages the contract tests say all that but whether their numbers are finite here.
    """
    y_BTO = architecture(x_BTI)[0]
    finite_T = y_BTO.isfinite().all(2).all(0)
    if not bool(finite_T.all()):
        first = int((~finite_T).nonzero()[0])
        raise ValueError(
            f"{name}: got an output of nan or infinity first at step {first}; expected finite numbers; "
            "shorten the input, or take weights from before it diverged"
        )
    if not isinstance(architecture, OfOthers | InputsToOutputs):
        return
    if not same(y_BTO, architecture(x_BTI)[0]):
        raise ValueError(
            f"{name}: got two different outputs for one input; expected the same; switch off what is random "
            "in it (.eval()), or what it remembers from call to call"
        )
    if len(x_BTI) > 1 and not same(y_BTO[-1:], architecture(x_BTI[-1:])[0]):
        raise ValueError(
            f"{name}: got another output for a sequence alone than in its batch; expected sequences that do "
            "not see each other; check batch_first, and normalisation over the batch (.eval())"
        )
    check_causal(architecture, x_BTI, y_BTO, name)
    check_gradient(architecture, x_BTI, name)


def check_causal(architecture: Architecture, x_BTI: Tensor, y_BTO: Tensor, name: str) -> None:
    """Inputs of later steps are replaced by others: outputs up to then must stay."""
    steps = x_BTI.shape[1]
    # An output of the last step alone may see them all.
    for seen in sorted({1, steps // 2, steps - 1} - {0}) if y_BTO.shape[1] == steps > 1 else ():
        other_BTI = x_BTI.clone()
        other_BTI[:, seen:] = other_BTI[:, seen:].flip(1, 2) * 2 + 1
        changed_T = (y_BTO - architecture(other_BTI)[0]).abs().amax((0, 2))[:seen]
        if bool((changed_T > 1e-9 * (1 + y_BTO.abs().max())).any()):
            step = int(changed_T.argmax())
            raise ValueError(
                f"{name}: it is not causal: the output at step {step} changes with inputs after step "
                f"{seen - 1}; expected outputs that see no later input; mask attention, pad convolutions on "
                "the left, take no bidirectional layer and no normalisation over time; or give the last "
                "output alone, (B, O)"
            )


def check_gradient(architecture: Architecture, x_BTI: Tensor, name: str) -> None:
    """Outputs must have a gradient with respect to inputs, and states with respect to the states before."""
    x_BTI = x_BTI.clone().requires_grad_()
    if not _has_gradient(architecture(x_BTI)[0], [x_BTI]):
        raise ValueError(
            f"{name}: got an output without a gradient with respect to x; expected one that autograd can "
            "follow; look for detach(), torch.no_grad(), .numpy(), or argmax in its forward"
        )
    if isinstance(architecture, Recurrent):
        state = tuple(part.requires_grad_() for part in architecture.initial_state(len(x_BTI)))
        after = architecture.step(x_BTI.detach()[:, 0], state)[1]
        if not any(_has_gradient(part, list(state)) for part in after):
            raise ValueError(
                f"{name}: got a state without a gradient with respect to the one before; expected one that "
                "autograd can follow; look for detach() or torch.no_grad() in its step"
            )


def _has_gradient(value: Tensor, of: list[Tensor]) -> bool:
    if not value.requires_grad:
        return False
    found = torch.autograd.grad(value.sum(), of, allow_unused=True)
    return any(gradient is not None for gradient in found)
