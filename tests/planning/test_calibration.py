"""A machine's speed: kept for that machine alone; only what a person reads of a plan rests on it."""

import json
from types import SimpleNamespace

import pytest

from rnnlimits.execution import machine_plan, pipeline
from rnnlimits.planning import (
    calibration,
    duration,
    gpu_calibration,
    grid,
    plan_table,
    provenance,
)
from rnnlimits.planning.config.plain_yaml import read_yaml
from rnnlimits.planning.duration import BY_CONSTANTS, Speed
from rnnlimits.planning.load import checked, load
from support.repository_copy import ROOT
from support.small_shards import a_shard

SLOW = Speed(**dict.fromkeys(calibration.OF_PROCESSOR, 3.0))


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


FAST = Speed(gpu_fixed=0.5, gpu=0.25, gpu_evaluation=0.75)


@pytest.fixture
def a_gpu(monkeypatch):
    monkeypatch.setattr(gpu_calibration, "name", lambda: "made-up GPU")
    return "made-up GPU"


def test_the_speed_of_a_gpu_is_kept_beside_that_of_the_processor(a_gpu):
    assert gpu_calibration.known(SLOW) is None
    calibration.keep(SLOW)
    gpu_calibration.keep(FAST, a_gpu)
    speed, said = gpu_calibration.known(calibration.known().speed)
    assert (speed.gpu_fixed, speed.gpu, speed.gpu_evaluation, speed.plain) == (0.5, 0.25, 0.75, 3.0)
    assert said.startswith("measured here on 20")
    assert said.endswith(": made-up GPU")
    assert duration.seconds(a_shard(), "cuda", FAST) < 0.5 * duration.seconds(a_shard(), "cuda")
    assert duration.seconds(a_shard(), "cpu", FAST) == duration.seconds(a_shard(), "cpu")


def test_another_gpu_or_a_damaged_file_leaves_the_guess(a_gpu, monkeypatch):
    place = gpu_calibration.keep(FAST, a_gpu)
    assert gpu_calibration.known(BY_CONSTANTS)
    place.write_text(place.read_text().replace("0.25", "-1"))
    assert gpu_calibration.known(BY_CONSTANTS) is None
    gpu_calibration.keep(FAST, a_gpu)
    monkeypatch.setattr(gpu_calibration, "name", lambda: "another GPU")
    assert gpu_calibration.known(BY_CONSTANTS) is None


def test_the_name_of_a_gpu_is_what_nvidia_smi_says_first(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_calibration.asked("name") is None
    program.write_text("#!/bin/sh\necho 'A fast one'\necho 'A slow one'\n")
    program.chmod(0o755)
    assert gpu_calibration.asked("name") == "A fast one"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert gpu_calibration.asked("name") is None


def test_a_plan_with_a_gpu_says_whether_that_is_a_guess(a_gpu):
    raw = read_yaml(ROOT / "config" / "smoke.yaml") | {"device": "cuda"}
    raw.pop("claims")
    asked = checked(raw)
    (guessed,) = [line for line in machine_plan.lines(asked, False, False, 1) if line.startswith("time, ")]
    assert guessed.endswith("a guess: no GPU was measured")
    gpu_calibration.keep(FAST, a_gpu)
    (measured,) = [line for line in machine_plan.lines(asked, False, False, 1) if line.startswith("time, ")]
    assert measured.endswith(": made-up GPU")
