"""A config runs with the data that are there: what is missing is said once, and left out when asked."""

import pytest
import yaml

from rnnlimits.execution import pipeline
from rnnlimits.planning import without_data
from rnnlimits.planning.load import load
from rnnlimits.tasks.data import downloads
from support.command_line import run
from support.example_config import GOOD, changed
from support.pretend_web import serve


@pytest.fixture
def config(tmp_path, monkeypatch):
    """With a task that needs a file, without one; no address gives it, and no folder has it."""
    tasks = {"adding": {}, "hours": {"page": "forecasting", "horizon": 2}}
    content = changed(GOOD, ("studies", "trained", "tasks"), tasks)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(downloads.DATA_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "cache"))
    serve(monkeypatch, {})
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_data_that_cannot_be_had_are_one_line_with_the_file_and_its_place(config, monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, "data", "--config", config)
    assert code == 1
    assert "sequential_digits: " in out  # it comes with scikit-learn
    (line,) = err.splitlines()
    assert line.startswith("forecasting: electricity_transformer: not in the data folder")
    assert "at FOLDER/" in line


def test_the_missing_tasks_are_printed_as_the_variable_takes_them(config, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "data", "--missing", "--config", config)
    assert (code, out) == (0, "forecasting\n")
    monkeypatch.setenv(without_data.VARIABLE, out.strip())
    jobs = pipeline.here(load(config))
    assert {shard.task_page for shard in jobs} == {"adding", "sequential_digits", "curse_of_memory"}


def test_rows_that_lie_there_already_are_used_without_the_data(config, monkeypatch):
    loaded = load(config)
    everything = pipeline.here(loaded)
    monkeypatch.setenv(without_data.VARIABLE, "forecasting")
    left_out = without_data.left_out(everything)
    assert len(left_out) == 4
    file = pipeline.rows_file(loaded, left_out[0])
    file.parent.mkdir(parents=True)
    file.touch()
    assert len(pipeline.here(loaded)) == len(everything) - 3


def test_the_plan_says_what_is_left_out(config, monkeypatch, capsys):
    monkeypatch.setenv(without_data.VARIABLE, "forecasting")
    _, out, _ = run(monkeypatch, capsys, "plan", "--config", config)
    assert out.splitlines()[-1] == "left out, as RNNLIMITS_WITHOUT says: forecasting (4 jobs)"
    assert "trained.hours" not in out


def test_a_misspelt_task_is_one_line(config, monkeypatch, capsys):
    monkeypatch.setenv(without_data.VARIABLE, "forcasting")
    code, _, err = run(monkeypatch, capsys, "plan", "--config", config)
    assert code == 1
    assert "did you mean 'forecasting'" in err


def test_a_config_of_which_nothing_is_left_says_so(config, monkeypatch):
    monkeypatch.setenv(without_data.VARIABLE, "adding,forecasting,sequential_digits")
    loaded = load(config)
    assert [shard.kind for shard in pipeline.here(loaded)] == ["simulation"]
    assert pipeline.nothing_to_do(loaded).startswith("no job is left; left out, as RNNLIMITS_WITHOUT says: ")
