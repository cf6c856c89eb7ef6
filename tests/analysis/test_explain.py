"""The chain from a number to its rows and to what made them: complete, and the same as was judged."""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from rnnlimits import cli, rows
from rnnlimits.analysis import claims, explain, report, tables
from rnnlimits.analysis.explain import names, record
from rnnlimits.planning import grid, provenance
from rnnlimits.planning.load import load
from support.example_config import GOOD
from support.repository_copy import ROOT
from support.synthetic_rows import example, frame, scored, shard
from support.without_torch import WITHOUT_TORCH

ARCHIVE = ROOT / "results" / "archive" / "laptop"
CONFIG = """
name: demonstration
results: results
claims: claims.yaml
studies:
  memory:
    title: How far back does each architecture learn to look?
    kind: training
    tasks: {adding: {}}
    architectures: {elman: {}, lstm: {}, gru: {}}
    lengths: [20]
    hidden_sizes: [8]
    seeds: 3
    learning_rates: [0.001]
    budget: {updates: 1000}
"""
CLAIMS = """
sources: {Author (2000): "Author (2000), A title"}
claims:
- {id: fails, title: Fails, says: A sentence., source: {key: Author (2000), place: table 1}, type: number,
   parts: [{check: at_most, bound: 0.15, study: memory,
            where: {variant: elman, split: test, metric: mean_squared_error}}]}
- {id: better, title: Better, says: Another., source: {key: Author (2000), place: table 2}, type: ordering,
   parts: [{check: ordering, direction: lower, pick: best, study: memory, against: {variant: elman},
            where: {variant: [lstm, gru], split: test, metric: mean_squared_error}}]}
"""
RESULTS = {"elman": [0.1, 0.12, 0.2], "lstm": [0.01, 0.02, 0.03], "gru": [0.04, 0.05, 0.06]}


def made(planned, **other):
    """What is recorded of a shard that today's code has made."""
    return {
        "config_hash": provenance.config_hash(planned), "code_fingerprint": provenance.fingerprint(planned),
        "git_commit": "0123456789abcdef0123", "git_clean": True, "host": "node-7", "device": "cpu: some",
        "versions": {"python": "3.11.2", "torch": "2.13.0"}, "started": "2026-01-02T03:04:05+00:00",
        "seconds_total": 30.0, "backend": "kernels", **other,
    }  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that writes a run, with facts to record of some variants, and explains a name."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(CONFIG)
    Path("claims.yaml").write_text(CLAIMS)
    config = load("config.yaml")
    planned = {shard.variant: shard for shard in grid.shards(config)}

    def explained(name, results=RESULTS, **facts):
        paths = []
        for variant, errors in results.items():
            paths.append(Path(f"rows/{planned[variant].id}.parquet"))
            recorded = made(planned[variant]) | facts.get(variant, {})
            measured = scored(shard(variant=variant), errors, [0] * len(errors))
            rows.write(measured, recorded, paths[-1], planned[variant].id)
        return explain.explain(name, config, paths)

    return explained


@pytest.fixture(scope="module")
def archived():
    return record.read(load(ROOT / "config" / "config.yaml"), [ARCHIVE / "rows.parquet"])


def flat(text):
    return " ".join(text.split())


def test_a_verdict_comes_with_its_sentence_its_numbers_by_seed_and_the_reason(run):
    text = flat(run("fails"))
    for part in (
        "claim fails: undecided",
        "A sentence. source Author (2000), A title, table 1",
        "Check 1: at_most bound 0.15",
        "elman on adding (h 8, T 20) test mean_squared_error: 0.134 [0.0548, 0.327] (geometric mean), 3",
        "holds if ≤ 0.15",
        "undecided: geometric mean over seeds, 95 % t interval; it straddles the bound",
        "memory.adding.elman.h8.t20: test final mean_squared_error, 3 rows; by seed 0: 0.1 1: 0.12 2: 0.2",
        "rests on 3 rows of 1 shard; code: commit 0123456789ab, clean tree; run on node-7",
        "rows in rows/memory.adding.elman.h8.t20.parquet",
    ):
        assert part in text, part


def test_a_comparison_shows_both_sides_and_what_was_not_the_best(run):
    text = flat(run("better"))
    assert "lstm.h8.t20: test final mean_squared_error, 3 rows; by seed 0: 0.01 1: 0.02 2: 0.03" in text
    assert "elman.h8.t20: test final mean_squared_error, 3 rows; by seed 0: 0.1 1: 0.12 2: 0.2" in text
    assert "not best and so not compared: memory.adding.gru.h8.t20" in text
    # Which one is the best was decided by the rows of all three.
    assert "rests on 9 rows of 3 shards" in text


def test_a_comparison_says_what_would_change_it_and_what_each_side_was_given(run):
    text = flat(run("better", RESULTS | {"elman": [0.18, 0.19, 0.2]}))
    assert "sensitivity without one seed: 3 of 3 verdicts the same; each half of the seeds: needs 6" in text
    assert "and then without seed 0: reproduced, 0.17 [0.14, 0.2]; without seed 1: reproduced" in text
    assert "given memory.adding.lstm.h8.t20: 80 parameters; 30 s" in text


def test_judged_by_hand_it_is_the_same_without_where_the_rows_come_from(run):
    whole = run("better")
    config = load("config.yaml")
    short = explain.arithmetic("bet", config, sorted(Path("rows").iterdir()))
    assert whole.startswith(short.rstrip("\n"))
    assert "Where the rows come from" in whole.removeprefix(short.rstrip("\n"))
    with pytest.raises(LookupError, match=r"^nothing is called 'memory'; take a known name"):
        explain.arithmetic("memory", config, sorted(Path("rows").iterdir()))


def test_a_curve_of_training_is_told_by_its_updates(tmp_path):
    config = load(ROOT / "config" / "config.yaml")
    trained = next(shard for shard in grid.shards(config) if shard.kind == "training" and shard.updates)
    curve = [
        trained.row(
            seed=seed, learning_rate=0.001, selected=True, split="validation", stage="training",
            update=update, metric="loss", value=0.5, unit="nats", status="out_of_updates",
        )
        for seed in (0, 1) for update in (0, 100, 200)
    ]  # fmt: skip
    rows.write(curve, {}, tmp_path / "rows.parquet")
    text = flat(explain.explain(trained.id, config, [tmp_path / "rows.parquet"]))
    assert "loss (nats): 6 rows, update 0 to 200, 2 seeds" in text


def test_a_shard_without_rows_or_without_a_file_is_explained_as_well(run):
    planned = next(shard for shard in grid.shards(load("config.yaml")) if shard.variant == "gru")
    text = flat(run(planned.id, {"elman": [0.1]}))
    assert "rests on nothing yet: it has no rows" in text
    assert "To run it ---------" in text
    text = flat(run(planned.id, {"gru": []}))
    assert "Where the rows come from: 0 rows of 1 shard, 1 origin" in text
    assert "host node-7" in text


def test_what_was_not_run_names_the_shards_that_are_missing(run):
    text = flat(run("fails", {"lstm": [0.1] * 3}))
    assert "claim fails: not run" in text
    assert "no rows of shard memory.adding.elman.h8.t20" in text
    assert "shards that it speaks of: memory.adding.elman.h8.t20" in text


def test_shards_of_one_origin_share_a_block_and_another_commit_or_machine_has_its_own(run):
    assert "9 rows of 3 shards, 1 origin" in run("better")
    dirty = run("better", elman={"git_clean": False})
    assert "2 origins" in dirty
    assert "0123456789abcdef0123 with changes that are in no commit" in dirty
    assert "0123456789abcdef0123, clean tree" in dirty
    assert "3 origins" in run("better", elman={"host": "a"}, gru={"versions": {"python": "3.12.1"}})
    unknown = {"git_commit": None, "git_clean": None}
    assert "not under git" in run("better", elman=unknown)
    assert "commit unknown: it is theirs" in run("better", elman=unknown | {"git_refused": "it is theirs"})


def test_facts_that_nobody_foresaw_are_shown_where_they_differ_and_once_where_not(run):
    everyone = {"slurm_job_id": "4711"}
    text = run("better", elman={**everyone, "resumed_from_updates": [200, 400]}, lstm=everyone, gru=everyone)
    block, _, shards = text.partition("The shards, one by one")
    assert block.count("slurm_job_id") == 1
    assert "slurm_job_id" not in shards
    assert "resumed_from_updates [200, 400]" in shards.partition("lstm.h8")[0]
    assert "resumed_from_updates" not in block


def test_it_says_whether_config_and_code_are_still_those_that_made_the_rows(run):
    assert "neither their config nor the code behind them has changed" in flat(run("better"))
    text = flat(run("better", elman={"code_fingerprint": "f" * 64}, gru={"config_hash": "0" * 64}))
    assert "config or code of 2 of 3 shards has changed" in text
    assert "code ffffffffffff (not as today)" in text
    assert "config 000000000000 (not as today)" in text


def test_rows_with_nothing_recorded_are_explained_as_far_as_that_goes(run):
    nothing = dict.fromkeys(made(grid.shards(load("config.yaml"))[0]))
    text = run("fails", elman=nothing)
    assert "not under git" in text
    assert "config not recorded (not as today) code not recorded (not as today)" in flat(text)


@pytest.mark.parametrize(
    "claim", [one["id"] for one in claims.load(ROOT / "config" / "claims.yaml")["claims"]]
)
def test_explained_and_judged_are_the_same(archived, claim):
    written = pd.read_csv(ARCHIVE / "claims.csv", keep_default_na=False).set_index("id").loc[claim]
    text = "\n".join(explain.verdict.explain(archived, claim))
    assert text.startswith(f"claim {claim}: {written.verdict}\n{written.title}\n")
    assert all(sentence in flat(text) for sentence in written.measured.split("; "))
    named = set(re.findall(r"^(\S+) \(origin \d+\)$", text, re.MULTILINE))
    assert named == set(written.shards.split())


@pytest.mark.parametrize("name", ["length_limit", "cost", "cross_validation", "timings"])
def test_figures_and_tables_lead_to_every_shard_that_they_show(archived, name):
    text = "\n".join(dict(explain.KINDS)[names.find(name, explain.known(archived))[0][0]](archived, name))
    named = set(re.findall(r"^(\S+) \(origin \d+\)$", text, re.MULTILINE))
    assert named == set(archived.rows.shard) if name == "timings" else named < set(archived.rows.shard)
    assert max(map(len, text.splitlines())) <= 100
    if name == "length_limit":
        assert "How long can sequences grow before an architecture fails?" in text
        assert "On test sequences, read once, 0–5 seeds per point" in text


@pytest.mark.parametrize("name", tables.TABLES)
def test_no_row_that_a_table_names_is_idle(name):
    """Whatever is taken away or made another number, the table is another one."""
    table, everything = tables.TABLES[name], frame(example())
    read, before = table.made_of(everything), table(everything)
    assert len(read)
    # What the table of parameters reads is only whose rows there are.
    by = ["study", "variant"] if name == "parameters" else ["kind", "split", "stage", "metric"]
    for key, part in read.groupby(by):
        other = everything.value.mask(everything.index.isin(part.index), 7.0)
        changed = [everything.drop(part.index), everything.assign(value=other)]
        assert not all(before.equals(table(one)) for one in changed), key


def test_every_name_that_the_report_prints_is_one_that_can_be_explained(archived):
    page = report.build(
        archived.config,
        ARCHIVE / "tables",
        ARCHIVE / "figures",
        ARCHIVE / "claims.csv",
        [ARCHIVE / "rows.parquet"],
    )
    commands = [shlex.split(one) for one in re.findall(r"<code>(rnnlimits explain .*?)</code>", page)]
    known = explain.known(archived)
    named, always = {name for _, _, name, *_ in commands}, {*known["claim"], "NAME"}
    # What was not measured stands in a sentence, and has no rows.
    assert always | {"length_limit", "cost"} <= named <= always | {*known["figure"]}
    # Pasted as they stand they speak of this page's own config and rows.
    given = {tuple(options) for _, _, _, *options in commands}
    assert given == {("--config", str(archived.config._file), "--rows", str(ARCHIVE / "rows.parquet"))}
    assert "rows of sequence_length.adding.elman.h65.t10, sequence_length.adding.elman.h65.t200" in page


def test_a_name_is_found_by_its_beginning_or_refused_with_what_there_is(archived):
    known = explain.known(archived)
    assert names.find("plain_g", known) == [("claim", "plain_gradients_vanish")]
    assert names.find("learning_curves", known) == [("figure", "learning_curves")]
    assert names.find("sequence_length.adding.lstm.h32.t200", known)[0][0] == "shard"
    with pytest.raises(LookupError, match=r"^2 names begin with 'plain'; write one of them out: plain_f"):
        names.find("plain", known)
    with pytest.raises(
        LookupError, match=r"^nothing is called 'lenght_limit'; did you mean 'length_limit'"
    ) as error:
        names.find("lenght_limit", known)
    assert str(error.value).count("\n") == 0
    assert "curse_of_memory" in str(error.value)


def test_the_archive_is_explained_on_a_machine_without_torch():
    arguments = ["rnnlimits", "explain", "chaos_above", "--rows", str(ARCHIVE / "rows.parquet")]
    program = f"{WITHOUT_TORCH}\nsys.argv = {arguments}\nfrom rnnlimits import cli\ncli.main()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("claim chaos_above_gain_one: ")


def test_the_printed_command_makes_the_same_rows_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump(GOOD))
    planned = next(shard for shard in grid.shards(load("config.yaml")) if shard.kind == "simulation")
    first, again = (Path(folder) / f"{planned.id}.parquet" for folder in ("results/test/rows", "again"))

    def typed(*arguments):
        monkeypatch.setattr(sys, "argv", ["rnnlimits", *map(str, arguments)])
        cli.main()

    with pytest.raises(SystemExit):
        typed("train", "--spec", planned.to_json(), "--out", first)
    with pytest.raises(SystemExit):
        typed("explain", planned.id, "--config", "config.yaml")
    printed = capsys.readouterr().out
    command = next(line for line in printed.splitlines() if line.startswith("rnnlimits train "))
    subprocess.run(
        ["bash", "-c", f"{sys.executable} -m rnnlimits.cli {command.partition(' ')[2]}"], check=True
    )
    assert rows.content_digest(again) == rows.content_digest(first)
    *_, compared = printed.strip().splitlines()
    with pytest.raises(SystemExit) as ended:
        typed(*shlex.split(compared.partition("rnnlimits ")[2]))
    assert (ended.value.code, capsys.readouterr().out.split()[:2]) == (0, ["shard", planned.id])
    recorded = rows.read_provenance(first)["shards"][planned.id]
    assert all(f" {recorded[name]}" in printed for name in ("host", "config_hash", "code_fingerprint"))
    assert "neither their config nor the code behind them has changed" in flat(printed)
    for row in rows.read(first):
        assert row.metric in printed
        assert row.value is None or f"{row.value:.6g}" in printed
    assert dataclasses.asdict(rows.read(first)[0])["shard"] == planned.id
