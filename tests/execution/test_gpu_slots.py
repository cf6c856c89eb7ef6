"""Jobs of one run share out the GPUs by locks; a made-up list of GPUs is enough to see that."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from rnnlimits.execution import gpu_slots

HOLDER = """
import sys
from pathlib import Path
from rnnlimits.execution import gpu_slots
gpu_slots.LOOK_AGAIN_S = 0.02
with gpu_slots.slot(int(sys.argv[2]), Path(sys.argv[1])) as name:
    import os
    print(name, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Starts processes that take a slot, print their GPU and keep it until they are told or killed."""
    started = []

    def start(gpus: str, jobs_per_gpu: int = 1) -> subprocess.Popen:
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": gpus}
        command = [sys.executable, "-c", HOLDER, str(tmp_path), str(jobs_per_gpu)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen(command, env=environment, text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def gpu_of(process: subprocess.Popen) -> str:
    name, visible = process.stdout.readline().split()
    assert name == visible
    return name


@pytest.mark.parametrize("what", ["a folder that others may enter", "a file", "a link"])
def test_what_somebody_else_has_put_in_the_place_of_the_locks_is_told(monkeypatch, tmp_path, what):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    place = tmp_path / f"rnnlimits-gpus-{os.getuid()}"
    if what == "a file":
        place.touch()
    elif what == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
        place.chmod(0o777)
    told = (
        rf"^{place}: got .* of user {os.getuid()}; expected a folder of user {os.getuid()} that nobody else"
    )
    with pytest.raises(PermissionError, match=told), gpu_slots.slot():
        pass


def test_two_jobs_get_two_gpus_and_a_third_waits_for_the_first_to_end(holder):
    first, second = holder("0,1"), holder("0,1")
    taken = {gpu_of(first), gpu_of(second)}
    assert taken == {"0", "1"}
    third = holder("0,1")
    assert "all 2 GPU slots are taken" in third.stderr.readline()
    first.stdin.close()
    first.wait()
    assert gpu_of(third) in taken
    assert second.poll() is None


def test_a_killed_job_frees_its_slot(holder):
    first = holder("GPU-a")
    assert gpu_of(first) == "GPU-a"
    second = holder("GPU-a")
    assert "waiting for one" in second.stderr.readline()
    first.send_signal(signal.SIGKILL)
    assert gpu_of(second) == "GPU-a"


def test_more_jobs_on_a_gpu_only_where_the_config_says_so(holder):
    both = [gpu_of(holder("0", jobs_per_gpu=2)) for _ in range(2)]
    assert both == ["0", "0"]
    assert "all 2 GPU slots" in holder("0", jobs_per_gpu=2).stderr.readline()


def test_every_gpu_gets_its_first_job_before_one_gets_its_second(holder):
    assert {gpu_of(holder("0,1,2", jobs_per_gpu=2)) for _ in range(3)} == {"0", "1", "2"}


def test_many_jobs_at_once_never_hold_the_same_slot(tmp_path):
    # A folder can be made once only: a second holder of the same GPU would fail.
    job = (
        "import sys, time; from pathlib import Path; from rnnlimits.execution import gpu_slots;"
        "gpu_slots.LOOK_AGAIN_S = 0.01; context = gpu_slots.slot(folder=Path(sys.argv[1]));"
        "held = Path(sys.argv[1], 'held-' + context.__enter__());"
        "held.mkdir(); time.sleep(0.1); held.rmdir(); context.__exit__(None, None, None)"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0,1,2"}
    command = [sys.executable, "-c", job, str(tmp_path)]
    jobs = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(8)]
    assert [job.wait() for job in jobs] == [0] * 8


def test_the_environment_is_as_before_when_the_slot_is_given_back(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with gpu_slots.slot(folder=tmp_path) as name:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == name == "3"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,5"


def test_an_error_of_the_job_comes_through(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(BlockingIOError, match="of the job"), gpu_slots.slot(folder=tmp_path):
        raise BlockingIOError("of the job")


def test_without_a_gpu_there_is_nothing_to_wait_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with gpu_slots.slot(folder=tmp_path) as name:
        assert name is None
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_wants_a_gpu_for_itself_waits_for_those_that_share_it(holder):
    sharing = holder("0", jobs_per_gpu=2)
    assert gpu_of(sharing) == "0"
    alone = holder("0")
    assert "all 1 GPU slots are taken" in alone.stderr.readline()
    second = holder("0", jobs_per_gpu=2)
    assert gpu_of(second) == "0"
    for process in (sharing, second):
        process.stdin.close()
    assert gpu_of(alone) == "0"
    assert "all 2 GPU slots are taken" in holder("0", jobs_per_gpu=2).stderr.readline()


def test_runs_of_different_configs_share_out_the_same_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with gpu_slots.slot() as first:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # of the other run
        with gpu_slots.slot() as second:
            assert {first, second} == {"0", "1"}
    assert [folder.name for folder in tmp_path.iterdir()] == [f"rnnlimits-gpus-{os.getuid()}"]


def test_jobs_of_different_allocations_do_not_wait_for_each_other(monkeypatch):
    monkeypatch.setattr(gpu_slots, "own_names", tuple)
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    one = gpu_slots.place("0")
    monkeypatch.setenv("SLURM_JOB_ID", "2")
    assert gpu_slots.place("0") != one


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: GPU-1-a)'\necho 'GPU 1: B (UUID: GPU-2-b)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    gpu_slots.own_names.cache_clear()
    yield
    gpu_slots.own_names.cache_clear()


@pytest.mark.usefixtures("nvidia_smi")
def test_nvidia_smi_names_the_gpus(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu_slots.visible() == ["GPU-1-a", "GPU-2-b"]


@pytest.mark.usefixtures("nvidia_smi")
def test_a_gpu_is_the_same_by_its_number_and_by_its_name(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert gpu_slots.place("1") == gpu_slots.place("GPU-2-b") == gpu_slots.place("GPU-2")
    assert gpu_slots.place("0") != gpu_slots.place("1")
