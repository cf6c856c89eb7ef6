"""The same config gives the same bytes, whatever the folder, the jobs at once, the locale, the time zone."""

import re
import subprocess
import sys

import pandas as pd
import pytest

from rnnlimits import rows
from rnnlimits.analysis.tables.context import MACHINE, TIMES
from support.repository_copy import Copy, fresh

# Every kind of job, as small as it gets.
CONFIG = """
name: small
results: results/small
claims: small_claims.yaml
too_few_seeds: undecided
studies:
  trained:
    title: Matched sizes, two learning rates, probed before and after
    kind: training
    tasks: {adding: {}}
    architectures: {lstm: {}, feed_forward: {}}  # the latter is large enough to be shared among threads
    lengths: [30]
    match: parameters
    parameters: [2000]
    seeds: 2
    learning_rates: [3e-3, 1e-2]
    budget: {updates: 10, batch_size: 64, validate_every: 5, validation_sequences: 64, test_sequences: 64}
    probes: {gradient_reach: {sequences: 4}}
  untrained:
    title: Probes of the initial weights
    kind: training
    tasks: {adding: {}}
    architectures: {tanh: {page: elman, initialisation: gaussian}}
    lengths: [20]
    hidden_sizes: [8]
    seeds: 2
    budget: {updates: 0}
    probes: {jacobian_spectrum: {}, lyapunov: {steps: 40, burn_in: 20, initial_states: 1}}
  text:
    title: A language model
    kind: training
    tasks: {python_reference: {page: character_language_model, characters: 20000, embedding: 8}}
    architectures: {gru: {}}
    lengths: [20]
    hidden_sizes: [8]
    seeds: 2
    learning_rates: [1e-2]
    budget: {updates: 20, batch_size: 8, validate_every: 10, patience: 1}
  digits:
    title: Folds, and the chosen size trained again
    kind: cross_validation
    tasks: {sequential_digits: {}}
    architectures: {irnn: {}}
    lengths: [64]
    hidden_sizes: [4]
    folds: 2
    seeds: 2
    learning_rates: [1e-2]
    budget: {updates: 20, batch_size: 8, validate_every: 10}
  simulated:
    title: Numbers without training
    kind: simulation
    simulations: {random_guessing: {}, curse_of_memory: {decay: 0.9}}
    seeds: 2
"""
CLAIMS = """
sources: {Nobody (2026): "Nobody (2026), A source to try things on"}
claims:
- {id: lower, title: Lower, says: One is lower., source: {key: Nobody (2026), place: p. 1}, type: ordering,
   parts: [{check: ordering, direction: lower, study: trained, against: {variant: feed_forward},
            where: {variant: lstm, split: test, metric: loss}}]}
- {id: early, title: Early, says: Soon., source: {key: Nobody (2026), place: p. 2}, type: number,
   parts: [{check: at_most, bound: 1000, statistic: median, study: simulated,
            where: {task: random_guessing, metric: sequences_to_solve}}]}
"""
RESULTS = "results/small"
# The only files that two equal runs may differ in: times, and the figure that is drawn from them.
TIMED = {f"{RESULTS}/{name}" for name in ("tables/timings.csv", "figures/cost.svg", "figures/cost.png")}
APART = re.compile(r"<!-- From here on, two equal runs may differ. -->.*?<!-- To here. -->", re.DOTALL)
VARIABLES = ("LC_ALL", "LANG", "TZ", "PYTHONHASHSEED", "OMP_NUM_THREADS", "RNNLIMITS_PREFORK")

# One worker makes all the runs.
pytestmark = pytest.mark.xdist_group("determinism")


def run(copy: Copy, cores: int, **variables: str) -> dict[str, bytes | str]:
    """Everything that is compared, by its name, after a run with these variables and none of the others."""
    with pytest.MonkeyPatch.context() as environment:
        for name in VARIABLES:
            environment.delenv(name, raising=False)
        for name, value in variables.items():
            environment.setenv(name, value)
        copy.snakemake("--cores", str(cores), "--forceall", "--configfile", "config/small.yaml")
    return compared(copy)


def compared(copy: Copy) -> dict[str, bytes | str]:
    made: dict[str, bytes | str] = {}
    for pattern in ("tables/*", "figures/*", "claims.*"):
        made |= {name: file for name, file in copy.files(f"{RESULTS}/{pattern}").items() if name not in TIMED}
    for path in copy.folder.glob(f"{RESULTS}/rows/*.parquet"):
        made[path.name] = rows.content_digest(path)
    made["report.html"] = APART.sub("", (copy.folder / RESULTS / "report.html").read_text(encoding="utf-8"))
    return made


def recorded(copy: Copy) -> dict[str, dict]:
    """What the rows files say of the process that wrote them, by shard."""
    files = copy.folder.glob(f"{RESULTS}/rows/*.parquet")
    return {name: facts for file in files for name, facts in rows.read_provenance(file)["shards"].items()}


def a_foreign_locale() -> str:
    """One that writes 1,5 for 1.5 where the system has it; else the barest there is."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    return next((name for name in known if name.startswith(("de_", "tr_", "fr_"))), "POSIX")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run with two jobs at once, and what it made."""
    copy = fresh(tmp_path_factory.mktemp("first"))
    (copy.folder / "config" / "small.yaml").write_text(CONFIG)
    (copy.folder / "config" / "small_claims.yaml").write_text(CLAIMS)
    return copy, run(copy, cores=2, LC_ALL="C.UTF-8", TZ="UTC", PYTHONHASHSEED="1")


@pytest.fixture(scope="module")
def elsewhere(first, tmp_path_factory):
    """One job after another, each a process of its own, in a folder, a place and a language far away."""
    copy = fresh(tmp_path_factory.mktemp("far away") / "a folder with spaces & ünusual letters")
    for name in ("small.yaml", "small_claims.yaml"):
        (copy.folder / "config" / name).write_bytes((first[0].folder / "config" / name).read_bytes())
    variables = {
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "2",
        "RNNLIMITS_PREFORK": "0",
        "OMP_NUM_THREADS": "4",
    }
    return copy, run(copy, cores=1, LC_ALL=a_foreign_locale(), **variables)


def test_every_kind_of_job_is_compared(first):
    copy, made = first
    assert {shard.split(".")[0] for shard in recorded(copy)} == {
        "trained", "untrained", "text", "digits", "simulated",
    }  # fmt: skip
    assert len([name for name in made if name.endswith(".parquet")]) == len(recorded(copy)) == 8
    assert {name.rpartition(".")[2] for name in made} == {"parquet", "csv", "json", "svg", "png", "html"}


def test_elsewhere_the_same_config_gives_the_same_bytes(first, elsewhere):
    assert recorded_once(first, "prefork") == {sys.platform == "linux"}
    assert recorded_once(elsewhere, "prefork") == {False}
    differ = differing(first[1], elsewhere[1])
    assert not differ, differ


def test_what_differs_stands_in_columns_of_its_own(first, elsewhere):
    tables = [pd.read_csv(copy.folder / RESULTS / "tables" / "timings.csv") for copy, _ in (first, elsewhere)]
    may_differ = {*TIMES, *MACHINE} - {"updates_run", "replicas"}
    one, other = (table.drop(columns=list(may_differ)) for table in tables)
    pd.testing.assert_frame_equal(one, other)
    assert not tables[0].seconds_total.equals(tables[1].seconds_total)
    for shard, facts in recorded(first[0]).items():
        for name in ("config_hash", "code_fingerprint", "replicas", "updates_run", "facts"):
            assert facts.get(name) == recorded(elsewhere[0])[shard].get(name), (shard, name)


def test_the_report_keeps_times_and_machines_apart(first):
    copy, made = first
    page = (copy.folder / RESULTS / "report.html").read_text(encoding="utf-8")
    for facts in recorded(copy).values():
        assert f">{facts['host']}</" in page
        for mark in (facts["host"], facts["device"], facts["started"], facts["versions"]["python"]):
            assert not re.search(rf">[^<]*{re.escape(mark)}[^<]*</", str(made["report.html"])), mark


# The last, because it writes over the first.
def test_again_in_the_same_folder_gives_the_same_bytes(first):
    copy, made = first
    again = run(copy, cores=2, LC_ALL="C", TZ="UTC", PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    differ = differing(made, again)
    assert not differ, differ


def recorded_once(made: tuple[Copy, dict], name: str) -> set:
    return {facts[name] for facts in recorded(made[0]).values()}


def differing(one: dict, other: dict) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
