# The plan: the same light code as behind `rnnlimits plan`, so the workflow and the command line cannot disagree.
#
# There is no `configfile:` on purpose: it would merge the file given with --configfile into the default one, key by
# key, and the commands, which read one file, would see another config than the workflow.
from pathlib import Path

from rnnlimits import catalog
from rnnlimits.execution import (
    outcome,
    part_plan,
    pipeline,
    prefork,
    run_events,
    run_lock,
    run_progress,
)
from rnnlimits.planning import planned

# Only the first job pays for importing torch; a cluster's job is alone where it runs.
prefork.offer(to_many_jobs=workflow.is_main_process)

CONFIG_FILE, CONFIG, SHARDS = pipeline.plan(
    workflow.config_settings, workflow.is_main_process
)

RESULTS = CONFIG.results
PARTS = part_plan.planned(CONFIG, SHARDS)
LOCK = run_lock.RunLock(RESULTS)
ARCHIVE = f"results/archive/{CONFIG.name}"
REBUILT = f"{RESULTS}/from_archive"

ENVIRONMENT = "../../environment.yml"


def rows_of(shards):
    """The rows files of some shards."""
    return expand(f"{RESULTS}/rows/{{shard}}.parquet", shard=shards)


def folder(files):
    """The folder that a command writes its files into."""
    return str(Path(files[0]).parent)
