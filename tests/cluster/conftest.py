"""Runs under `tests/cluster/slurm.sh during`, which `make test-cluster` calls."""

import fcntl
import json
from pathlib import Path

import pytest

from support.cluster import Submitted, slurm


@pytest.fixture(scope="session", autouse=True)
def cluster():
    with Path("/etc/slurm/slurm.conf").open() as settings:
        assert "tests/cluster/slurm.sh of rnnlimits" in settings.readline(), "start it with slurm.sh during"
    assert "n1" in slurm("sinfo", "--noheader", "--Node", "--format", "%N")


def local_rows(config: str, tmp_path_factory, worker_id: str) -> dict[str, str]:
    """The digests of a run without SLURM; one worker makes it, the others wait."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder = shared / f"local-{Path(config).stem}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder.with_suffix(".json")
        if not kept.exists():
            run = Submitted(folder)
            run.copy.snakemake(*run.targets(config), "--configfile", config)
            kept.write_text(json.dumps(run.digests()))
        return json.loads(kept.read_text())


@pytest.fixture(scope="session")
def local_one(tmp_path_factory, worker_id):
    return local_rows("config/tested.yaml", tmp_path_factory, worker_id)


@pytest.fixture(scope="session")
def local_smoke(tmp_path_factory, worker_id):
    return local_rows("config/smoke.yaml", tmp_path_factory, worker_id)


@pytest.fixture
def submitted(tmp_path):
    run = Submitted(tmp_path / "copy")
    yield run
    run.end()
