"""`make audit`: a weakness with a remedy is red, and an audit that could not be done never looks like one."""

import datetime
import importlib.util

import pytest

from support.repository_copy import ROOT

TODAY = datetime.date(2030, 1, 15)
WEAK = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fix_versions": ["2.10.1"]}],
}
SOUND = {"name": "numpy", "version": "2.4.0", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}
HELPLESS = {"name": "old", "version": "1", "vulns": [{"id": "CVE-1", "aliases": [], "fix_versions": []}]}


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def allowed(until, name="CVE-2019-10906"):
    return [{"id": name, "reason": "no template of ours is a stranger's", "until": until}]


@pytest.mark.parametrize(
    ("packages", "allow", "code", "said"),
    [
        ([SOUND], [], 0, "1 packages, no known weakness with a remedy"),
        ([WEAK, SOUND], [], 1, "jinja2 2.10: PYSEC-2019-217, mended in 2.10.1"),
        ([WEAK], allowed(TODAY), 0, "PYSEC-2019-217, allowed: no template"),
        ([WEAK], allowed(TODAY - datetime.timedelta(days=1)), 1, "mended in 2.10.1"),
        ([WEAK], allowed(TODAY, "CVE-1"), 1, "mended in 2.10.1"),
        ([HELPLESS], [], 0, "old 1: CVE-1, no remedy yet"),
        ([SOUND, UNKNOWN], [], 0, "1 packages (1 others are not known there), no known weakness"),
        ([UNKNOWN], [], 0, "NOT DONE, the advisory service knows none of the 1 packages"),
        ([WEAK, UNKNOWN], [], 1, "1 packages (1 others are not known there), weaknesses with a remedy"),
    ],
)
def test_only_a_weakness_with_a_remedy_that_nobody_allowed_is_red(audit, packages, allow, code, said):
    lines, found = audit.judge(packages, allow, TODAY)
    assert found == code
    assert any(said in line for line in lines)


def test_a_machine_without_a_network_is_told_that_nothing_was_looked_at(audit, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(audit, "HOME", tmp_path / "audit")
    nowhere = {"INDEX_URL": "https://127.0.0.1:9/", "RETRIES": "0", "CONFIG_FILE": "/dev/null"}
    for name, value in nowhere.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    assert audit.main(ROOT / "requirements.lock") == 0
    assert capsys.readouterr().out.startswith("audit: NOT DONE, the advisory service cannot be reached (")


def test_what_is_allowed_can_be_read_and_ends_some_day(audit):
    import tomllib

    for entry in tomllib.loads((ROOT / ".ci" / "audit-allowed.toml").read_text())["allowed"]:
        assert set(entry) == {"id", "reason", "until"}
        assert isinstance(entry["until"], datetime.date)
