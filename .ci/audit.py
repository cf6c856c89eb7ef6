"""Are there published weaknesses in the packages of requirements.lock?  `make audit`

    audit: 125 packages, no known weakness with a remedy
    audit: NOT DONE, the advisory service cannot be reached        green too, but it says so
    audit: jinja2 2.10: PYSEC-2019-217, mended in 2.10.1       red, unless audit-allowed.toml allows it

pip-audit is installed into build/audit for this alone: it brings 27 packages that nothing else here needs.
"""

import datetime
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "audit"
TOOL = "pip-audit==2.10.1"
TIMEOUT_S = 300


def main(lock: Path) -> int:
    try:
        report = ask(lock)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"audit: NOT DONE, the advisory service cannot be reached ({last_line(error)})")
        return 0
    allowed = tomllib.loads((ROOT / ".ci" / "audit-allowed.toml").read_text())["allowed"]
    lines, code = judge(report["dependencies"], allowed, datetime.date.today())
    print("\n".join(f"audit: {line}" for line in lines))
    return code


def ask(lock: Path) -> dict[str, Any]:
    """What pip-audit knows of every pin; it asks PyPI, and installs and resolves nothing."""
    python = HOME / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", str(HOME))
    run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOL)
    out = HOME / "report.json"
    out.unlink(missing_ok=True)
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json", "--output"]
    done = run(str(python), "-m", "pip_audit", "-r", str(lock), *options, str(out), check=False)
    if not out.exists():  # its exit code is 1 for a finding and for a failure
        raise ValueError(done.stderr)
    return json.loads(out.read_text())


def run(*command: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=TIMEOUT_S)


def last_line(error: Exception) -> str:
    told = getattr(error, "stderr", None) or str(error)
    return (told.strip().splitlines() or [type(error).__name__])[-1][:200]


def judge(
    packages: list[dict[str, Any]], allowed: list[dict[str, Any]], today: datetime.date
) -> tuple[list[str], int]:
    """The lines to print, and the exit code: 1 for a weakness that has a remedy and is not allowed."""
    known = [package for package in packages if "skip_reason" not in package]
    if not known:  # a mirror of PyPI without its advisories answers "not found" to everything
        return [f"NOT DONE, the advisory service knows none of the {len(packages)} packages"], 0
    reasons = {entry["id"]: entry["reason"] for entry in allowed if entry["until"] >= today}
    lines, code = [], 0
    for package in known:
        for weakness in package["vulns"]:
            names = [weakness["id"], *weakness.get("aliases", [])]
            what = f"{package['name']} {package['version']}: {weakness['id']}"
            if reason := next((reasons[name] for name in names if name in reasons), None):
                lines.append(f"{what}, allowed: {reason}")
            elif fixed := weakness["fix_versions"]:
                lines.append(f"{what}, mended in {', '.join(fixed)}: `make lock`, or say why not")
                code = 1
            else:
                lines.append(f"{what}, no remedy yet")
    unknown = len(packages) - len(known)
    missing = f" ({unknown} others are not known there)" if unknown else ""
    verdict = "weaknesses with a remedy" if code else "no known weakness with a remedy"
    return [*lines, f"{len(known)} packages{missing}, {verdict}"], code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "requirements.lock"))
