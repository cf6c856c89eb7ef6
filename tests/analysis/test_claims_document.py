"""claims.json: as its schema says, the same bytes of the same rows, no word stronger than its verdict."""

import json
import shutil
from importlib import resources
from pathlib import Path

import pytest

from rnnlimits import rows as waist
from rnnlimits.analysis import claims
from rnnlimits.analysis.claims import document
from support.synthetic_rows import scored, shard

jsonschema = pytest.importorskip("jsonschema", reason="the extra `test` brings jsonschema")

SCHEMA = json.loads(resources.files(claims).joinpath("claims.schema.json").read_text(encoding="utf-8"))
ARCHIVE = Path("results/archive")
FILE = """
sources:
  Author (2000): Author (2000), A title
claims:
- id: better
  title: Better
  says: A sentence.
  source: {key: Author (2000), place: table 1}
  type: ordering
  full: {length_steps: SOURCE_LENGTH}
  parts:
  - check: ordering
    direction: DIRECTION
    study: memory
    where: {variant: gru, split: test, metric: mean_squared_error}
    against: {variant: elman}
- id: straddles
  title: Straddles
  says: Another.
  source: {key: Author (2000), place: table 2}
  type: number
  parts:
  - check: at_most
    bound: 0.11
    study: memory
    where: {variant: elman, split: test, metric: mean_squared_error}
- id: absent
  title: Absent
  says: A third.
  source: {key: Author (2000), place: table 3}
  type: number
  needs: a CUDA GPU
  parts:
  - {check: at_most, bound: 1, study: memory, where: {variant: irnn, split: test, metric: mean_squared_error}}
"""
ERRORS = {"elman": [0.1, 0.11, 0.12], "gru": [0.01, None, 0.03, 0.02]}


def judged(folder: Path, source_length: int = 20, direction: str = "lower", order: int = 1, **facts) -> Path:
    """claims.json of a few made-up rows."""
    folder.mkdir(exist_ok=True)
    text = FILE.replace("SOURCE_LENGTH", str(source_length)).replace("DIRECTION", direction)
    (folder / "claims.yaml").write_text(text)
    paths = [folder / f"{variant}.parquet" for variant in ERRORS]
    for path, (variant, errors) in zip(paths, ERRORS.items()):
        waist.write(scored(shard(variant=variant), errors), facts, path)
    claims.judge(paths[::order], folder / "claims.yaml", folder / "claims.csv")
    return folder / "claims.json"


def read(path: Path) -> dict[str, dict]:
    return {claim["id"]: claim for claim in json.loads(path.read_text(encoding="utf-8"))["claims"]}


@pytest.mark.parametrize("archive", ["laptop", "replication", "overnight"])
def test_the_archives_have_the_form_that_the_schema_publishes(archive):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    written = json.loads((ARCHIVE / archive / "claims.json").read_text(encoding="utf-8"))
    assert [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(written)] == []
    assert (written["schema"], written["run"]) == (SCHEMA["$id"], archive)


def test_what_is_missing_and_what_diverged_has_the_form_too(tmp_path):
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(judged(tmp_path).read_text()))
    found = read(tmp_path / "claims.json")
    (finding,) = found["better"]["checks"][0]["findings"]
    of_gru, of_elman = finding["seeds"]
    assert (of_gru["side"], of_gru["seeds"]) == ("one", [0, 1, 2, 3])
    assert (of_gru["values"], of_gru["statuses"][1]) == ([0.01, None, 0.03, 0.02], "diverged")
    assert (of_elman["side"], of_elman["values"]) == ("other", [0.1, 0.11, 0.12])
    assert (finding["bound"]["low"], finding["bound"]["high"]) == (0, None)
    assert finding["interval"]["estimate"] == pytest.approx(0.09)
    assert found["absent"]["shards"] == []
    assert found["absent"]["checks"][0]["findings"][0]["interval"] is None


@pytest.mark.parametrize("key", ["verdict", "outcome", "shards"])
def test_a_claim_without_a_part_of_the_form_is_none(key, tmp_path):
    written = json.loads(judged(tmp_path).read_text())
    del written["claims"][0][key]
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.Draft202012Validator(SCHEMA).validate(written)


def test_every_line_of_the_table_is_a_claim_with_the_same_verdict(tmp_path):
    written = read(judged(tmp_path))
    table = claims.judge([tmp_path / "gru.parquet"], tmp_path / "claims.yaml", tmp_path / "other.csv")
    assert list(written) == table.id.tolist()
    assert {claim["verdict"] for claim in read(tmp_path / "other.json").values()} == {*table.verdict}


def test_the_same_rows_give_the_same_bytes_whatever_else_is_recorded_of_them(tmp_path):
    one = judged(tmp_path / "one", host="here", seconds_total=1.0).read_bytes()
    assert one == judged(tmp_path / "other", order=-1, host="there", seconds_total=2.0).read_bytes()


def test_the_digest_of_a_shard_is_that_of_its_own_file_and_of_its_part_of_an_archive(tmp_path):
    found = {one["shard"]: one["digest"] for one in read(judged(tmp_path))["better"]["shards"]}
    paths = [tmp_path / f"{variant}.parquet" for variant in ERRORS]
    assert set(found.values()) == {waist.content_digest(path) for path in paths}
    waist.merge(paths, tmp_path / "rows.parquet")
    claims.judge([tmp_path / "rows.parquet"], tmp_path / "claims.yaml", tmp_path / "archived.csv")
    assert (tmp_path / "archived.json").read_bytes() == (tmp_path / "claims.json").read_bytes()


@pytest.mark.parametrize(
    ("source_length", "direction", "verdict", "outcome"),
    [
        (20, "lower", "reproduced", "verified"),
        (200, "lower", "reproduced", "toy"),
        (20, "higher", "contradicted", "falsified"),
        (200, "higher", "contradicted", "inconclusive"),
    ],
)
def test_a_smaller_experiment_neither_verifies_nor_falsifies(
    source_length, direction, verdict, outcome, tmp_path
):
    claim = read(judged(tmp_path, source_length, direction))["better"]
    assert (claim["verdict"], claim["outcome"]) == (verdict, outcome)
    smaller = [{"column": "length_steps", "ours": 20, "source": 200}] if source_length == 200 else []
    assert claim["scale"]["smaller"] == smaller
    assert (claim["reason"] is not None) is (outcome == "inconclusive")


def test_an_inconclusive_claim_says_why(tmp_path):
    found = read(judged(tmp_path))
    assert found["straddles"]["verdict"] == "undecided"
    assert found["straddles"]["reason"].endswith("it straddles the bound")
    assert found["absent"]["reason"] == "no shard of study memory has variant irnn, split test, metric " \
        "mean_squared_error; needs a CUDA GPU"  # fmt: skip


def test_a_positive_control_that_failed_is_the_reason(tmp_path):
    control = "  - {check: at_most, positive_control: true, bound: 0.001, study: memory, " \
        "where: {variant: gru, split: test, metric: mean_squared_error}}\n"  # fmt: skip
    judged(tmp_path)
    text = (tmp_path / "claims.yaml").read_text().replace("- id: straddles", f"{control}- id: straddles")
    (tmp_path / "claims.yaml").write_text(text)
    paths = [tmp_path / f"{variant}.parquet" for variant in ERRORS]
    claims.judge(paths, tmp_path / "claims.yaml", tmp_path / "claims.csv")
    claim = read(tmp_path / "claims.json")["better"]
    assert (claim["verdict"], claim["outcome"]) == ("undecided", "inconclusive")
    assert claim["reason"].endswith("a positive control failed")


def test_the_table_of_verdicts_is_no_json_file(tmp_path):
    judged(tmp_path)
    shutil.copy(tmp_path / "claims.json", tmp_path / "before.json")
    with pytest.raises(ValueError, match=r"claims\.json: got a \.json for the table of verdicts"):
        claims.judge([tmp_path / "gru.parquet"], tmp_path / "claims.yaml", tmp_path / "claims.json")
    assert (tmp_path / "claims.json").read_bytes() == (tmp_path / "before.json").read_bytes()


def test_the_schema_knows_the_words_of_the_code():
    kinds = SCHEMA["$defs"]["claim"]["properties"]
    assert set(kinds["verdict"]["enum"]) == {*claims.WEIGHT}
    outcomes = {document.VERIFIED, document.FALSIFIED, document.TOY, document.INCONCLUSIVE}
    assert set(kinds["outcome"]["enum"]) == outcomes
    statuses = SCHEMA["$defs"]["side"]["properties"]["statuses"]["items"]["enum"]
    assert set(statuses) == {*waist.WORDS["status"]}
