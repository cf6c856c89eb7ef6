"""Snakemake's screen: found by its name, silent where Snakemake's own words are asked for."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

pytest.importorskip("snakemake")

import snakemake_logger_plugin_rnnlimits as plugin
from support.repository_copy import fresh


def test_a_missing_slurm_plugin_is_one_line(tmp_path):
    if find_spec("snakemake_executor_plugin_slurm"):
        pytest.skip("it is not missing here")
    for asked in (("--workflow-profile", "slurm"), ("--workflow-profile=profiles/slurm/",), ("-e", "slurm")):
        with pytest.raises(SystemExit, match="plugin for SLURM is not installed here; install it with `pip "):
            plugin.refuse_without_executor(["snakemake", *asked])
    plugin.refuse_without_executor(["snakemake", "--cores", "2", "slurm"])


def test_snakemake_tells_both_missing_things_in_one_line(tmp_path):
    run = fresh(tmp_path)
    missing = "--configfile config/nope.yaml: there is no such file; those that come with it are in config/"
    for options in ((), ("--dry-run",)):
        done = run.snakemake(*options, "--configfile", "config/nope.yaml", check=False)
        assert done.returncode == 1
        assert done.stdout.splitlines()[1:] == [missing], "the first line names the profile"
    if not find_spec("snakemake_executor_plugin_slurm"):
        done = run.snakemake("--workflow-profile", "slurm", check=False)
        assert (done.returncode, done.stdout.count("\n")) == (1, 1)


def test_it_loads_nothing_of_the_package_until_a_run_begins():
    program = (
        "import sys, snakemake_logger_plugin_rnnlimits\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'rnnlimits'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
