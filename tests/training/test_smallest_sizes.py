"""One hidden unit and the shortest sequences: what the plan allows, the job does, with every probe."""

import itertools
import math

import pytest

from rnnlimits import catalog
from rnnlimits.planning import grid
from rnnlimits.planning.load import checked
from rnnlimits.planning.shard import Shard
from rnnlimits.rows import Row
from rnnlimits.training import protocol
from support import pretend_data
from support.small_shards import a_job

# sequential_mnist is sequential_digits with other pixels, which would have to be downloaded; a forecast ends
# a sequence as the answers of other tasks do, so one architecture is enough.
TASKS = [name for name in catalog.names("tasks") if name not in ("sequential_mnist", "forecasting")]
ARCHITECTURES = catalog.names("architectures")
ONE = {"sequences": 1}
PROBES = dict.fromkeys(catalog.names("probes"), ONE) | {
    "gradient_reach": ONE | {"output_only": True},
    "lyapunov": ONE | {"steps": 4, "burn_in": 0, "initial_states": 1, "inputs": "both"},
}
OPTIONS = {"character_language_model": {"characters": 60}}


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch):
    pretend_data.everything(monkeypatch)


def shortest(task: str) -> int:
    options = catalog.options("tasks", task)(**OPTIONS.get(task, {}))
    return next(length for length in itertools.count(1) if options.problem(length) is None)


def smallest(task: str, architecture: str, updates: int) -> Shard:
    """As planned: a mistake that the plan finds would be raised here."""
    budget = {"updates": updates, "batch_size": 1, "validation_sequences": 1, "test_sequences": 1}
    # The longest of them: on trained networks it sees every task and every architecture.
    probes = {name: given for name, given in PROBES.items() if updates or name != "context_use"}
    study = {
        "kind": "training", "title": "smallest", "tasks": {task: OPTIONS.get(task, {})},
        "architectures": {architecture: {}}, "lengths": [shortest(task)], "hidden_sizes": [1], "seeds": 1,
        "budget": budget, "probes": probes, "learning_rates": [0.001],
    }  # fmt: skip
    config = checked({"name": "smallest", "results": "results/smallest", "studies": {"smallest": study}})
    (shard,) = grid.shards(config)
    return shard


def measured(shard: Shard) -> list[Row]:
    rows, _ = protocol.run(a_job(shard))
    assert {"input_sensitivity_slope", "input_sensitivity_log10_median"} <= {row.metric for row in rows}
    return rows


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("task", TASKS)
def test_the_smallest_network_on_the_shortest_task_is_probed(task, architecture):
    assert {row.stage for row in measured(smallest(task, architecture, updates=0))} == {"initial"}


@pytest.mark.parametrize(
    ("task", "architecture"),
    [
        *((task, "elman") for task in (*TASKS, "forecasting")),
        *(("copy_memory", name) for name in ARCHITECTURES),
    ],
)
def test_the_smallest_network_on_the_shortest_task_is_trained(task, architecture):
    rows = measured(smallest(task, architecture, updates=1))
    tested = [row for row in rows if row.split == "test"]
    assert tested
    assert all(row.value is not None and math.isfinite(row.value) for row in tested)
