"""What differs where a job trains on a GPU, as far as it shows without one: by torch's `meta` device."""

import os

import pytest
import torch

from rnnlimits import catalog
from rnnlimits.architectures import kernels
from rnnlimits.architectures.kernels import replay
from rnnlimits.execution import out_of_memory
from rnnlimits.planning import memory
from rnnlimits.planning.config.budget import Budget
from rnnlimits.training import device, groups, module, protocol
from rnnlimits.training.build import set_up
from rnnlimits.training.module import ReplicaTraining
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas, stack
from rnnlimits.training.trainer import fit
from support.small_shards import BUDGET, a_job, a_shard, budgeted

META = torch.device("meta")
OPTIONS = {"stacked": {"of": "gru", "layers": 2}}


@pytest.fixture
def switches(monkeypatch):
    """Whatever a test asks of torch is taken back."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "asked before")
    products = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    fills, threads = torch.utils.deterministic.fill_uninitialized_memory, torch.get_num_threads()
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = products
    torch.backends.cudnn.deterministic = False
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = fills
    torch.set_num_threads(threads)


def test_on_a_gpu_torch_is_told_to_repeat_its_sums_or_to_refuse(switches, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    device.prepare("cuda", tf32=False)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert torch.backends.cudnn.deterministic
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_on_the_cpu_torch_is_told_nothing_of_the_kind(switches):
    device.prepare("cpu", tf32=False)
    assert not torch.are_deterministic_algorithms_enabled()


def test_what_trains_nothing_needs_no_gpu_and_says_that_it_ran_on_the_cpu():
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    probed = a_shard(budget=BUDGET | {"updates": 0}, probes={"gradient_reach": {"sequences": 2}})
    found, provenance = protocol.run(a_job(probed, device="cuda"))
    assert provenance["device"].startswith("cpu: ")
    assert found == protocol.run(a_job(probed))[0]


class SeenError(Exception):
    """Carries the devices on which an evaluation was asked for."""


def seen(models, task, which, theta_RP, sets):
    raise SeenError(theta_RP.device, models.frozen_RQ.device)


def test_the_validation_before_the_first_update_runs_where_training_does(monkeypatch):
    setup = set_up(a_shard())
    replicas = [Replica(seed, 1e-2) for seed in setup.tasks]
    models = Replicas(list(setup.models.values()))
    training = ReplicaTraining(models, replicas, setup.tasks, {}, setup.budget)
    training.validation = {seed: [] for seed in setup.tasks}
    monkeypatch.setattr(module, "evaluate", seen)
    with pytest.raises(SeenError) as found:
        fit(training, "meta", None)
    assert found.value.args == (META, META)


@pytest.mark.parametrize("last", [False, True])
def test_the_test_split_is_read_where_training_ran(last, monkeypatch):
    setup = set_up(a_shard())
    weights = Replicas(list(setup.models.values())).theta(range(len(setup.models))).detach()
    replicas = [Replica(seed, 1e-2, best_theta_P=row, last_theta_P=row) for seed, row in enumerate(weights)]
    monkeypatch.setattr(groups, "evaluate", seen)
    with pytest.raises(SeenError) as found:
        groups.read_test(setup, replicas, last, "meta")
    assert found.value.args == (META, META)

    asked = []
    monkeypatch.setattr(groups, "read_test", lambda setup, replicas, *how: asked.append(how) or replicas)
    trained = protocol.Trained(replicas=replicas, chosen_rate=1e-2, groups=[2, 1])
    for on in ("cuda", "cpu"):
        protocol.read_test(a_job(setup.shard, device=on), setup, trained, last)
    assert asked == [(last, "cuda")] * 2 + [(last, "cpu")] * 2


def test_the_memory_of_a_recorded_update_stays_while_an_evaluation_takes_its_own(monkeypatch):
    monkeypatch.setenv("RNNLIMITS_BACKEND", "torch")  # the CPU's estimate is then of the same operations
    shard = a_shard("gru", hidden_size=64, length=200, budget=BUDGET | {"batch_size": 100})

    def more(on, **budget):
        return memory.data(budgeted(shard, **budget), device=on) - memory.data(shard, device=on)

    evaluated = {"validation_sequences": 90, "test_sequences": 90}
    assert more("cpu", **evaluated) < 1  # MiB, of the sequences alone
    assert more("cuda", **evaluated) > 20
    assert more("cuda", batch_size=200) > more("cpu", batch_size=200) > 20
    whole = a_job(shard, device="cuda", memory_mb=memory.data(shard, device="cuda") - 1)
    assert groups.sizes_that_fit(shard, whole) == [2, 1]


def test_a_job_that_ran_out_of_a_gpu_s_memory_is_told_what_it_was_estimated_to_need_there(monkeypatch):
    shard = a_shard("gru", hidden_size=64, length=200)
    monkeypatch.setattr(groups, "memory_of", lambda job: memory.data(shard, 2, "cuda"))
    said = out_of_memory.remedy(a_job(shard, device="cuda"))
    assert said.startswith(
        f"2 replicas at once were estimated at {memory.data(shard, 2, 'cuda'):.0f} MB; set"
    )


def for_a_gpu(kernel, x_RBTI, *arguments):
    """The loops that `kernels.choose` takes there, in plain operations."""
    if kernel in kernels.PRODUCTS:
        return kernels.KERNELS[kernel].scan
    return kernels.cuda.LOOPS.get((kernel, "batched"))


@pytest.mark.parametrize("task", ["adding", "character_language_model", "parity"])
@pytest.mark.parametrize("page", catalog.names("architectures"))
def test_an_update_computes_where_its_weights_are_and_reads_nothing(page, task, monkeypatch):
    # Tensors of `meta` have no values: whoever reads one, or mixes it with one of the CPU, is refused.  So
    # would be a CUDA graph.
    monkeypatch.setattr(kernels, "choose", for_a_gpu)
    monkeypatch.setattr(replay, "traced", lambda *_: None)  # its trial, which compares, is never recorded
    given = {"embedding": 5, "characters": 2000} if task == "character_language_model" else {}
    options = {"task_options": given, "architecture_options": OPTIONS.get(page, {})}
    setup = set_up(a_shard(page, task, 12, **options))
    replicas = [Replica(seed, 1e-2) for seed in setup.tasks]
    models = Replicas(list(setup.models.values()))
    training = ReplicaTraining(models, replicas, setup.tasks, {}, Budget(**BUDGET | {"clip_value": 1.0}))
    theta_RP = models.theta(range(len(replicas))).detach()
    batch = stack([next(stream) for stream in training.streams.values()], theta_RP)
    parts = theta_RP, models.frozen_RQ, batch.x, batch.target, batch.mask_BT, batch.asked_BA
    there = [None if part is None else part.to(META) for part in parts]
    gradient_RP, _, *state = training.gradients(*there)
    assert gradient_RP.shape == theta_RP.shape
    if batch.carry:
        gradient_RP, _, *state = training.gradients(*there, None, None, *state)
    assert {part.device for part in (gradient_RP, *state)} == {META}
