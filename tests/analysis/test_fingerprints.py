"""What is made of rows is fingerprinted with every file behind it, whichever way that was loaded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlimits import catalog
from rnnlimits.planning import provenance
from support import synthetic_run, synthetic_verdicts
from support.repository_copy import ROOT

LAPTOP = ROOT / "results" / "archive" / "laptop"
# Says which files of the package were opened, and which modules were imported, beside those of the config.
AUDITED = """
import json, sys
from pathlib import Path
opened = set()
sys.addaudithook(lambda event, what: opened.add(what[0]) if event == "open" else None)
from rnnlimits import catalog
from rnnlimits.planning.load import load
config = load({config!r})
for cached in (catalog.tree, catalog.options, catalog.constant):
    cached.cache_clear()
planned = set(sys.modules)
opened.clear()
{program}
modules = [getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - planned]
texts = [name for name in opened if isinstance(name, str)]
print(json.dumps([name for name in modules + texts if name]))
"""


def looked_at(config: Path, program: str) -> set[Path]:
    """The files of the package that a program reads; it finds `config` loaded."""
    program = AUDITED.format(config=str(config), program=program)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = {Path(name) for name in json.loads(done.stdout.splitlines()[-1])}
    return {file for file in found if catalog.PACKAGE in file.parents and file.suffix != ".pyc"}


def known(product: str) -> set[Path]:
    return set(provenance.files_in(*provenance.MADE_WITH[product]))


def test_verdicts_know_every_file_that_they_are_written_with(tmp_path):
    """Of the made-up claims one waits for a GPU, so that the report says how long that takes."""
    made = synthetic_verdicts.make(tmp_path)
    read = looked_at(
        tmp_path / "config.yaml",
        "from rnnlimits.analysis import verdicts\n"
        f"verdicts.write(config, {str(made.claims)!r}, {str(made.details)!r}, {str(tmp_path / 'drawn')!r}, "
        f"{str(tmp_path / 'verdicts.html')!r})",
    )
    expected = ("architectures/lstm.py", "tasks/adding.py", "analysis/claims/checks/ratio.py")
    assert {catalog.PACKAGE / file for file in expected} <= read, "the hook sees nothing any more"
    assert read - known("verdicts") == set()


def test_the_report_knows_every_file_that_it_is_written_with(tmp_path):
    run = synthetic_run.make(tmp_path)
    read = looked_at(
        tmp_path / "config.yaml",
        "from rnnlimits.analysis import report\n"
        f"report.build(config, {str(run.tables)!r}, {str(run.figures)!r}, {str(run.claims)!r}, "
        f"{[str(path) for path in run.rows]!r})",
    )
    assert catalog.PACKAGE / "analysis/templates/report.html" in read, "the hook sees nothing any more"
    assert read - known("report") == set()


@pytest.mark.parametrize("product", ["tables", "claims"])
def test_what_rows_become_knows_every_file_that_it_is_made_with(product, tmp_path):
    rows, out = [str(LAPTOP / "rows.parquet")], str(tmp_path / "out")
    made = {
        "tables": f"tables.write({rows!r}, {out!r}, config.confidence)",
        "claims": f"claims.judge({rows!r}, config.claims_path, {out + '.csv'!r}, config, {out!r})",
    }
    program = f"from rnnlimits.analysis import {product}\n{made[product]}"
    read = looked_at(ROOT / "config" / "config.yaml", program)
    assert catalog.PACKAGE / "analysis" / product / "__init__.py" in read, "the hook sees nothing any more"
    # Claims read the rows with the module that makes the tables, which imports the tables and calls none.
    unused = known("tables") if product == "claims" else set()
    assert read - known(product) - unused == set()
