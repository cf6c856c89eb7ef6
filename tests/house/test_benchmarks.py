"""Every benchmark runs with tiny sizes and prints its table; no number of it decides anything."""

import os
import re
import subprocess
import sys

import pytest

from support.repository_copy import ROOT

BENCHMARKS = ROOT / "benchmarks"
NUMBER = r"\d+\.\d+"
# A line of the table of each: without it a benchmark has measured nothing.
TABLES = {
    "training_step.py": rf"lstm +100 +32 +32 \| +{NUMBER} +{NUMBER} +{NUMBER} \| +{NUMBER}x",
    "own_page.py": rf"10 +4 +3 \| +{NUMBER} +{NUMBER} +{NUMBER} \| +{NUMBER} +{NUMBER}",
    "whole_job.py": rf"all +\| +{NUMBER} +{NUMBER} +{NUMBER}x",
    "cost_growth.py": rf"largest exponent in T or R: {NUMBER}",
}


def run(script, *arguments, folder):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("script", TABLES)
def test_a_benchmark_prints_its_table(script, tmp_path):
    done = run(script, "--quick", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(TABLES[script], done.stdout), done.stdout
    assert any("one thread" in line for line in done.stdout.splitlines()[:2])  # the machine, in one line
    if script == "cost_growth.py":
        assert (tmp_path / "results" / "benchmarks" / "cost_growth.svg").exists()
    if script == "whole_job.py":
        architectures = re.findall(r"^(\w+) +6 \|.*\| (?:yes|NO)$", done.stdout, re.MULTILINE)
        assert architectures == ["elman", "gru", "lstm"]


def test_the_benchmark_of_growth_sends_the_archive_through_every_command(tmp_path):
    done = run("cost_growth.py", "--rows", "--copies", "1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^ +1 +\d{{6}} \|( +{NUMBER} +\d+){{4}}$", done.stdout, re.MULTILINE), done.stdout


def test_the_benchmark_of_scale_sends_every_shard_through_the_workflow(tmp_path):
    done = run("scale.py", "--quick", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(
        rf"^ +40 \| +{NUMBER} +\d+ \|( +[\d.]+){{6}} \| +{NUMBER} +\d+$", done.stdout, re.MULTILINE
    )
    assert "results/rows 40, results/logs 45," in done.stdout


@pytest.mark.parametrize("script", [*TABLES, "alternative.py", "gpu_check.py", "scale.py"])
def test_a_benchmark_says_what_it_does(script, tmp_path):
    done = run(script, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "python benchmarks/" + script in done.stdout
