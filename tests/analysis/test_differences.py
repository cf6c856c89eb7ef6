"""Two runs side by side: what differs is told with its interval, and what does not is one line."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from rnnlimits import rows as waist
from rnnlimits.analysis import claims, differences, statistics
from rnnlimits.analysis.differences import made, results, shown
from rnnlimits.rows import places
from support.command_line import run as command
from support.synthetic_rows import probed, scored, shard

ELMAN, GRU = shard(variant="elman"), shard(variant="gru")
ERRORS = {"elman": [0.1, 0.11, 0.12], "gru": [0.01, 0.02, 0.03]}
FACTS = {
    "config_hash": "a" * 64, "code_fingerprint": "b" * 64, "git_commit": "c" * 40, "host": "one",
    "versions": {"torch": "2.13.0", "python": "3.11.2"}, "facts": {"data_sha256": "d" * 64},
    "seconds_total": 1.0, "started": "2026-01-01", "arithmetic": {"gpu": "none", "processor": "A"},
}  # fmt: skip
CLAIMS = {
    "sources": {"Author (2000)": "A title"},
    "claims": [
        {
            "id": "gates", "title": "Gates", "says": "Better.", "type": "ordering",
            "source": {"key": "Author (2000)", "place": "table 1"},
            "parts": [
                {"check": "ordering", "direction": "lower", "study": "memory",
                 "where": {"variant": "gru", "split": "test", "metric": "mean_squared_error"},
                 "against": {"variant": "elman"}},
            ],
        },
    ],
}  # fmt: skip


def ran(folder, errors=ERRORS, solved=None, **facts):
    """A results folder with a file for each shard, and with verdicts."""
    (folder / "rows").mkdir(parents=True)
    (folder / "claims.yaml").write_text(yaml.safe_dump(CLAIMS))
    paths = []
    for variant, values in errors.items():
        cell = shard(variant=variant)
        paths.append(folder / "rows" / f"{cell['shard']}.parquet")
        waist.write(scored(cell, values, solved), FACTS | facts, paths[-1])
    claims.judge(paths, folder / "claims.yaml", folder / "claims.csv")
    return folder


def between(one, other):
    return differences.between(places.find(one), places.find(other))


def page(one, other):
    return list(shown.lines(between(one, other)))


@pytest.fixture
def first(tmp_path):
    return ran(tmp_path / "first")


def test_two_equal_runs_are_one_line_whatever_the_clock_said(first, tmp_path, monkeypatch, capsys):
    second = ran(tmp_path / "second", seconds_total=9.0, started="2027-01-01", peak_memory_mb=3.0)
    code, out, err = command(monkeypatch, capsys, "compare", first, second)
    assert (code, err) == (0, "")
    assert out == "no number differs: 2 shards, 12 rows, 1 verdict\n"


def test_an_archive_differs_in_nothing_from_the_folder_that_it_was_made_of(first, tmp_path):
    waist.merge(sorted((first / "rows").iterdir()), tmp_path / "archive" / "rows.parquet")
    shutil.copy(first / "claims.json", tmp_path / "archive")
    assert not between(first, tmp_path / "archive").anything
    assert page(first / "rows", tmp_path / "archive" / "rows.parquet") == page(first, first)


def test_equal_numbers_from_another_machine_are_told_and_are_no_difference(first, tmp_path):
    second = ran(
        tmp_path / "second", host="two", arithmetic={"gpu": "H100", "processor": "A"},
        versions={"torch": "2.14.0", "python": "3.11.2"}, git_commit="e" * 40,
    )  # fmt: skip
    said = page(first, second)
    assert said[0].startswith("no number differs: ")
    assert said[1:] == [
        "  code        commit: cccccccccccc -> eeeeeeeeeeee (2 shards)",
        "  version     torch: 2.13.0 -> 2.14.0 (2 shards)",
        "  hardware    gpu: none -> H100 (2 shards)",
        "  hardware    host: one -> two (2 shards)",
    ]
    assert not between(first, second).anything


def test_seeds_are_paired_where_config_and_data_are_the_same(first, tmp_path):
    moved = ERRORS | {"elman": [0.2, 0.215, 0.218]}
    line = between(first, ran(tmp_path / "second", moved)).results.iloc[0]
    expected = statistics.mean(np.array([0.1, 0.105, 0.098]))
    assert (line.shard, line.metric) == (ELMAN["shard"], "test mean_squared_error")
    assert (line.method, line.lies) == (results.PAIRED, results.BEYOND)
    assert [line.difference, line.low, line.high] == pytest.approx(expected[:3])
    assert (line.n_first, line.n_second) == (3, 3)


@pytest.mark.parametrize("other", [{"config_hash": "f" * 64}, {"facts": {"data_sha256": "f" * 64}}])
def test_seeds_of_another_config_or_of_other_data_are_not_paired(other, first, tmp_path):
    moved = ERRORS | {"elman": [0.2, 0.215, 0.218]}
    line = between(first, ran(tmp_path / "second", moved, **other)).results.iloc[0]
    expected = statistics.difference(np.array([0.2, 0.215, 0.218]), np.array([0.1, 0.11, 0.12]))
    assert line.method == results.WELCH
    assert [line.difference, line.low, line.high] == pytest.approx(expected[:3])


def test_runs_of_which_nothing_is_recorded_are_not_paired(tmp_path):
    one = ran(tmp_path / "one", config_hash=None)
    other = ran(tmp_path / "other", ERRORS | {"gru": [0.02, 0.02, 0.03]}, config_hash=None)
    assert between(one, other).results.method.tolist() == [results.WELCH]


def test_shares_of_seeds_have_the_interval_of_shares(tmp_path):
    one, other = (ran(tmp_path / str(i), solved=[1, 1, i]) for i in (0, 1))
    found = between(one, other).results
    assert set(found.metric) == {"test solved"}
    assert set(found.method) == {results.SHARES}
    expected = statistics.share_difference(3, 2, 3, 3)
    assert found.difference.iloc[0] == pytest.approx(expected.estimate)
    assert found.low.iloc[0] <= 0 <= found.high.iloc[0]


def test_a_mean_of_two_groups_of_seeds_and_a_lost_seed_are_remarked(tmp_path):
    one = ran(tmp_path / "one", solved=[1, 0, 0])
    other = ran(tmp_path / "other", {"elman": [0.2, None, 0.2], "gru": ERRORS["gru"]}, [1, 0, 0])
    found = between(one, other).results.set_index("metric").remark["test mean_squared_error"]
    assert found == "diverged: 0 and 1 seeds; two groups of seeds, of which a mean describes neither"


def test_what_a_probe_measured_is_a_result_and_a_curve_by_lag_is_not(tmp_path):
    for name, slope in (("one", -0.5), ("other", -0.6)):
        rows = probed(ELMAN, "gradient_slope", [slope] * 3)
        rows += probed(ELMAN, "gradient_log10_median", [slope] * 3, lag_steps=1)
        waist.write(rows, FACTS, tmp_path / name / "rows.parquet")
    found = between(tmp_path / "one", tmp_path / "other")
    assert found.results.metric.tolist() == ["probe gradient_slope"]
    assert found.results.difference.tolist() == pytest.approx([-0.1])
    assert found.rows == {"probe": 6}


def test_a_verdict_that_turned_is_told(first, tmp_path, monkeypatch, capsys):
    second = ran(tmp_path / "second", ERRORS | {"gru": [0.3, 0.31, 0.32]})
    code, out, _ = command(monkeypatch, capsys, "compare", first, second)
    assert code == 3
    assert "  verdicts    1 of 1 turned\n              gates: reproduced -> contradicted\n" in out
    assert "  rows        differ: 3 of test\n" in out


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.unlink(), "is not there; `rnnlimits judge --out` writes it"),
        (lambda file: file.write_text("{"), "is damaged (JSONDecodeError); judge again"),
        (lambda file: file.write_text("[]"), "is damaged (TypeError); judge again"),
        (
            lambda file: file.write_text(file.read_text().replace('"asks"', '"ask"')),
            "is damaged (KeyError); judge again",
        ),
        (
            lambda file: file.write_text(file.read_text().replace("claims:1", "claims:9")),
            "has the form 'urn:rnnlimits:claims:9'; expected 'urn:rnnlimits:claims:1'; judge again",
        ),
        (
            lambda file: file.write_text(json.dumps(_of_other_rows(json.loads(file.read_text())))),
            f"was judged on other rows of {ELMAN['shard']}; judge again",
        ),
    ],
)
def test_verdicts_that_are_not_of_these_rows_are_not_compared(spoil, said, first, tmp_path):
    second = ran(tmp_path / "second", ERRORS | {"gru": [0.3, 0.31, 0.32]})
    spoil(second / "claims.json")
    found = between(first, second)
    assert found.verdicts is None
    assert found.second.unjudged == f"{second / 'claims.json'} {said}"


def _of_other_rows(content):
    for one in content["claims"][0]["shards"]:
        one["digest"] = "0" * 64
    return content


def test_shards_of_one_run_alone_are_named(first, tmp_path):
    second = ran(tmp_path / "second", {"gru": ERRORS["gru"], "lstm": [0.1, 0.2, 0.3]})
    said = page(first, second)
    assert f"  only first  1 shard: {ELMAN['shard']}" in said
    assert f"  only second 1 shard: {shard(variant='lstm')['shard']}" in said
    assert between(first, second).anything


def test_configs_are_compared_key_by_key(first, tmp_path):
    files = sorted((first / "rows").iterdir())
    studies = {"memory": {"seeds": 3, "device": None}}
    waist.merge(files, tmp_path / "one" / "rows.parquet", {"name": "x", "studies": studies})
    more = {"memory": {"seeds": 5}, "reach": {"seeds": 3}}
    waist.merge(files, tmp_path / "other" / "rows.parquet", {"name": "x", "studies": more})
    assert between(tmp_path / "one", tmp_path / "other").made == [
        made.Difference("config", "studies.memory.seeds", "3", "5"),
        made.Difference("config", "studies.reach", "nothing", '{"seeds": 3}'),
    ]


def test_what_a_stranger_recorded_is_shown_whatever_its_type(first, tmp_path):
    second = ran(tmp_path / "second", arithmetic=["odd"], git_clean="maybe")
    assert [tuple(one) for one in between(first, second).made] == [
        ("code", "in the commit", "not recorded", "maybe", 2),
        ("hardware", "arithmetic", "not recorded", '["odd"]', 2),
        ("hardware", "gpu", "none", "not recorded", 2),
        ("hardware", "processor", "A", "not recorded", 2),
    ]


def test_all_of_it_goes_into_one_csv_file(first, tmp_path, monkeypatch, capsys):
    second = ran(tmp_path / "second", {"gru": [0.3, 0.31, 0.32], "lstm": [1.0]}, host="two")
    command(monkeypatch, capsys, "compare", first, second, "--out", tmp_path / "d.csv")
    table = pd.read_csv(tmp_path / "d.csv")
    assert table.what.value_counts().to_dict() == {
        "result": 1, "only in first": 1, "only in second": 1, "rows": 1, "verdict": 1, "hardware": 1,
    }  # fmt: skip
    result = table.set_index("what").loc["result"]
    assert (float(result["first"]), float(result["second"])) == (0.02, 0.31)
    assert (result["difference"], result["low"], result["high"]) == (0.29, 0.29, 0.29)


def test_a_long_list_is_cut_and_says_so(tmp_path):
    cells = [shard(variant="elman", hidden_size=size) for size in range(1, 31)]
    for name, value in (("one", 0.1), ("other", 0.2)):
        for cell in cells:
            waist.write(
                scored(cell, [value, value + 0.01]), FACTS, tmp_path / name / f"{cell['shard']}.parquet"
            )
    said = page(tmp_path / "one", tmp_path / "other")
    assert sum(line.startswith(("* ", "  memory.")) for line in said) == shown.MOST
    assert "  ... and 10 more: --out FILE.csv has them all" in said


ROWS = "no rows are there; expected a rows file, a results folder with rows/*.parquet, an archive's folder "
ROWS += "with rows.parquet or its name in results/archive"


def test_what_cannot_be_compared_is_one_line(first, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    other = ran(tmp_path / "other", {"lstm": [0.1, 0.2, 0.3]})
    (tmp_path / "text.parquet").write_text("no Parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "frame.parquet")
    old = tmp_path / "old.parquet"
    _of_another_schema(sorted((first / "rows").iterdir())[0], old)
    for second, said in {
        "nowhere": f"nowhere: {ROWS}",
        tmp_path: f"{tmp_path / 'frame.parquet'}: ",
        tmp_path / "text.parquet": f"{tmp_path / 'text.parquet'}: damaged: ",
        tmp_path
        / "frame.parquet": f"{tmp_path / 'frame.parquet'}: not the columns of a rows file; different: a",
        old: f"{old}: not the columns of a rows file; different: step, update; fetch the file again",
        other: f"compare: no shard is in both: {first} has 2, such as {ELMAN['shard']} and {other} has 1",
    }.items():
        code, out, err = command(monkeypatch, capsys, "compare", first, second)
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert err.startswith(said)


def _of_another_schema(path, out):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    names = ["step" if name == "update" else name for name in table.column_names]
    pyarrow.parquet.write_table(table.rename_columns(names), out)
