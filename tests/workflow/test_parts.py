"""A shard in parts through Snakemake: the rows of the shard in one job, and nothing to do a second time."""

import pytest

from rnnlimits import rows
from rnnlimits.execution import job
from rnnlimits.planning import grid
from rnnlimits.planning.job import Job
from rnnlimits.planning.load import load
from support.repository_copy import fresh, planned_jobs, shell_lines

CONFIG = """\
name: split
results: results/split
split_hours: {hours}
studies:
  memory:
    title: Who remembers?
    kind: training
    tasks: {{adding: {{}}}}
    architectures: {{elman: {{}}}}
    lengths: [12]
    hidden_sizes: [6]
    seeds: 2
    keep_weights: {keep}
    learning_rates: [1e-2, 1e-3]
    budget: {{updates: 10, batch_size: 4, validate_every: 5, validation_sequences: 8, test_sequences: 8}}
"""
SHARD = "memory.adding.elman.h6.t12"
ROWS = f"results/split/rows/{SHARD}.parquet"
RUN = (ROWS, "--configfile", "config/split.yaml")


# On the worker of the pipeline's tests, so that no more Snakemakes run at once than there are cores.
@pytest.mark.xdist_group("pipeline")
def test_a_split_shard_is_trained_once_whatever_becomes_of_the_hours(tmp_path):
    copy = fresh(tmp_path / "copy")
    config = copy.folder / "config/split.yaml"
    config.write_text(CONFIG.format(hours=1e-9, keep="all"))
    printed = copy.snakemake(*RUN, "--dry-run").stdout
    assert planned_jobs(printed) == {"train_part": 2, "join_parts": 1}
    assert ["--seeds" in line for line in shell_lines(printed, "train")] == [True, True, False]
    copy.snakemake(*RUN)

    (shard,) = grid.shards(load(config))
    job.run(Job(shard=shard, out=tmp_path / "whole.parquet", keep_weights="all"))
    joined = copy.folder / ROWS
    weights = joined.with_suffix(".safetensors")
    assert weights.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert rows.content_digest(joined) == rows.content_digest(tmp_path / "whole.parquet")
    assert [part["seeds"] for part in rows.facts_of(joined, SHARD)["parts"]] == ["0-0", "1-1"]
    assert not list(copy.folder.glob("results/split/parts/*/*"))
    logs = {path.name for path in copy.folder.glob("results/split/logs/*")}
    assert logs == {f"{SHARD}.log", f"{SHARD}.seeds_0-0.log", f"{SHARD}.seeds_1-1.log"}

    # What is done stays done, also where the weights have gone, or others are asked for.
    weights.unlink()
    config.write_text(CONFIG.format(hours="null", keep="chosen"))
    assert "Nothing to be done" in copy.snakemake(*RUN, "--dry-run").stdout
