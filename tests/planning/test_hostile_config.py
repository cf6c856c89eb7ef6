"""Configs that are broken or mean harm: refused in lines that name the key, with nothing touched or run."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlimits import cli
from rnnlimits.planning import grid
from rnnlimits.planning.config.messages import ConfigError
from rnnlimits.planning.load import load
from support.example_config import GOOD, changed
from support.wrong_configs import NASTY, WRONG, places

PLACES = places(GOOD)
IN_A_MAPPING = [place for place in PLACES if isinstance(place[-1], str)]
REQUIRED = [
    ("name",), ("results",), ("studies",), ("studies", "trained", "kind"), ("studies", "trained", "title"),
    ("studies", "trained", "tasks"), ("studies", "trained", "architectures"), ("studies", "folded", "folds"),
    ("studies", "folded", "lengths"), ("studies", "folded", "budget", "updates"),
    ("studies", "trained", "hidden_sizes"), ("studies", "matched", "parameters"),
    ("studies", "matched", "seeds"),
]  # fmt: skip
# Any title is text; folders of results have a test of their own.
FREE = {"title", "results"}
# Labels must match this, so nothing else can become a part of a file's name or of a command.
SAFE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


def plan(folder: Path, text: str) -> tuple[int, list[str]]:
    """(exit code, lines on stderr) of `rnnlimits plan`, which must start no process and touch no file."""
    (folder / "config.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    before = tree(folder)
    told = io.StringIO()
    nothing = mock.Mock(side_effect=AssertionError("a process was started"))
    with contextlib.ExitStack() as stack:
        for name in ("os.system", "os.fork", "os.posix_spawn", "subprocess.Popen"):
            stack.enter_context(mock.patch(name, nothing))
        stack.enter_context(mock.patch.object(sys, "argv", ["rnnlimits", "plan", "--config", "config.yaml"]))
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(contextlib.redirect_stderr(told))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        code = 0
        try:
            cli.main()
        except SystemExit as leave:
            code = int(leave.code or 0)
    assert tree(folder) == before
    return code, told.getvalue().splitlines()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("configs")
    (folder / "bystander.txt").write_text("nobody touches me")
    return folder


def renamed(base: dict[str, Any], place: tuple, key: object) -> dict[str, Any]:
    inner = base
    for step in place[:-1]:
        inner = inner[step]
    parent = {key if old == place[-1] else old: value for old, value in inner.items()}
    return changed(base, place[:-1], parent) if place[1:] else parent


def as_key(place: tuple) -> str:
    """How a message names a place; a page's own label is as far as some go."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def assert_told(code: int, lines: list[str], key: str | None = None) -> None:
    """Refused: one line a mistake, each with the file and the place, no traceback."""
    assert code == 1
    assert lines
    for line in lines:
        assert re.match(r"config\.yaml(, line \d+)?: \S", line), line
        assert len(line) < 1000
    if key is not None:
        assert any(
            line.startswith(f"config.yaml: {key}") or line.startswith("config.yaml, line") for line in lines
        )


@settings(max_examples=120, deadline=None)
@given(place=st.sampled_from(PLACES), value=st.sampled_from([*WRONG, *NASTY]), other=st.sampled_from(PLACES))
def test_whatever_stands_at_a_place_is_harmless_or_told_with_its_key(folder, place, value, other):
    raw = changed(GOOD, place, value)
    with contextlib.suppress(KeyError, TypeError, IndexError):  # the first change took the second place away
        raw = changed(raw, other, value)
    code, lines = plan(folder, yaml.safe_dump(raw, allow_unicode=False))
    if code:
        assert_told(code, lines)
        return
    loaded = load(folder / "config.yaml")
    assert re.fullmatch(r"\w[\w./-]*", loaded.results)
    assert ".." not in loaded.results.split("/")
    assert all(SAFE.fullmatch(shard.id) for shard in grid.shards(loaded))


@settings(max_examples=80, deadline=None)
@given(
    place=st.sampled_from([place for place in PLACES if place[-1] not in FREE]), value=st.sampled_from(NASTY)
)
def test_hostile_text_in_place_of_a_value_is_refused(folder, place, value):
    assert_told(*plan(folder, yaml.safe_dump(changed(GOOD, place, value))), key=place[0])


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(IN_A_MAPPING), key=st.sampled_from([*NASTY, None, True, 3, 2.5]))
def test_a_hostile_key_is_refused(folder, place, key):
    assert_told(*plan(folder, yaml.safe_dump(renamed(GOOD, place, key))))


@pytest.mark.parametrize("place", REQUIRED, ids=as_key)
def test_a_key_that_is_gone_is_told_by_its_name(folder, place):
    code, lines = plan(folder, yaml.safe_dump(changed(GOOD, place, ...)))
    assert_told(code, lines, as_key(place))


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            "results/a b",
            "expected letters, digits, _, - and ., in each part first a letter, 200 bytes at most",
        ),
        ("results/$(touch x)", "expected letters, digits"),
        ("results/{x}", "expected letters, digits"),
        ("results/a\nb", "expected letters, digits"),
        ("-rf", "expected letters, digits"),
        (".git/hooks", "expected letters, digits"),
        ("x" * 201, "expected letters, digits"),
        ("results/../../x", "expected a relative folder below the working directory"),
        ("results/archive/laptop", "expected another folder, as results/archive/ holds other things"),
        ("./src//rnnlimits/", "expected another folder, as src/ holds other things"),
    ],
)
def test_a_folder_of_results_is_nothing_but_a_folder(folder, results, said):
    code, lines = plan(folder, yaml.safe_dump(changed(GOOD, ("results",), results)))
    assert_told(code, lines, "results: ")
    assert said in lines[0]


def test_one_folder_of_results_has_one_name(tmp_path):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(changed(GOOD, ("results",), "./results//mine/")))
    assert load(tmp_path / "c.yaml").results == "results/mine"


@pytest.mark.parametrize("key", ["data", "claims"])
@pytest.mark.parametrize("path", ["{x}", "a\nb", "a\tb", "", "a\u2028b"])
def test_a_path_that_snakemake_would_read_otherwise_is_refused(folder, key, path):
    assert_told(*plan(folder, yaml.safe_dump(GOOD | {key: path})), f"{key}: ")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi")
)
STAIRS = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(2000))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (BOMB, 6, "more than 200,000 values; write fewer aliases"),
        (STAIRS, 40, "nested more than 40 deep; write fewer aliases"),
        ("name: a\nresults: " + "[" * 50_000, 2, "nested more than 40 deep; remove brackets"),
        ("name: a\nresults: " + "{a: " * 100 + "}" * 100, 2, "nested more than 40 deep"),
        (
            "name: a\nresults: !!python/object/apply:os.system [touch x]\n",
            2,
            "could not determine a constructor",
        ),
        ("name: a\nresults: !!python/name:os.system\n", 2, "could not determine a constructor"),
        ("name: a\nname: b\n", 2, "key 'name' is there twice"),
        ("name:\n\tresults: x\n", 2, "cannot start any token"),
        ("name: a\nresults: '\x07'\n", 2, "unacceptable character"),
        ('name: a\nresults: "\\e[31m"\n', 2, "got the unprintable character '\\x1b'"),
        ('name: a\nresults: "\\ud800"\n', 2, "got the unprintable character '\\ud800'"),
        ('name: a\n"\\0": b\n', 2, "got the unprintable character '\\x00'"),
        ("name: a\nresults: " + "9" * 5000, 2, "9999...: Exceeds the limit"),
        ("name: a\n---\nname: b\n", 2, "another document"),
        ("name: &x [*x]\n", 1, "unconstructable recursive node"),
    ],
)
def test_what_yaml_can_do_beyond_data_is_one_line_with_its_number(folder, text, line, said):
    code, lines = plan(folder, text)
    assert_told(code, lines)
    assert len(lines) == 1
    assert lines[0].startswith(f"config.yaml, line {line}: ")
    assert said in lines[0]


def test_a_text_with_a_byte_order_mark_is_the_same_text(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(GOOD).encode())
    assert load(tmp_path / "c.yaml").name == "test"


def test_a_file_without_end_is_not_read_to_its_end():
    with pytest.raises(ConfigError, match="/dev/zero: larger than 1,048,576 bytes"):
        load("/dev/zero")


def test_a_grid_of_a_billion_jobs_is_refused_before_it_is_made(folder):
    many = list(range(10, 20_010))
    raw = changed(
        changed(GOOD, ("studies", "trained", "lengths"), many), ("studies", "trained", "hidden_sizes"), many
    )
    code, lines = plan(folder, yaml.safe_dump(raw))
    assert (code, len(lines)) == (1, 1)
    assert lines[0] == (
        "config.yaml: studies.trained: 1,600,000,000 shards; 100,000 at most: write several configs"
    )


def test_a_stranger_in_a_long_message_is_cut(folder):
    raw = changed(GOOD, ("studies", "trained", "architectures", "q"), {"page": "x" * 9000})
    assert_told(*plan(folder, yaml.safe_dump(raw)), "studies.trained.architectures.q: no architecture")


@pytest.mark.parametrize("name", ["{x}.yaml", "a\nb.yaml"])
def test_a_config_whose_own_name_means_something_else_is_refused(tmp_path, name):
    (tmp_path / name).write_text(yaml.safe_dump(GOOD))
    done = subprocess.run(
        [sys.executable, "-m", "rnnlimits.cli", "plan", "--config", name], cwd=tmp_path, env=os.environ,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"--config: got {name!r}; expected a path without ")
    assert len(done.stderr.splitlines()) == 1
