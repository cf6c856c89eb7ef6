"""Every option of every page, with values that make no sense: the plan refuses them, or the job runs."""

import dataclasses
import math
import typing
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from rnnlimits import catalog
from rnnlimits.planning.config import options as config_options
from rnnlimits.planning.config.messages import tell
from rnnlimits.planning.config.values import LARGEST

torch = pytest.importorskip("torch")

from rnnlimits.tasks.base import generator  # noqa: E402
from support import pretend_data  # noqa: E402
from support.probe_models import a_model, a_task  # noqa: E402
from support.wrong_configs import lines  # noqa: E402

WHOLE = (0, -1, 1, 2, 7, 2**31 - 1, 2**31, 10**12)
REAL = (0.0, -1.0, 0.5, 1.0, 2.0, 1e-300, 1e8, 1e300, -1e300)
LENGTHS = (20, 64)  # the images have 64 steps
TOO_MUCH = 1e6  # numbers at once: what the plan foresees in memory and time, and no test of a second can run
FOLDERS = ("architectures", "tasks", "probes", "simulations")


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch):
    pretend_data.everything(monkeypatch)


def senseless(hint: Any) -> Iterator[Any]:
    """Values of the type of an option."""
    kinds = set(typing.get_args(hint)) | {hint}
    if typing.get_origin(hint) is typing.Literal or bool in kinds:
        return
    if int in kinds:
        yield from WHOLE
    elif float in kinds:
        yield from REAL if hint is float else ([value] for value in REAL)


def cases() -> Iterator[Any]:
    for folder in FOLDERS:
        for name in catalog.names(folder):
            options_class = catalog.options(folder, name)
            hints = typing.get_type_hints(options_class)
            for field in dataclasses.fields(options_class):
                for value in senseless(hints[field.name]):
                    yield pytest.param(folder, name, field.name, value, id=f"{name}-{field.name}-{value}")


def accepted(folder: str, name: str, option: str, value: Any) -> Any:
    """The page's options as a job makes them; None where planning says in one line what is wrong."""
    try:
        page = config_options.resolve(folder, {"page": name, option: value})
    except ValidationError as error:
        lines = tell(error, lambda where: [], [])
        assert len(lines) == 1
        assert len(lines[0].splitlines()) == 1
        return None
    return catalog.make(catalog.module(folder, name).Options, page.values)


@pytest.mark.parametrize(("folder", "name", "option", "value"), list(cases()))
def test_a_senseless_value_is_refused_by_the_plan_or_legal_in_the_job(folder, name, option, value):
    options = accepted(folder, name, option, value)
    if options is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            JOBS[folder](name, options)


def build_and_run(name: str, options: Any) -> None:
    for hidden in (4, 16):
        if options.problem(hidden, 8) or options.parameters(2, hidden) > LARGEST:
            continue
        if options.parameters(2, hidden) + (options.tensors_kept or 0) * hidden > TOO_MUCH:
            continue
        layer = catalog.page_class("architectures", name)(2, hidden, 8, options)
        assert sum(weight.numel() for weight in layer.parameters()) == options.parameters(2, hidden)
        y_BTH, _ = layer(torch.randn(2, 8, 2))
        assert y_BTH.shape == (2, 8, hidden)
        if y_BTH.requires_grad:
            y_BTH.sum().backward()


def draw_and_judge(name: str, options: Any) -> None:
    for length in LENGTHS:
        if options.problem(length):
            continue
        inputs, outputs = options.widths(length)
        widest = max(outputs, options.embedding or inputs)
        if options.steps(length) * widest + inputs * options.embedding > TOO_MUCH:
            continue
        task = catalog.page_class("tasks", name)(length, options)
        assert all(math.isfinite(value) for value in task.chance.values())
        training = next(task.batches(2, generator(0, "data")))
        for batch in (training, *task.evaluation("validation", 3, generator(0, "validation"))[:1]):
            steps = batch.x.shape[1]
            assert steps <= options.steps(length)
            output = torch.randn(len(batch.x), 1 if task.reads_last else steps, task.outputs)
            scores = task.scores(output, batch)
            task.solved({metric: value.mean().item() for metric, value in scores.items()})


def measure(name: str, options: Any) -> None:
    """Of an Elman network of 4 units."""
    if options.problem(4) or options.peak_numbers(10, 20, 4) > TOO_MUCH or options.followed_steps(10) > 2000:
        return
    task = a_task(length=10)
    probe = catalog.module("probes", name)
    assert probe.measure(a_model("elman", task), task, options, generator(0, "probe"))


def simulate(name: str, options: Any) -> None:
    counts = [value for value in vars(options).values() if isinstance(value, int)]
    if math.prod(map(float, counts or [1])) <= 100 * TOO_MUCH:
        assert catalog.module("simulations", name).simulate(options, 0)


JOBS = {
    "architectures": build_and_run,
    "tasks": draw_and_judge,
    "probes": measure,
    "simulations": simulate,
}


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("curse_of_memory", {"decay": 2.0}, "got decay=2.0; expected 0.001 to 0.99999"),
        ("curse_of_memory", {"paths": 0}, "got paths=0"),
        (
            "random_guessing",
            {"signal_steps": 500},
            "got signal_steps=500, length=100; expected 1 to",
        ),
        ("random_guessing", {"most_guesses": -5}, "most_guesses=-5; expected"),
        ("random_guessing", {"weights_up_to": 0.0}, "got weights_up_to=0.0; expected above 0"),
    ],
)
def test_the_plan_refuses_what_a_simulation_cannot_do(name, wrong, said):
    with pytest.raises(ValidationError) as refused:
        config_options.resolve("simulations", {"page": name, **wrong})
    (line,) = tell(refused.value, lambda where: [], [])
    assert said in line


def test_a_probe_that_asks_for_more_than_the_state_has_is_refused_where_there_is_a_state(tmp_path):
    change = ("studies.trained.probes", {"lyapunov": {"exponents": 7}})
    (line,) = lines(tmp_path / "config.yaml", change)
    assert line.startswith("studies.trained.architectures.elman: hidden size 4: lyapunov: got exponents=7; ")
