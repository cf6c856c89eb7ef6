"""The plain `step` of a page for R replicas: traced once under vmap, then only its operations, T times.

vmap finds out anew at every time step what to do with the replica axis, and a linear layer becomes five
operations.  A replay of what it found saves a third of the time of a small network.  A trace holds for one
set of shapes.  It is used only where it passes a trial against vmap, in values and in gradients: a step that
brings its own backward pass, for one, leaves no trace of it.
"""

import logging
import os
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

# Shape letters: R replicas, B sequences, T time steps, I inputs, H hidden units.
State = tuple[Tensor, ...]
Step = Callable[..., tuple[Tensor, ...]]
aten = torch.ops.aten
RESHAPES = (aten.view.default, aten._unsafe_view.default, aten.expand.default)
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}  # relative to the largest value of a tensor
TRACES: weakref.WeakKeyDictionary[nn.Module, dict[Any, Step | None]] = weakref.WeakKeyDictionary()


class Method(nn.Module):
    """A method of a layer as a forward: `functional_call` gives weights to nothing else."""

    def __init__(self, layer: nn.Module, name: str):
        super().__init__()
        self.layer = layer
        self.name = name

    def forward(self, *arguments: Any) -> Any:
        return getattr(self.layer, self.name)(*arguments)


def call(layer: nn.Module, method: str, tensors: dict[str, Tensor], *arguments: Any) -> Any:
    """layer.method(*arguments) with these weights and buffers."""
    named = {f"layer.{name}": tensor for name, tensor in tensors.items()}
    return functional_call(Method(layer, method), named, arguments)


def scan(
    layer: nn.Module, tensors_R: dict[str, Tensor], x_RBTI: Tensor, state: State, *, last: bool = False
) -> tuple[Tensor, State] | None:
    """Outputs of all steps (`last`: of that one) and the last state; None where no trace does the work."""
    tensors = list(tensors_R.values())
    # Time first: every step is then one block of memory.
    x_T = x_RBTI.movedim(2, 0).contiguous().unbind(0)
    step = traced(layer, list(tensors_R), tensors, x_T[0], state)
    if step is None:
        return None
    y_T = []
    for x_RBI in x_T:
        y_RBH, *after = step(x_RBI, *state, *tensors)
        state = tuple(after)
        y_T.append(y_RBH)
    return torch.stack(y_T[-1:] if last else y_T).movedim(0, 2), state


def traced(
    layer: nn.Module, names: list[str], tensors: list[Tensor], x_RBI: Tensor, state: State
) -> Step | None:
    if os.environ.get("RNNLIMITS_BACKEND") == "torch":
        return None
    inputs = [x_RBI, *state, *tensors]
    key = layer.training, *[(tensor.shape, tensor.dtype, tensor.device) for tensor in inputs]
    known = TRACES.setdefault(layer, {})
    if key not in known:
        known[key] = trace(layer, names, inputs, 1 + len(state))
    return known[key]


def trace(layer: nn.Module, names: list[str], inputs: list[Tensor], moving: int) -> Step | None:
    """The operations of a step of all replicas, if a trial run shows that they are all there is to it."""

    def of_one_replica(*tensors: Tensor) -> tuple[Tensor, ...]:
        weights = dict(zip(names, tensors[moving:], strict=True))
        y_BH, after = call(layer, "step", weights, tensors[0], tensors[1:moving])
        return y_BH, *after

    plain = vmap(of_one_replica)
    generator = torch.Generator().manual_seed(0)
    # Not the state at hand: at the start it is zero, and zero times anything is zero.
    at = [torch.randn(tensor.shape, generator=generator).to(tensor) for tensor in inputs[:moving]]
    at += [tensor.detach() for tensor in inputs[moving:]]
    try:
        with torch.no_grad():
            replay = tidy(make_fx(plain)(*at))
        ours, theirs = (values_and_gradients(step, at) for step in (replay, plain))
    except Exception as error:  # whatever it is, vmap does the same work
        logging.getLogger(__name__).info("%s runs under vmap: %r", type(layer).__name__, error)
        return None
    bound = TOLERANCE.get(at[0].dtype, 0.0)
    same = all((a - b).abs().max() <= bound * b.abs().max() for a, b in zip(ours, theirs, strict=True))
    return replay.forward if same else None


@torch.enable_grad()
def values_and_gradients(step: Step, at: list[Tensor]) -> list[Tensor]:
    at = [tensor.detach().requires_grad_() for tensor in at]
    outputs = step(*at)
    loss = sum((output.square().sum() for output in outputs), torch.zeros(()))
    gradients = torch.autograd.grad(loss, at, allow_unused=True, materialize_grads=True)
    return [*outputs, *gradients]


def tidy(traced: GraphModule) -> GraphModule:
    """Without the views that change nothing; a product and its bias are one operation, as before vmap."""
    for node in list(traced.graph.nodes):
        match node.target:
            case target if target in RESHAPES and shape(node) == shape(node.args[0]):
                replaced = node.args[0]
            case aten.mul.Scalar if node.args[1] == 1:
                replaced = node.args[0]
            case aten.add.Tensor if not node.kwargs and (parts := bias_and_product(*node.args)):
                with traced.graph.inserting_before(node):
                    replaced = traced.graph.call_function(aten.baddbmm.default, parts)
                replaced.meta = node.meta
            case _:
                continue
        node.replace_all_uses_with(replaced)
        erase(traced, node)
    traced.recompile()
    return traced


def bias_and_product(bias: Any, product: Any) -> tuple[Any, ...] | None:
    """The arguments of baddbmm, where a bias of one row a replica is added to a product used nowhere else."""
    if getattr(product, "target", None) != aten.bmm.default or len(product.users) > 1:
        return None
    return (bias, *product.args) if len(shape(bias)) == 3 and shape(bias)[1] == 1 else None


def shape(node: Any) -> tuple[int, ...]:
    return tuple(node.meta["val"].shape)


def erase(traced: GraphModule, node: Any) -> None:
    inputs = node.all_input_nodes
    traced.graph.erase_node(node)
    for before in inputs:
        if before.target == aten.bmm.default and not before.users:
            traced.graph.erase_node(before)
