"""How much memory a job takes at its peak, what it may use, and so how many replicas are trained at once.

The estimate is a sum of parts, in MiB (elman, H = 64, 4 replicas of 250 sequences of 400 steps):

    the process       Python, torch, Lightning, the compiled loops                                550
    the replicas      what a step keeps, 4 B H bytes for elman: 24 a replica                      98
                      inputs, four times: stacked, in the loop's order ...                         12
                      weights, ten times: gradients, Adam's moments, the best so far ...            0
    the sequences     to validate on or to test on, a set a seed                                    0

The constants were measured: benchmarks/memory.py prints the estimate beside the peak.  A page need not know
of it: its number of weights tells what its step keeps.  A page for which that fails says so in its Options.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rnnlimits import catalog
from rnnlimits.contracts import READ_ALONE, ProbeOptions, TaskOptions
from rnnlimits.planning.config.budget import Budget
from rnnlimits.planning.shard import Shard
from rnnlimits.planning.time_loops import (
    NOTHING_COMPILED,
    ONE_BY_ONE,
    architecture_of,
    compiled,
    kept_by_loops,
    kernel_of,
)

MIB = 2**20
FLOAT32, FLOAT64, INT64 = 4, 8, 8
# MiB of a process that has imported these.  "cuda", its share of the main memory, is a guess.
PROCESS = {"simulation": 150, "torch": 255, "Lightning": 195, "compiled loops": 100, "cuda": 2000}
# Tensors of B x H numbers a step that a forward pass in plain PyTorch keeps: a gate costs about five, and
# without gradient it is half of them and one more.
A_GATE, WITHOUT_GRADIENT, AT_LEAST = 5, 1 / 2, 1
# More such tensors: the gradient of all outputs, which a compiled loop leaves out where only the last step is
# read; and copies in the read-out's order where each step is.
ONE_MORE, EACH_STEP_READ = 1, 2
DROPPED = 2  # more such tensors: a mask and its product, of the inputs and of the outputs
PENALTY = 6  # such tensors of its own: the outputs' gradient, f', and both norms' vectors in two layouts
INPUT_COPIES = 4  # stacked, in the loop's order, embedded, a gradient
OUTPUT_COPIES, EVALUATED_OUTPUT_COPIES = 2, 5  # of B x O numbers a step, where each step is read
WEIGHT_COPIES = 10  # model, row, stacked row, three of gradients, Adam's moments, the best, one in passing
GPU_SHARE = 0.9  # of a GPU's memory: the rest is its driver's
# On a GPU an update is recorded: copies of its weights, gradients and inputs that stay where they are, and
# cuBLAS's 32 MiB (training/device.py) on the stream of the recording and on that of everything else.
RECORDED_WEIGHTS, RECORDED_INPUTS, PRODUCTS_MIB = 2, 1, 2 * 32


@dataclass(frozen=True)
class Sizes:
    """What the formula needs to know of a shard."""

    steps: int
    computed_steps: int  # a network with a window leaves out what no answer sees
    inputs: int  # of the architecture
    outputs: int
    looked_up: int  # weights of an embedding: a step takes some of them, and multiplies none
    tensors_kept: float
    trained_tensors_kept: float  # by an update, which may need the last output only
    state_values: int
    one_sequence: int  # bytes of it, in an evaluation set
    each_step_read: bool
    read_share: float  # of the steps, if so
    evaluation_batch: int


def sizes(shard: Shard) -> Sizes:
    task: TaskOptions = catalog.make(catalog.options("tasks", shard.task_page), shard.task_options)
    architecture = architecture_of(shard)
    length, hidden = shard.length_steps, shard.hidden_size
    steps = task.steps(length)
    inputs, outputs = task.widths(length)
    one_step = 2 * INT64 if task.embedding else FLOAT32 * inputs + INT64
    looked_up, inputs = inputs * task.embedding, task.embedding or inputs
    # Elman's weights are one gate, an LSTM's are four.
    gates = max(1.0, architecture.parameters(inputs, hidden) / (hidden * (inputs + hidden + 1)))
    last = bool(catalog.constant("tasks", shard.task_page, "reads_last"))
    share = task.asked_steps(length) / steps
    window, stated = architecture.receptive_field, architecture.tensors_kept
    kept = A_GATE * gates if stated is None else stated
    for_last = architecture.tensors_kept_for_last if last else None
    return Sizes(
        steps=steps,
        computed_steps=min(steps, window) if last and window else steps,
        inputs=inputs,
        outputs=outputs,
        looked_up=looked_up,
        tensors_kept=kept,
        trained_tensors_kept=kept if for_last is None else for_last,
        state_values=architecture.state_values(hidden),
        one_sequence=steps * one_step,
        each_step_read=not last,
        read_share=share if share <= READ_ALONE else 1.0,
        evaluation_batch=task.evaluation_batch,
    )


def estimate(shard: Shard, at_once: int | None = None, device: str = "cpu") -> float:
    """MiB of main memory at the peak of a shard's job, if so many replicas (or all) are trained at once.

    On a GPU it says too much: what is on the GPU counts here too.
    """
    return process(shard, device) + data(shard, at_once, device)


def process(shard: Shard, device: str = "cpu") -> float:
    """MiB of the job before it holds any data."""
    if shard.budget is None:
        return PROCESS["simulation"]
    parts = {
        "Lightning": shard.budget.updates > 0,
        "compiled loops": compiled(shard, device) and kernel_of(shard) not in NOTHING_COMPILED,
        "cuda": device == "cuda",
    }
    return PROCESS["torch"] + sum(PROCESS[part] for part, there in parts.items() if there)


def data(shard: Shard, at_once: int | None = None, device: str = "cpu") -> float:
    """MiB of models, sequences and everything in between; probes and training come one after the other."""
    if shard.budget is None:
        return 0.0
    size = sizes(shard)
    parts = [probing(shard, size)]
    if shard.budget.updates:
        at_once = min(at_once or shard.replicas, shard.replicas)
        parts.append(training(shard, shard.budget, size, at_once, device))
    products = PRODUCTS_MIB if device == "cuda" else 0
    return products + (seeds_of(shard) * shard.parameters * FLOAT32 + max(parts)) / MIB


def seeds_of(shard: Shard) -> int:
    return shard.folds or shard.seeds


def training(shard: Shard, budget: Budget, size: Sizes, at_once: int, device: str) -> float:
    """Bytes of so many replicas in training: the larger of an update and of an evaluation.

    On a GPU both: the recording of an update keeps its memory while others compute.
    """
    kernel = kept_by_loops(shard, size.each_step_read) if compiled(shard, device) else 0
    kept = kernel or size.trained_tensors_kept
    held = kernel or AT_LEAST + WITHOUT_GRADIENT * size.trained_tensors_kept
    if kernel and kernel_of(shard) in ONE_BY_ONE:
        held = kernel / at_once + 2 * (size.each_step_read or architecture_of(shard).time_loops > 1)
    inputs, outputs = INPUT_COPIES * size.inputs, 0.0
    more = 0 if kernel else ONE_MORE
    if size.each_step_read:
        outputs, more = size.read_share * size.outputs, ONE_MORE + EACH_STEP_READ
    of_penalty = PENALTY if budget.gradient_norm_penalty else 0
    update = (kept + more + of_penalty) * shard.hidden_size + inputs + OUTPUT_COPIES * outputs
    evaluation = (held + more / 2) * shard.hidden_size + inputs + EVALUATED_OUTPUT_COPIES * outputs
    if budget.dropout:
        update += DROPPED * (size.inputs + shard.hidden_size)
    sequences = max(budget.validation_sequences, budget.test_sequences)
    evaluated = min(size.evaluation_batch, sequences)
    both, weights = (budget.batch_size * update, evaluated * evaluation), WEIGHT_COPIES
    largest = size.computed_steps * max(both)
    if device == "cuda":
        recorded = RECORDED_INPUTS * budget.batch_size * size.steps * size.inputs
        largest, weights = size.computed_steps * sum(both) + recorded, weights + RECORDED_WEIGHTS
    replicas = at_once * (weights * shard.parameters + largest) * FLOAT32
    return replicas + sequences_of(budget, size, min(at_once, seeds_of(shard)))


def sequences_of(budget: Budget, size: Sizes, seeds: int) -> int:
    """Bytes of the evaluation sets."""
    return seeds * max(budget.validation_sequences, budget.test_sequences) * size.one_sequence


def beside_a_gpu(shard: Shard) -> float:
    """MiB of main memory of a job that trains on a GPU: its models, its sequences, its probes."""
    if shard.budget is None:
        return process(shard)
    size, seeds = sizes(shard), seeds_of(shard)
    weights = (seeds + 2 * shard.replicas) * shard.parameters * FLOAT32
    largest = max(probing(shard, size), sequences_of(shard.budget, size, seeds))
    return process(shard, "cuda") + (weights + largest) / MIB


def probing(shard: Shard, size: Sizes) -> float:
    """Bytes of the largest probe, of one replica in float64 and plain PyTorch."""
    kept = size.tensors_kept * shard.hidden_size
    needs = [0.0]
    for name, options in shard.probes.items():
        probe: ProbeOptions = catalog.make(catalog.options("probes", name), options)
        peak = probe.peak_numbers(size.steps, kept, size.state_values)
        needs.append(peak + probe.weight_copies * shard.parameters)
    return FLOAT64 * (max(needs) + 2 * shard.parameters)


def planned(shards: Iterable[Shard], memory_mb: int | None = None, device: str = "cpu") -> dict[str, float]:
    """shard id -> MiB at its peak, with so many replicas at once as fit `memory_mb` (all if not given)."""
    by_id = {shard.id: shard for shard in shards}
    return {name: peak_of(shard, by_id, memory_mb, device) for name, shard in by_id.items()}


def peak_of(
    shard: Shard, by_id: dict[str, Shard], memory_mb: int | None = None, device: str = "cpu"
) -> float:
    """The estimate for one of the planned shards."""
    shard = sized(shard, by_id)
    return estimate(shard, fitting(shard, memory_mb, device) if memory_mb else None, device)


def sized(shard: Shard, by_id: dict[str, Shard]) -> Shard:
    """The shard itself; a refit with the largest of the sizes that it may choose."""
    if not shard.needs:
        return shard
    largest = max((by_id[need] for need in shard.needs), key=lambda need: need.parameters)
    return replace(
        shard, hidden_size=largest.hidden_size, parameters=largest.parameters, folds=None,
        learning_rates=shard.learning_rates[:1],
    )  # fmt: skip


def fitting(shard: Shard, memory_mb: float, device: str = "cpu") -> int:
    """How many replicas fit at once; at least 1, whether it fits or not."""
    possible = range(shard.replicas, 1, -1)
    return next((count for count in possible if held_in(shard, count, device) <= memory_mb), 1)


def held_in(shard: Shard, at_once: int, device: str = "cpu") -> float:
    """MiB of what a budget is for: the main memory holds the process too, a GPU's only the data."""
    return data(shard, at_once, device) if device == "cuda" else estimate(shard, at_once, device)


def group_sizes(replicas: int, at_once: int) -> list[int]:
    """The replicas in groups as equal as they can be.

    >>> group_sizes(10, at_once=4), group_sizes(10, at_once=10)
    ([4, 3, 3], [10])
    """
    count = math.ceil(replicas / at_once)
    return [replicas // count + (number < replicas % count) for number in range(count)]
