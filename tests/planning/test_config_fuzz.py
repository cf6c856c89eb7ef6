"""Whatever stands in a config file: it is taken, or told in one line a mistake; never a traceback."""

from pathlib import Path

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.load import load
from support.example_config import GOOD, changed
from support.wrong_configs import places


def problems(path: Path) -> list[str]:
    """The lines that loading a file ends in; any exception but a ConfigError fails the test."""
    try:
        load(path)
    except ConfigError as error:
        return error.lines
    return []


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**12), st.floats(), st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=8), st.integers(), max_size=2), st.dates(), st.binary(max_size=3),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(places(GOOD)), value=ANYTHING)
def test_a_value_from_nowhere_is_taken_or_told_with_its_key(tmp_path, place, value):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(changed(GOOD, place, value)), encoding="utf-8")
    told = problems(path)
    # An unprintable character is refused before there are keys: then the line's number says where.
    beginnings = (f"{path}: {place[0]}", f"{path}, line ")
    assert all("\n" not in line and line.startswith(beginnings) for line in told)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(places(GOOD)), key=st.from_regex(r"[^\W\d]\w{0,7}", fullmatch=True))
def test_a_key_from_nowhere_is_told_with_its_name(tmp_path, place, key):
    inner = GOOD
    for step in place[:-1]:
        inner = inner[step]
    assume(isinstance(inner, dict) and key not in inner)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(changed(GOOD, (*place[:-1], key), {})), encoding="utf-8")
    assert any(key in line for line in problems(path))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=60), st.text("abc:-[]{}&*!|>'\"#%@,?\n 0123", max_size=40)))
def test_no_file_leads_to_a_traceback(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert problems(path)
