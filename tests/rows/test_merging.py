"""Rows of several runs in one archive: each shard from one of them, and never a mixture."""

import pytest

from rnnlimits import rows as waist
from rnnlimits.rows import merging, places
from support.command_line import run
from support.synthetic_rows import scored, shard

ELMAN, GRU, LSTM = (shard(variant=name) for name in ("elman", "gru", "lstm"))
ERRORS = [0.1, 0.11, 0.12]
HASH = "a" * 64


def archive(path, cells, config=None):
    """An archive of shards, by their errors."""
    files = []
    for cell, errors in cells:
        files.append(path / "rows" / f"{cell['shard']}.parquet")
        waist.write(scored(cell, errors), {"host": path.name, "config_hash": HASH, "facts": {}}, files[-1])
    waist.merge(files, path / "rows.parquet", config)
    return path


@pytest.fixture
def one(tmp_path):
    return archive(tmp_path / "one", [(ELMAN, ERRORS), (GRU, ERRORS)], {"name": "first"})


@pytest.fixture
def other(tmp_path):
    """It has the same of one shard, others of another, and a third."""
    return archive(tmp_path / "other", [(ELMAN, ERRORS), (GRU, [0.5, 0.52, 0.51]), (LSTM, ERRORS)])


def by_shard(path):
    table = waist.table(path)
    return waist.digests(table), waist.read_provenance(path)["shards"]


def test_every_shard_is_there_once_and_says_where_it_comes_from(one, tmp_path, monkeypatch, capsys):
    other = archive(tmp_path / "other", [(ELMAN, ERRORS), (LSTM, [0.3, 0.4, 0.5])])
    out = tmp_path / "all" / "rows.parquet"
    code, said, err = run(monkeypatch, capsys, "merge", one, other, "--out", out)
    assert (code, err) == (0, "")
    assert said.splitlines() == [
        f"{out}: 3 shards", f"  2 from {one}", f"  1 from {other}", "  1 of them in several, with equal rows",
        "  without a config, as theirs are different; give --config to what reads it",
    ]  # fmt: skip
    digests, facts = by_shard(out)
    for source in (one, other):
        for name, digest in by_shard(source / "rows.parquet")[0].items():
            assert digests[name] == digest
    sums = [waist.content_digest(source / "rows.parquet")[: merging.DIGITS] for source in (one, other)]
    names = [f"first {sums[0]}", f"other {sums[1]}"]
    assert facts[ELMAN["shard"]] == {"host": "one", "config_hash": HASH, "facts": {}, "merged_from": names}
    assert facts[GRU["shard"]]["merged_from"] == names[:1]
    assert (facts[LSTM["shard"]]["host"], facts[LSTM["shard"]]["merged_from"]) == ("other", names[1:])


def test_different_rows_are_listed_and_refused(one, other, tmp_path, monkeypatch, capsys):
    out = tmp_path / "all.parquet"
    code, said, err = run(monkeypatch, capsys, "merge", one, other, "--out", out)
    assert (code, said, out.exists()) == (1, "", False)
    listed, refused = err.splitlines()
    assert listed == (
        f"{GRU['shard']}: {other} against {one}: 3 rows different, 1 of 2 results beyond their intervals: "
        "test mean_squared_error 0.4 [0.375, 0.425]"
    )
    assert refused == (
        "merge: 1 shard has different rows, listed above; nothing was written; say whose count: "
        f"--prefer FIRST, or --prefer {one} or {other}"
    )


@pytest.mark.parametrize(("prefer", "taken"), [("FIRST", "one"), ("one", "one"), ("other", "other")])
def test_preferred_rows_are_taken_whole(prefer, taken, one, other, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(monkeypatch, capsys, "merge", "one", "other", "--out", "a.parquet", "--prefer", prefer)
    assert (code, err.count("\n")) == (0, 1), "what was chosen between is listed"
    digests, facts = by_shard(tmp_path / "a.parquet")
    expected, _ = by_shard(tmp_path / taken / "rows.parquet")
    assert digests[GRU["shard"]] == expected[GRU["shard"]]
    assert facts[GRU["shard"]]["host"] == taken
    assert [name.split()[0] for name in facts[GRU["shard"]]["merged_from"]] == [
        {"one": "first"}.get(taken, taken)
    ]
    assert len(waist.table(tmp_path / "a.parquet")) == 3 * 6


def test_a_preferred_run_without_the_shard_decides_nothing(one, other, tmp_path, monkeypatch, capsys):
    third = archive(tmp_path / "third", [(LSTM, ERRORS)])
    arguments = ["merge", one, other, third, "--out", tmp_path / "a.parquet", "--prefer", third]
    code, _, err = run(monkeypatch, capsys, *arguments)
    assert (code, (tmp_path / "a.parquet").exists()) == (1, False)
    assert err.splitlines()[-1].startswith("merge: 1 shard has different rows")


def test_what_was_merged_before_keeps_its_first_origin(one, tmp_path):
    other = archive(tmp_path / "other", [(LSTM, ERRORS)])
    third = archive(tmp_path / "third", [(shard(variant="irnn"), ERRORS)])
    middle, end = tmp_path / "middle.parquet", tmp_path / "end.parquet"
    for sources, out in (((one, other), middle), ((middle, third), end)):
        merging.write(merging.choose([merging.read(places.find(source)) for source in sources]), out)
    before, after = by_shard(middle)[1], by_shard(end)[1]
    assert {name: after[name] for name in before} == before


def test_the_order_in_which_runs_are_given_moves_no_row(one, tmp_path):
    other = archive(tmp_path / "other", [(LSTM, ERRORS)])
    sources = [merging.read(places.find(source)) for source in (one, other)]
    for order, out in ((1, "a.parquet"), (-1, "b.parquet")):
        merging.write(merging.choose(sources[::order]), tmp_path / out)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_config_that_all_share_is_kept(one, tmp_path):
    other = archive(tmp_path / "other", [(LSTM, ERRORS)], {"name": "first"})
    sources = [merging.read(places.find(source)) for source in (one, other)]
    merging.write(merging.choose(sources), tmp_path / "a.parquet")
    assert waist.read_provenance(tmp_path / "a.parquet")["config"] == {"name": "first"}


def test_a_shard_without_rows_keeps_what_is_recorded_of_it(one, tmp_path):
    waist.write([], {"host": "third"}, tmp_path / "empty.parquet", shard="memory.adding.none")
    sources = [merging.read(places.find(source)) for source in (one, tmp_path / "empty.parquet")]
    merging.write(merging.choose(sources), tmp_path / "a.parquet")
    assert waist.read_provenance(tmp_path / "a.parquet")["shards"]["memory.adding.none"]["host"] == "third"


def test_what_cannot_be_merged_is_one_line(one, other, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wrong = {
        ("one",): "merge: got one; expected two runs or more, each once",
        ("one", "one"): "merge: got one, one; expected two runs or more, each once",
        ("one", "nowhere"): "nowhere: no rows are there; expected a rows file, ",
        ("one", "other", "--prefer", "third"): (
            "merge: --prefer: got 'third'; expected FIRST or one of one, other"
        ),
        ("one", "other", "--out", "one/rows.parquet"): (
            "merge: --out one/rows.parquet: got a file that is read; name another one"
        ),
    }
    for arguments, said in wrong.items():
        code, out, err = run(monkeypatch, capsys, "merge", "--out", "a.parquet", *arguments)
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert err.startswith(said)
    assert not (tmp_path / "a.parquet").exists()


def test_a_folder_of_shards_an_archive_and_its_file_are_found(one, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.find("one").files == [places.archive("one")]
    assert places.find("one/rows.parquet").folder == places.find("one").folder
    (one / "rows.parquet").unlink()
    assert len(places.find("one").files) == 2
    assert places.find("one").files == places.find("one/rows").files
    assert places.find("one").folder == places.find("one/rows").folder
