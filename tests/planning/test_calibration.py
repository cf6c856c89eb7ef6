"""A machine's speed: kept for that machine alone; only what a person reads of a plan rests on it."""

import dataclasses
import json
from types import SimpleNamespace

import pytest

from rnnlimits.execution import pipeline
from rnnlimits.planning import calibration, duration, grid, plan_table, provenance
from rnnlimits.planning.duration import BY_CONSTANTS, Speed
from rnnlimits.planning.load import load
from support.repository_copy import ROOT

SLOW = Speed(**{field.name: 3.0 for field in dataclasses.fields(Speed)})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    return tmp_path


def test_a_speed_that_was_kept_is_known():
    assert calibration.keep(SLOW) == calibration.file()
    known = calibration.known()
    assert known.speed == SLOW
    assert known.measured
    assert known.said.startswith("speed: measured here on 20")
    assert calibration.machine()["processor"] in known.said


def test_without_a_calibration_the_constants_hold_and_a_line_says_so():
    known = calibration.known()
    assert known.speed == BY_CONSTANTS
    assert not known.measured
    assert known.said == (
        "speed: by constants, measured on another machine; `rnnlimits plan --calibrate` measures this one in "
        "seconds"
    )


@pytest.mark.parametrize("what", ["processor", "backend", "torch"])
def test_another_machine_loop_or_torch_has_a_calibration_of_its_own(what, monkeypatch):
    place, here = calibration.keep(SLOW), calibration.machine()
    monkeypatch.setattr(calibration, "machine", lambda: here | {what: "another"})
    assert calibration.file() != place
    assert calibration.known().speed == BY_CONSTANTS
    # Nor does a file count that somebody has copied to the place of this machine's.
    place.rename(calibration.file())
    assert calibration.known().speed == BY_CONSTANTS
    assert "measured on another machine or with another torch, ignored" in calibration.known().said


def damaged(change):
    content = json.loads(calibration.keep(SLOW).read_text())
    change(content)
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    "made",
    [
        lambda: b"", lambda: b"{", lambda: b"[]", lambda: b"\xff\xfe", lambda: b"[" * 100_000,
        lambda: damaged(lambda content: content.pop("speed")),
        lambda: damaged(lambda content: content.pop("machine")),
        lambda: damaged(lambda content: content.update(measured="a\nb")),
        lambda: damaged(lambda content: content["speed"].update(compiled=-1)),
        lambda: damaged(lambda content: content["speed"].update(compiled=float("inf"))),
        lambda: damaged(lambda content: content["speed"].update(compiled="1")),
        lambda: damaged(lambda content: content["speed"].update(another=1)),
        lambda: damaged(lambda content: content["speed"].pop("compiled")),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told_in_a_line_and_ignored(made):
    text = made()
    calibration.keep(SLOW).write_bytes(text)
    known = calibration.known()
    assert (known.speed, known.measured) == (BY_CONSTANTS, False)
    assert "\n" not in known.said
    assert f"{calibration.file()}" in known.said
    assert "damaged" in known.said or "another version of rnnlimits" in known.said


def test_what_is_asked_of_a_cluster_and_what_enters_a_page_or_a_fingerprint_stay_the_same():
    config = load(ROOT / "config" / "smoke.yaml")
    settings = SimpleNamespace(device_of=lambda study: "cpu", memory_mb=None)
    shard = next(shard for shard in grid.everything(config) if shard.updates and not shard.needs)

    def seen():
        return (
            pipeline.runtime(settings, {shard.id: shard}, shard.id),
            pipeline.mem_mb(settings, {shard.id: shard}, shard.id),
            shard.cost, shard.to_json(), provenance.fingerprint(shard),
            plan_table.takes(config, [shard]), duration.planned([shard]),
        )  # fmt: skip

    before = seen()
    calibration.keep(SLOW)
    assert calibration.known().measured
    assert seen() == before
    files = provenance.files_of_products(*provenance.MADE_WITH)
    assert not {"calibration.py", "machine_plan.py", "speed_trial.py"} & {file.name for file in files}
