"""A module and its inputs, ready for the probes: the model, the sequences, and what its rows say of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn

from rnnlimits.architectures._model import Model
from rnnlimits.architectures.base import Architecture
from rnnlimits.measure import given, trials
from rnnlimits.measure.modules import as_architecture, output_of, turned
from rnnlimits.measure.states import filled, leaves, same
from rnnlimits.measure.torch_layers import Layer
from rnnlimits.probes.base import Measurement
from rnnlimits.rows import Row

# Shape letters: B sequences, T time steps, I inputs, H hidden units.


class Applied(nn.Module):
    """A read-out that is a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, y_BH: Tensor) -> Tensor:
        return self.function(y_BH)


@dataclass(frozen=True)
class Subject:
    """What is measured."""

    name: str
    module: Any  # the caller's
    model: Model
    x: Tensor  # (B, T, I), or (B, T) tokens of a model with an embedding
    length_B: Tensor | None  # None: all sequences have as many steps
    hidden_size: int
    parameters: int

    def rows(self, found: list[Measurement]) -> list[Row]:
        """The measurements as rows of an archive; what only a training could tell is left empty."""
        return [
            Row(
                shard="own", study="own", kind="training", task="own", architecture=self.name,
                variant=self.name, hidden_size=self.hidden_size, length_steps=self.x.shape[1],
                parameters=self.parameters, selected=True, split="probe", stage="final", update=0,
                metric=one.metric, lag_steps=one.lag, value=one.value, unit=one.unit, status="measured",
            )
            for one in found
        ]  # fmt: skip


def subject(
    module: Callable[..., Any], x: Any, *, state: Any = None, readout: Callable[..., Any] | None = None,
    mask: Any = None, batch_first: bool | None = None, name: str | None = None,
) -> Subject:  # fmt: skip
    """Float64 copies that have passed the trials; raises ValueError with one line where they do not."""
    # torch.compile hides the module in another; what it was made of computes the same.
    module = getattr(module, "_orig_mod", module)
    called = name or given.name_of(module)
    _check_starts_from_zeros(module, state, readout, called)
    # x comes as the caller says, and the module is called as it says of itself.
    says = getattr(module, "batch_first", None)
    x_time_first = (says if batch_first is None else batch_first) is False
    time_first = x_time_first if says is None else says is False
    own_x, length_B = given.inputs(x, mask, x_time_first, tokens=isinstance(module, Model))
    own = given.copied(module)
    state = _in_double_precision(state)
    read = given.copied(nn.Identity() if readout is None else readout)
    read = read if isinstance(read, nn.Module) else Applied(read)
    try:
        if isinstance(own, Model):
            model, x_BTI = own, own.encoder(own_x)
        else:
            x_BTI = own_x
            architecture = as_architecture(own, x_BTI, state, time_first)
            model = Model(nn.Identity(), architecture, cast(nn.Linear, read), reads_last=True)
        if isinstance(own, nn.RNNBase | nn.RNNCellBase):
            _check_as_torch(own, model.architecture, x_BTI, time_first, called)
        trials.check(model.architecture, x_BTI, called)
        model.readout(model.architecture(x_BTI[:1])[0][:, -1])
    except ValueError:
        raise
    except Exception as error:  # whatever the caller's module says
        raise _failed(called, error) from error
    weights = module.parameters() if isinstance(module, nn.Module) else ()
    return Subject(
        name=called, module=module, model=model, x=own_x, length_B=length_B,
        hidden_size=model.architecture.hidden, parameters=sum(one.numel() for one in weights),
    )  # fmt: skip


def _check_starts_from_zeros(module: Any, state: Any, readout: Any, name: str) -> None:
    """Raises ValueError where something is given that nobody would ask for."""
    if state is not None and isinstance(module, Architecture | Model | nn.RNNBase | nn.RNNCellBase):
        raise ValueError(f"{name}: got a state; expected none, as its own is known and starts from zeros")
    if readout is not None and isinstance(module, Model):
        raise ValueError(f"{name}: got a readout; expected none, as a model has its own")


def _in_double_precision(state: Any) -> Any:
    if state is None:
        return None
    return filled(state, (part.detach().cpu().double() for part in leaves(state)))


def _failed(name: str, error: Exception) -> ValueError:
    return ValueError(
        f"{name}: its float64 copy fails on the CPU ({given.first_line(error)}); check the shape of x, and "
        "for a device or a type that is written into its forward; a step f(x_t, state) needs state=, and a "
        "function float64 weights: give an nn.Module, which is copied"
    )


def _check_as_torch(layer: Layer, page: Architecture, x_BTI: Tensor, time_first: bool, name: str) -> None:
    """Raises ValueError where a layer of torch does not give what its weights and equations say."""
    if isinstance(layer, nn.RNNBase):
        outputs = output_of(layer(turned(x_BTI, time_first)), x_BTI, time_first), page(x_BTI)[0]
    else:
        came = layer(x_BTI[:, 0])
        outputs = came if isinstance(came, Tensor) else came[0], page(x_BTI[:, :1])[0][:, 0]
    if not same(*outputs):
        raise ValueError(
            f"{name}: got other outputs than the weights and equations of torch's layer give; expected a "
            "plain layer of torch.nn; where a subclass computes something else, give its step f(x, state) "
            "with state=torch.zeros(H)"
        )
