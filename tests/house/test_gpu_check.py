"""The check of a GPU, tried on the CPU: it passes there, and finds each mistake that is made on purpose."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from rnnlimits.architectures import kernels
from rnnlimits.planning import gpu_calibration, memory
from rnnlimits.training import cuda_graph
from rnnlimits.training.module import ReplicaTraining
from support.repository_copy import ROOT

FLOATS = [torch.float32, torch.float64]


def run(*arguments, folder):
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu_check.py"), *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def check(monkeypatch):
    """The modules of the check, which lie beside each other in benchmarks/."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu_check
    import gpu_jobs
    import gpu_shards
    import gpu_updates
    import gpu_values

    yield SimpleNamespace(
        main=gpu_check, jobs=gpu_jobs, shards=gpu_shards, updates=gpu_updates, values=gpu_values
    )
    for name in [name for name in sys.modules if name.startswith("gpu_") or name == "measuring"]:
        del sys.modules[name]


def test_without_a_gpu_it_says_so_in_one_line_and_fails(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    done = run("--out", str(tmp_path / "found.json"), folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "gpu_check: this machine offers no CUDA device; nothing was checked\n"
    assert list(tmp_path.iterdir()) == []


def test_on_the_cpu_all_of_it_passes_and_is_written_down(tmp_path):
    out = tmp_path / "new" / "found.json"
    done = run("--device", "cpu", "--quick", "--limit-s", "1000", "--out", str(out), folder=tmp_path)
    assert done.returncode == 0, done.stdout
    found = json.loads(out.read_text())
    assert {one["check"] for one in found["checks"]} == {
        "values", "loops", "recording", "bytes", "memory", "speed",
    }  # fmt: skip
    assert all(one["passed"] for one in found["checks"])
    assert len(found["checks"]) > 100
    assert found["verdict"] == f"all {len(found['checks'])} checks passed"
    assert done.stdout.endswith(f"gpu_check: {found['verdict']}\n")
    assert set(found["constants"]) == {"gpu_fixed", "gpu", "gpu_evaluation"}
    assert found["provenance"]["versions"]["torch"] == torch.__version__
    lines = [line for line in done.stdout.splitlines() if re.search(r"\| ok\b", line)]
    assert len(lines) == len(found["checks"])


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_kernel_with_a_wrong_output_is_found(check, dtype, monkeypatch):
    case = check.values.Case("gru", {}, 8, 4)
    assert check.values.of_page(case, dtype, "cpu").passed
    right = kernels.choose

    def wrong(kernel, x_RBTI, *arguments):
        def scan(*given, **how):
            y_RBTH, state = right(kernel, x_RBTI, *arguments)(*given, **how)
            return y_RBTH * 1.01, state

        return scan if right(kernel, x_RBTI, *arguments) else None

    monkeypatch.setattr(kernels, "choose", wrong)
    if right("gru", torch.empty(1, 1, 1, 1)) is None:
        pytest.skip("no compiled loops here")
    found = check.values.of_page(case, dtype, "cpu")
    assert not found.passed
    assert found.measured > found.bound
    assert "as trained" in found.note


def test_a_gradient_that_does_not_reach_the_state_handed_over_is_found(check, monkeypatch):
    leaky = check.values.Case("leaky", {}, 8, 4)
    monkeypatch.setattr(kernels, "choose", lambda *_: None)
    assert check.values.of_page(leaky, torch.float64, "cpu").passed
    page = type(check.values.layers_of(leaky, 1)[0])
    right = page.forward_replicas.__func__

    def cut(cls, layer, tensors_R, x_RBTI, state_R=None, *, last=False):
        # The reference is taken in plain operations: only what is "as trained" is spoilt.
        if state_R is not None and os.environ.get("RNNLIMITS_BACKEND") != "torch":
            state_R = tuple(part.detach() for part in state_R)
        return right(cls, layer, tensors_R, x_RBTI, state_R, last=last)

    monkeypatch.setattr(page, "forward_replicas", classmethod(cut))
    found = check.values.of_page(leaky, torch.float64, "cpu")
    assert not found.passed
    assert found.note.startswith("the gradient of state 0, from a state, as trained")


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_loop_with_a_wrong_gradient_is_found(check, dtype, monkeypatch):
    assert check.values.of_loop("elman", "batched", dtype, "cpu").passed
    right = kernels.cuda.Elman.backward

    def wrong(self, *given):
        d_RBG, du_RBG, *rest = right(self, *given)
        return d_RBG * 1.01, du_RBG, *rest

    monkeypatch.setattr(kernels.cuda.Elman, "backward", wrong)
    assert not check.values.of_loop("elman", "batched", dtype, "cpu").passed


def test_a_number_that_is_none_is_never_right(check):
    nothing, one = torch.tensor([float("nan")]), torch.ones(1)
    assert check.values.relative(nothing, one) == float("inf")
    assert check.values.relative(one, nothing) == float("inf")
    assert check.values.error({"y": one}, {"y": torch.ones(2)})[0] == float("inf")


def a_recording(check):
    name, shard = next(iter(check.updates.shards(12, 4)))
    (found,) = [check.updates.guarded("recording", name, lambda: check.updates.recorded(name, shard, "cpu"))]
    return found


def test_a_recording_that_is_not_replayed_or_cannot_be_made_is_found(check, monkeypatch):
    assert a_recording(check).passed
    monkeypatch.setattr(cuda_graph.Imitation, "replay", lambda self: None)
    assert not a_recording(check).passed

    def refuse(self, work):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(cuda_graph.Imitation, "record", refuse)
    found = a_recording(check)
    assert not found.passed
    assert found.note == "RuntimeError: operation not permitted when stream is capturing"


@pytest.fixture
def kind(check):
    name, shard = next(iter(check.shards.kinds(quick=True).items()))
    return name, shard


def test_jobs_that_do_not_repeat_themselves_are_found(check, kind, monkeypatch):
    right, calls = ReplicaTraining.gradients, []

    def unordered(self, *given):
        gradient_RP, *rest = right(self, *given)
        calls.append(None)
        return gradient_RP * (1 + 1e-6 * len(calls)), *rest

    equal, _ = check.jobs.bytes_and_memory(*kind, "cpu")
    assert equal.passed
    monkeypatch.setattr(ReplicaTraining, "gradients", unordered)
    equal, _ = check.jobs.bytes_and_memory(*kind, "cpu")
    assert not equal.passed
    assert equal.note == "two equal jobs gave different rows"


def test_an_estimate_that_is_too_small_is_found(check, kind, monkeypatch):
    monkeypatch.setattr(memory, "data", lambda *_, **__: -1e4)
    _, fits = check.jobs.bytes_and_memory(*kind, "cpu")
    assert not fits.passed
    assert fits.failed_as == "over"
    assert fits.measured > fits.bound


def test_a_job_that_needs_more_than_the_peak_shows_is_found(check, kind, monkeypatch):
    def too_little(mb, device):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(check.jobs, "at_most", too_little)
    equal, fits = check.jobs.bytes_and_memory(*kind, "cpu")
    assert equal.passed
    assert not fits.passed
    assert "ran out of memory" in fits.note


def test_a_job_that_is_far_slower_than_planned_is_found(check, kind, monkeypatch):
    right = ReplicaTraining.gradients

    def slow(self, *given):
        until_s = time.process_time() + 0.05
        while time.process_time() < until_s:
            pass
        return right(self, *given)

    monkeypatch.setattr(ReplicaTraining, "gradients", slow)
    found = check.jobs.speed(*kind, "cpu")
    assert not found.passed
    assert found.measured < 20 < found.bound


def only(check, monkeypatch, *found):
    """A check of these lines alone, on the CPU."""
    for part in (check.values, check.updates, check.jobs):
        monkeypatch.setattr(part, "checks", lambda *_: iter(()))
    monkeypatch.setattr(check.values, "checks", lambda *_: iter(found))
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--device", "cpu", "--quick"])


def test_one_mistake_is_enough_to_fail(check, monkeypatch, capsys):
    right = check.values.Found(check="values", what="elman", passed=True, measured=0.0, bound=1e-3)
    wrong = dataclasses.replace(right, what="gru", passed=False, note="the outputs")
    only(check, monkeypatch, right, wrong)
    assert check.main.main() == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "gpu_check: 1 of 2 checks failed"
    only(check, monkeypatch, right, right)
    assert check.main.main() == 0


def test_what_the_time_did_not_allow_counts_as_failed(check, monkeypatch, capsys):
    right = check.values.Found(check="values", what="elman", passed=True)
    only(check, monkeypatch, right, right, right)
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--limit-s", "-1"])
    assert check.main.main() == 1
    said = capsys.readouterr().out
    assert "not checked: the time was over after values of elman" in said
    assert said.endswith("gpu_check: 1 of 2 checks failed\n")


def test_the_constants_of_a_gpu_alone_are_kept(check, monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    only(check, monkeypatch, check.values.Found(check="values", what="elman", passed=True))
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--keep"])
    assert check.main.main() == 0
    assert list(tmp_path.iterdir()) == []
    kept = gpu_calibration.keep(check.jobs.constants("cpu", quick=True), "made-up GPU")
    assert json.loads(kept.read_text())["machine"]["gpu"] == "made-up GPU"
