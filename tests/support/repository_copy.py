"""A copy of the repository in a folder of its own, in which tests may edit, train and break things."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT, CompletedProcess

ROOT = Path(__file__).parents[2]
FOLDERS = ("config", "profiles", "src", "tests", "workflow")
FILES = ("Snakefile", "THIRD_PARTY_DATA.md", "environment.yml", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*_cache")


@dataclass
class Copy:
    """Commands run here see the package as it stands here, and the programs of the tests' own environment."""

    folder: Path
    printed: str = ""  # into Snakemake's log, by the run that made its results
    screen: str = ""  # what that run showed to a person

    def run(self, *command: str, check: bool = True, path: tuple[Path, ...] = ()) -> CompletedProcess:
        """`path` comes before everything else that Python imports from."""
        environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(map(str, [*path, self.folder / "src"])),
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=PIPE,
            stderr=STDOUT,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-5000:]}"
        return done

    def snakemake(self, *arguments: str, **options) -> CompletedProcess:
        return self.run("snakemake", "--cores", "2", *arguments, **options)

    @property
    def snakemake_log(self) -> str:
        """What Snakemake wrote into its log file in its last run: commands, reasons, all of it."""
        newest = max((self.folder / ".snakemake" / "log").glob("*.snakemake.log"))
        return newest.read_text(encoding="utf-8")

    def files(self, pattern: str) -> dict[str, bytes]:
        """The content of every file that fits, by its path in the copy."""
        found = sorted(path for path in self.folder.glob(pattern) if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r} any more; take another place to edit"
        path.write_text(text.replace(old, new, 1))


def fresh(folder: Path) -> Copy:
    """What a clone would hold, without the results."""
    for part in FOLDERS:
        shutil.copytree(ROOT / part, folder / part, ignore=NOT_COPIED)
    for part in FILES:
        shutil.copy(ROOT / part, folder)
    return Copy(folder)


def planned_jobs(dry_run: str) -> dict[str, int]:
    """{"train": 4, "table": 1}: the table of jobs that Snakemake prints."""
    table = dry_run.partition("Job stats:")[2].partition("\n\n")[0]
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
    return {name: count for name, count in jobs.items() if name != "total"}


def planned_shards(dry_run: str) -> set[str]:
    return set(re.findall(r"^ +wildcards: shard=(\S+)$", dry_run, re.MULTILINE))


def shell_lines(output: str, command: str) -> list[str]:
    """The lines that Snakemake printed for one of our commands."""
    return re.findall(rf"^Shell command: (.*rnnlimits {command} .*)$", output, re.MULTILINE)
