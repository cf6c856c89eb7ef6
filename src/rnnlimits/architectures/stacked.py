"""y = layer_L(... layer_2(layer_1(x))): a page with a recurrence several times, one layer upon another.

Graves, Mohamed & Hinton (2013), for one.  Each layer has weights and a state of its own.  `of` names the
page, `inner` gives its options, `last_layer` those in which the last layer differs, as in Li et al. (2018):

    deep: {page: stacked, of: independent, inner: {input_std: 0.001}, last_layer: {initialisation: long}}

`residual`, from the second layer on: y + layer(y) (He et al. 2016), or pre_norm: y + layer(norm(y)), a layer
normalisation with gain and bias (Xiong et al. 2020).
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from rnnlimits import catalog
from rnnlimits.architectures._stack import Stack
from rnnlimits.contracts import ArchitectureOptions

MOST_LAYERS = 100


@dataclass(frozen=True, kw_only=True)
class Options(ArchitectureOptions):
    of: str = "gru"  # the page of every layer, one with a recurrence
    layers: int = 2
    inner: dict[str, Any] | None = field(default=None, hash=False)  # the options of that page
    last_layer: dict[str, Any] | None = field(default=None, hash=False)  # those that differ in the last layer
    residual: Literal["none", "plain", "pre_norm"] = "none"

    def values(self, number: int) -> dict[str, Any]:
        return {**(self.inner or {}), **((self.last_layer or {}) if number == self.layers - 1 else {})}

    def layer(self, number: int) -> ArchitectureOptions:
        layer: ArchitectureOptions = catalog.make(
            catalog.options("architectures", self.of), self.values(number)
        )
        return layer

    def parameters(self, inputs: int, hidden: int) -> int:
        first, last, more = self.layer(0), self.layer(self.layers - 1), self.layers - 1
        below = [first.parameters(inputs, hidden), (more - 1) * first.parameters(hidden, hidden)]
        norms = 2 * hidden * more if self.residual == "pre_norm" else 0
        return (sum(below) if more else 0) + last.parameters(hidden if more else inputs, hidden) + norms

    def frozen(self, inputs: int, hidden: int) -> int:
        widths = [inputs] + [hidden] * (self.layers - 1)
        return sum(self.layer(number).frozen(width, hidden) for number, width in enumerate(widths))

    @property
    def time_loops(self) -> int:
        return self.layers

    @property
    def tensors_kept(self) -> float | None:
        kept = self.layer(0).tensors_kept
        return None if kept is None else self.layers * kept

    def state_values(self, hidden: int) -> int:
        return self.layers * self.layer(0).state_values(hidden)

    def problem(self, hidden: int, length: int) -> str | None:
        if not 1 <= self.layers <= MOST_LAYERS:
            return f"stacked: layers={self.layers}; 1 to {MOST_LAYERS}"
        if self.of == "stacked" or not catalog.has_recurrence(self.of):
            return f"stacked: of={self.of}; a page with a recurrence, which is not itself a stack"
        first, last = self.layer(0), self.layer(self.layers - 1)
        return first.problem(hidden, length) or last.problem(hidden, length)


class Stacked(Stack):
    def __init__(self, inputs: int, hidden: int, length: int, options: Options):
        page, make = catalog.page_class("architectures", options.of), catalog.make
        of_page = catalog.module("architectures", options.of).Options
        widths = [inputs] + [hidden] * (options.layers - 1)
        layers = [
            page(width, hidden, length, make(of_page, options.values(n))) for n, width in enumerate(widths)
        ]
        super().__init__(inputs, hidden, length, options, layers, options.residual)
