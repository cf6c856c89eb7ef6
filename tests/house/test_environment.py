"""`make environment`, with a Python that pretends to install: the environment is whole, or made anew."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.repository_copy import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or sys.platform == "win32", reason="there is no make here"
)
# Writes down what it is asked for, and takes a while for it.
PRETEND = """#!/bin/sh
case "$1 $2" in
  "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; echo "begin $3" >> log ;;
  "-m pip") sleep 0.3; case "$*" in *--editable*) echo "end" >> log ;; esac ;;
  *) exec REAL "$@" ;;
esac
"""
WAIT_S = 60


@pytest.fixture
def clone(tmp_path):
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(PRETEND.replace("REAL", sys.executable))
    python.chmod(0o755)
    return tmp_path


def make(clone: Path, *targets: str) -> subprocess.Popen:
    return subprocess.Popen(
        ["make", *targets, "PYTHON=./python"],
        cwd=clone,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until_begun(clone: Path) -> None:
    end = time.monotonic() + WAIT_S
    while not (clone / "log").exists():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def written(clone: Path) -> list[str]:
    return (clone / "log").read_text().splitlines()


def test_of_two_makes_at_once_one_makes_the_environment_and_the_other_waits_for_it(clone):
    first = make(clone, "environment")
    until_begun(clone)
    second = make(clone, "environment")
    said = [job.communicate(timeout=WAIT_S) for job in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert written(clone) == ["begin .venv", "end"]
    assert said[1][1] == ".venv.lock: another make is at work on it; waiting for its end\n"
    third = make(clone, "environment")
    assert "Nothing to be done" in third.communicate(timeout=WAIT_S)[0]
    assert written(clone) == ["begin .venv", "end"]


def test_what_a_killed_make_left_half_done_is_made_anew(clone):
    first = make(clone, "environment")
    until_begun(clone)
    second = make(clone, "environment")
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert second.wait(WAIT_S) == 0, second.communicate()
    assert written(clone) == ["begin .venv", "begin .venv", "end"]
    assert len(list((clone / ".venv").glob("made-from-*"))) == 1


def test_the_light_environment_is_made_in_the_same_way(clone):
    job = make(clone, ".venv-light/" + stamp(clone))
    assert job.communicate(timeout=WAIT_S)[1] == ""
    assert written(clone) == ["begin .venv-light", "end"]


def stamp(clone: Path) -> str:
    sums = subprocess.run(
        ["cksum", "requirements.lock"], cwd=clone, capture_output=True, text=True, check=True
    )
    return "made-from-" + sums.stdout.strip().replace(" ", "-")
