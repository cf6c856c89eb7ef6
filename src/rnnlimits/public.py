"""The public names: a module of your own measured in three lines, and laid over archived curves.

    import rnnlimits
    table = rnnlimits.gradient_reach(torch.nn.LSTM(2, 64, batch_first=True), x)
    rnnlimits.compare(table, archive="replication").savefig("reach.svg")

`module` is one of:

- a layer or a cell of torch.nn, or an architecture of this package;
- a step f(x_t, state) -> state, with `state` of one sequence before its first step;
- a module with y, state = module(x, state), the state of zeros at the start;
- any causal module (B, T, I) -> (B, T, O), or (B, O) of the last step; of a tuple or a mapping the first
  such tensor.  It has no state that could be seen, only inputs and outputs.

Everything is measured on float64 copies on the CPU.  The module keeps its type, device, mode, hooks and
gradients, and torch's generator its state; hooks are not called.  x is (B, T, I), or (T, B, I) where the
module's `batch_first` (or yours) is False, or (T, I) for one sequence.  `mask` (B, T) is True for the steps
of a sequence, and False for what fills it up behind.  `readout` is what follows the module: outputs are read
through it.  Every function returns a table with the columns of an archive's rows; what cannot be measured is
a ValueError of one line.  torch is imported when one of them is called.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from rnnlimits.training.loading import LoadedReplica


def gradient_reach(
    module: Callable[..., Any],
    x: Any,
    target: Any = None,
    loss: Callable[..., Any] | None = None,
    *,
    state: Any = None,
    readout: Callable[..., Any] | None = None,
    mask: Any = None,
    batch_first: bool | None = None,
    slopes: tuple[int, int] = (20, 100),
    seed: int = 0,
    name: str | None = None,
) -> "DataFrame":
    """log10 of the gradient's norm k steps back: of the full state (h and c), and of the inputs.

    The gradient is that of `loss(output, target)` at the last step, for each sequence by itself: output
    (1, O), target[b:b+1].  Without one it is that of the outputs' sum.  Without a state only the input
    sensitivity ||dy_T/dx_{T-k}|| is there.  `slopes` are the lags between which slopes are fitted.  At lag 0
    there is no gradient (nan) where the output is none of the tensors of the state.
    Rows: quantiles over the sequences in log10, slopes in nats per step, a time constant in steps.  Raises
    ValueError where a measurement would mean nothing.  Pascanu, Mikolov & Bengio (2013), equation 5.
    """
    from rnnlimits.analysis import tables
    from rnnlimits.measure import quantities
    from rnnlimits.probes.gradient_reach import Options

    options = Options(slope_from=slopes[0], slope_to=slopes[1])
    return tables.of_rows(
        quantities.reach(
            module, x, options, target=target, loss=loss, seed=seed,
            state=state, readout=readout, mask=mask, batch_first=batch_first, name=name,
        )
    )  # fmt: skip


def input_sensitivity(
    module: Callable[..., Any],
    x: Any,
    *,
    state: Any = None,
    readout: Callable[..., Any] | None = None,
    mask: Any = None,
    batch_first: bool | None = None,
    slopes: tuple[int, int] = (20, 100),
    seed: int = 0,
    name: str | None = None,
) -> "DataFrame":
    """log10 of ||dy_T/dx_{T-k}||_F: how much the last output still depends on the input k steps back.

    Needs no state and no loss.  Above ten outputs, four random read-outs stand in for all, by `seed`.
    Rows: quantiles over the sequences in log10, a slope in nats per step.  Raises ValueError where a
    measurement would mean nothing.
    """
    from rnnlimits.analysis import tables
    from rnnlimits.measure import quantities
    from rnnlimits.probes.gradient_reach import Options

    options = Options(slope_from=slopes[0], slope_to=slopes[1])
    return tables.of_rows(
        quantities.reach(
            module, x, options, target=None, loss=None, seed=seed, inputs_alone=True,
            state=state, readout=readout, mask=mask, batch_first=batch_first, name=name,
        )
    )  # fmt: skip


def parameter_gradient(
    module: Callable[..., Any],
    x: Any,
    target: Any,
    loss: Callable[..., Any],
    *,
    weights: Sequence[str] | None = None,
    state: Any = None,
    readout: Callable[..., Any] | None = None,
    mask: Any = None,
    batch_first: bool | None = None,
    slopes: tuple[int, int] = (20, 100),
    name: str | None = None,
) -> "DataFrame":
    """log10 of the part of dloss/dW_rec that the use of W_rec k steps back contributes.

    W_rec are torch's weight_hh, what a page names, or `weights`: names of parameters of `module`.  target
    (B, ...) has an answer for each sequence, and `loss(output, target)` is asked for one of them at a time.
    Rows: quantiles over the sequences in log10, a slope in nats per step.  Raises ValueError where a
    measurement would mean nothing.  Pascanu, Mikolov & Bengio (2013), equations 3 to 5.
    """
    from rnnlimits.analysis import tables
    from rnnlimits.measure import quantities
    from rnnlimits.probes.parameter_gradient_by_lag import Options

    options = Options(slope_from=slopes[0], slope_to=slopes[1])
    return tables.of_rows(
        quantities.parameters(
            module, x, options, target=target, loss=loss, weights=weights,
            state=state, readout=readout, mask=mask, batch_first=batch_first, name=name,
        )
    )  # fmt: skip


def jacobian_spectrum(
    module: Callable[..., Any],
    x: Any,
    *,
    state: Any = None,
    batch_first: bool | None = None,
    slopes: tuple[int, int] = (20, 100),
    name: str | None = None,
) -> "DataFrame":
    """log10 of singular values of ds_T/ds_{T-k}, the mean over the sequences of x.

    Each sequence costs one SVD of the full state's size a step: few sequences are enough.
    Rows: the largest, the median and the smallest by lag in log10, a slope in nats per step; of a plain
    network also the bound on the largest.  Raises ValueError where a measurement would mean nothing.
    Pascanu, Mikolov & Bengio (2013), section 2.1.
    """
    from rnnlimits.analysis import tables
    from rnnlimits.measure import quantities
    from rnnlimits.probes.jacobian_spectrum import Options

    options = Options(slope_from=slopes[0], slope_to=slopes[1])
    return tables.of_rows(
        quantities.jacobian(module, x, options, state=state, batch_first=batch_first, name=name)
    )


def lyapunov(
    module: Callable[..., Any],
    x: Any,
    *,
    inputs: Literal["given", "zero", "both"] = "given",
    steps: int = 600,
    burn_in: int = 300,
    exponents: int = 1,
    state: Any = None,
    batch_first: bool | None = None,
    seed: int = 0,
    name: str | None = None,
) -> "DataFrame":
    """Lyapunov exponents in nats per step: does a small difference of two states die out or grow?

    `given`: driven by x, which comes again until burn_in + steps are followed; `zero`: without input.
    Rows: the largest `exponents`, and the slope of a gradient along the same steps.  Raises ValueError where
    a measurement would mean nothing.  Benettin et al. (1980); Vogt et al. (2022).
    """
    from rnnlimits.analysis import tables
    from rnnlimits.measure import quantities
    from rnnlimits.probes.lyapunov import Options

    if inputs not in ("given", "zero", "both"):
        raise ValueError(f"lyapunov: inputs: got {inputs!r}; expected 'given', 'zero' or 'both'")
    options = Options(
        steps=steps, burn_in=burn_in, exponents=exponents, inputs="task" if inputs == "given" else inputs
    )
    return tables.of_rows(
        quantities.exponents(module, x, options, seed=seed, state=state, batch_first=batch_first, name=name)
    )


def compare(table: "DataFrame", archive: str | Path = "replication", *, study: str | None = None) -> "Figure":
    """The curves of a table over those of an archive, of every quantity by lag that is in both.

    `archive` is a rows file, a folder with rows.parquet, or the name of one in results/archive of a clone.
    Of its studies the one with most variants is drawn, or `study`; each curve relative to its first lag.
    Several tables may be joined (pandas.concat), if their `name` differs.  Raises LookupError where there is
    no such archive, and ValueError where it has no such curve.
    """
    from rnnlimits.analysis import beside
    from rnnlimits.rows import places

    return beside.plot(table, places.archive(archive), study)


def load(
    shard: str | Path, seed: int = 0, *, results: str | Path = "results", learning_rate: float | None = None
) -> "LoadedReplica":
    """A trained replica, ready to be called: `output, state = load("results/rows/SHARD.parquet").model(x)`.

    `shard` is the path of a rows file, or a shard's id with the folder of `results` of its config.  Without
    a learning rate it is the one that validation chose.  The weights are those that test was read with; they
    lie beside the rows, as `keep_weights` of the study says, and are checked against them.
    Raises FileNotFoundError, LookupError or ValueError, one line, where there is no such replica, or where
    its file is damaged or another one than the rows name.
    """
    from rnnlimits.training import loading

    return loading.load(shard, seed, results, learning_rate)
