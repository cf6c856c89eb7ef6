"""The record of what decides the last digits: the same where the digits are, another where they are not."""

import json
import os
import subprocess
import sys

import pytest

from rnnlimits.training import arithmetic

PROGRAM = (
    "import json; {first}; from rnnlimits.training import arithmetic;"
    "print(json.dumps(arithmetic.of_a_training('elman', False)))"
)


def record(first: str = "pass", **variables: str) -> dict[str, str]:
    # A machine may set such variables for everybody.
    blank = {name: value for name, value in os.environ.items() if name not in arithmetic.VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)],
        env=blank | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def here():
    return record()


def test_it_names_every_part_that_checkpoints_compare(here):
    assert tuple(sorted(here)) == tuple(sorted(arithmetic.KEYS))
    assert set(arithmetic.of_numpy()) < set(here)


def test_what_was_imported_before_makes_no_other(here):
    """A job of the import server has found more than one that somebody types."""
    assert record("import sklearn.datasets, torch._dynamo, scipy.stats") == here


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("OPENBLAS_CORETYPE", "Nehalem", "blas"),
        ("ATEN_CPU_CAPABILITY", "default", "torch_instructions"),
        ("NUMBA_CPU_NAME", "generic", "loops_made_for"),
        ("RNNLIMITS_BACKEND", "torch", "loops"),
    ],
)
def test_whoever_computes_as_on_another_processor_is_recorded(here, tmp_path, variable, value, part):
    if part in ("blas", "loops_made_for") and not here[part]:
        pytest.skip(f"there is no {part} here")
    other = record(**{variable: value, "NUMBA_CACHE_DIR": str(tmp_path)})
    assert other[part] != here[part]
    if variable in arithmetic.VARIABLES:
        assert other["variables"] == f"{variable}={value}"


def test_of_a_processor_s_flags_those_count_that_compute(tmp_path):
    def flags(text: str) -> str:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {text}\nflags : other\n")
        return arithmetic.instructions(tmp_path / "cpuinfo")

    assert flags("fma avx2 md_clear") == flags("avx2 fma ibrs") != flags("avx2 fma avx512f")
    assert arithmetic.instructions(tmp_path / "nothing") == ""
