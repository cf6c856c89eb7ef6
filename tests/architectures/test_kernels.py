"""The compiled loops against plain PyTorch: same values and gradients, and out of the way when they fail."""

import importlib
import itertools
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from rnnlimits.architectures import kernels
from support.loop_inputs import ELMAN, LINEAR, OLD, PAGES, inputs_of
from support.small_disk import filled, mounted

# Shape letters: R replicas, T time steps, B sequences, H hidden units, G = H, 3H or 4H gate values.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
CELLS = [*ELMAN, "gru", "lstm", *OLD, *PAGES, *LINEAR]
# Of these the last output comes from products of other shapes than all outputs do.
READ_APART = {"linear_recurrent_unit", "diagonal_state_space", "selective_state_space"}

LOOPS_OF_THEIR_OWN = [
    "lstm_1997", "long_expressive_memory", "independent", "leaky", "coupled_oscillatory",
]  # fmt: skip

if os.environ.get("RNNLIMITS_BACKEND") == "torch":
    pytest.skip("the compiled loops are switched off", allow_module_level=True)
pytest.importorskip("numba")


def before_the_state(cell, tensors):
    """How many tensors are inputs and weights."""
    if cell in PAGES:
        return 1 + len(PAGES[cell].weights(1, 1, 1))
    return len(tensors) - 1 if cell in LINEAR else 5 if cell == "gru" else 4


def run(cell, tensors, scan="scan", start_from_state=True, **options):
    name, more = cell.removesuffix("_truncated"), OLD.get(cell, ())
    if cell in ELMAN:
        name, more = "elman", (cell,)
    if cell in PAGES:
        name, more = PAGES[cell].kernel, PAGES[cell].arguments
    if cell in LINEAR:
        name, more, _ = LINEAR[cell]
    weights = before_the_state(cell, tensors)
    state = tuple(tensors[weights:]) if start_from_state else None
    return getattr(kernels.KERNELS[name], scan)(*tensors[:weights], state, *more, **options)


def everything(cell, tensors, scan="scan"):
    """Outputs, last state, and the gradient of a loss that sees both, with respect to every input."""
    y_RBTH, state = run(cell, tensors, scan)
    wave_RBTH = torch.arange(y_RBTH.numel(), dtype=y_RBTH.dtype).sin().view(y_RBTH.shape)
    loss = (wave_RBTH * y_RBTH).sum() + sum(part.square().sum() for part in state)
    return [y_RBTH, *state, *torch.autograd.grad(loss, tensors, materialize_grads=True)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("R", [1, 3, 5])
@pytest.mark.parametrize(("B", "T", "H"), [(1, 1, 1), (5, 1, 7), (1, 17, 33), (5, 17, 7), (5, 17, 33)])
def test_values_and_gradients_equal_those_of_the_plain_loop(cell, dtype, R, B, T, H):
    tensors = inputs_of(cell, R, B, T, H, dtype)
    for ours, theirs in zip(everything(cell, tensors), everything(cell, tensors, "plain_scan"), strict=True):
        size = torch.cat([theirs.detach().abs().flatten(), theirs.new_ones(1)]).max()  # it may be empty
        torch.testing.assert_close(ours / size, theirs / size, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize(
    ("cell", "theirs"), [("tanh", torch.nn.RNN), ("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)]
)
def test_the_cells_are_those_of_torch(cell, theirs):
    tensors = inputs_of(cell, R=1, B=4, T=9, H=6, dtype=torch.float64)
    layer = theirs(3, 6, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_ih_l0[:], layer.bias_ih_l0[:], layer.weight_hh_l0[:] = (tensors[k][0] for k in (1, 2, 3))
        layer.bias_hh_l0.zero_()
        if cell == "gru":
            layer.bias_hh_l0[12:] = tensors[4][0]
    torch.testing.assert_close(run(cell, tensors, start_from_state=False)[0][0], layer(tensors[0][0])[0])


@pytest.mark.parametrize("cell", CELLS)
def test_the_last_output_alone_is_the_last_of_all(cell):
    tensors = inputs_of(cell, R=2, B=3, T=7, H=5, dtype=torch.float64)
    whole_RBTH, whole_state = run(cell, tensors)
    last_RBTH, last_state = run(cell, tensors, last=True)
    if cell in READ_APART:
        torch.testing.assert_close(last_RBTH, whole_RBTH[:, :, -1:], rtol=1e-10, atol=1e-10)
    else:
        assert torch.equal(last_RBTH, whole_RBTH[:, :, -1:])
    assert all(torch.equal(*pair) for pair in zip(last_state, whole_state, strict=True))
    gradients = [torch.autograd.grad(y.square().sum(), tensors) for y in (last_RBTH, whole_RBTH[:, :, -1:])]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("cell", CELLS)
def test_a_second_backward_pass_gives_the_same_gradients(cell):
    tensors = inputs_of(cell, R=2, B=3, T=7, H=5, dtype=torch.float64)
    loss = run(cell, tensors)[0].square().sum()
    first = torch.autograd.grad(loss, tensors, retain_graph=True)
    assert all(torch.equal(*pair) for pair in zip(first, torch.autograd.grad(loss, tensors), strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_two_halves_with_the_state_handed_over_equal_the_whole(cell):
    x_RBTI, *others = inputs_of(cell, R=2, B=3, T=10, H=5, dtype=torch.float64)
    whole, _ = run(cell, [x_RBTI, *others])
    first, state = run(cell, [x_RBTI[:, :, :4], *others])
    weights = others[: before_the_state(cell, [x_RBTI, *others]) - 1]
    second, _ = run(cell, [x_RBTI[:, :, 4:], *weights, *state])
    torch.testing.assert_close(torch.cat([first, second], 2), whole)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("cell", CELLS)
def test_the_same_call_gives_the_same_bytes(cell, dtype):
    tensors = inputs_of(cell, R=3, B=5, T=17, H=33, dtype=dtype)
    for first, second in zip(everything(cell, tensors), everything(cell, tensors), strict=True):
        assert first.detach().numpy().tobytes() == second.detach().numpy().tobytes()


@pytest.mark.parametrize("cell", CELLS)
def test_replicas_do_not_see_each_other(cell):
    tensors = inputs_of(cell, R=3, B=5, T=17, H=7, dtype=torch.float32)
    alone = run(cell, [tensor[1:2] for tensor in tensors])[0]
    assert torch.equal(run(cell, tensors)[0][1:2], alone)


@pytest.mark.parametrize("cell", CELLS)
def test_a_nan_stays_in_its_replica_and_is_not_lost(cell):
    tensors = inputs_of(cell, R=2, B=2, T=4, H=5, dtype=torch.float32)
    with torch.no_grad():
        tensors[0][0, 0, 1, 0] = math.nan
    y_RBTH, _ = run(cell, tensors)
    units = slice(1) if cell == "linear" else slice(None)  # there each coordinate is on its own
    assert y_RBTH[0, 0, 1:, units].isnan().all()
    assert not y_RBTH[1].isnan().any()


def test_a_modrelu_without_input_stays_at_zero_and_passes_no_gradient():
    shapes = (2, 3, 4, 1), (2, 5, 1), (2, 5), (2, 10), (2, 3, 5)
    tensors = [torch.full(shape, 0.5, dtype=torch.float64) for shape in shapes]
    for zero in (tensors[0], tensors[4]):
        zero.zero_()
    tensors = [tensor.requires_grad_() for tensor in tensors]
    y_RBTH, *others = everything("orthogonal_modrelu", tensors)
    assert not any(part.any() for part in (y_RBTH, *others))
    torch.testing.assert_close([y_RBTH, *others], everything("orthogonal_modrelu", tensors, "plain_scan"))


@pytest.mark.parametrize("start_from_state", [True, False])
@pytest.mark.parametrize("T", [1, 4, 7, 8, 13])
def test_blocks_of_steps_of_any_length_add_up_to_the_whole(monkeypatch, T, start_from_state):
    monkeypatch.setattr(kernels.KERNELS["diagonal_state_space"], "LONGEST_BLOCK", 4)
    tensors = inputs_of("diagonal_state_space", R=2, B=3, T=T, H=5, dtype=torch.float64)
    found = []
    for scan in ("scan", "plain_scan"):
        y_RBTH, (h_RBHN2,) = run("diagonal_state_space", tensors, scan, start_from_state)
        loss = y_RBTH.sin().sum() + h_RBHN2.square().sum()
        found.append([y_RBTH, h_RBHN2, *torch.autograd.grad(loss, tensors, materialize_grads=True)])
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


def test_what_comes_later_has_no_share_in_an_output_not_even_one_of_rounding():
    tensors = inputs_of("diagonal_state_space", R=1, B=1, T=100, H=5, dtype=torch.float64)
    y_RBTH, _ = run("diagonal_state_space", tensors)
    for t in (0, 30, 70):
        (dx_RBTI,) = torch.autograd.grad(y_RBTH[:, :, t].sum(), tensors[0], retain_graph=True)
        assert dx_RBTI[:, :, : t + 1].all()
        assert not dx_RBTI[:, :, t + 1 :].any()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("forget", [-1000.0, 0.0, 1000.0])
@pytest.mark.parametrize("let_in", [-1000.0, 0.0, 1000.0])
def test_gates_of_a_minimal_lstm_that_are_shut_or_open_to_the_last_digit_stay_finite(forget, let_in, dtype):
    tensors = inputs_of("minimal_lstm", R=2, B=3, T=7, H=5, dtype=dtype)
    with torch.no_grad():
        tensors[2].fill_(forget)
        tensors[4].fill_(let_in)
    ours, theirs = (everything("minimal_lstm", tensors, scan) for scan in ("scan", "plain_scan"))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=100 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_selective_state_space_may_forget_all_in_a_step(dtype):
    tensors = inputs_of("selective_state_space", R=2, B=3, T=40, H=5, dtype=dtype)
    with torch.no_grad():  # to a step's size, before softplus
        tensors[7] += torch.tensor([1e4, 100.0, 10.0, -10.0, -100.0], dtype=dtype)
    found = (everything("selective_state_space", tensors, scan) for scan in ("scan", "plain_scan"))
    for ours, theirs in zip(*found):
        size = max(1.0, theirs.abs().max().item())
        torch.testing.assert_close(ours / size, theirs / size, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 2e-7), (torch.float64, 5e-16)])
@pytest.mark.parametrize("f", ["tanh", "sigmoid"])
def test_tanh_and_sigmoid_keep_their_digits_from_the_smallest_to_the_largest(f, dtype, bound):
    size = torch.logspace(-30, 1.9, 4001, dtype=torch.float64)
    x = torch.cat([-size, size, torch.tensor([0.0, math.inf, -math.inf])]).to(dtype)
    zero = torch.zeros(
        1, 1, 1, dtype=dtype
    )  # one hidden unit, W = 1, and one step from a state of 0: y = f(x)
    y, _ = kernels.elman.scan(x.view(1, -1, 1, 1), zero + 1, zero[0], zero, None, f)
    exact = getattr(torch, f)(x.double()).to(dtype) if dtype == torch.float32 else getattr(torch, f)(x)
    kept = exact.abs() > torch.finfo(dtype).tiny * 1e3  # below, digits are lost whoever computes
    torch.testing.assert_close(y.flatten()[kept], exact[kept], rtol=bound, atol=0)


def test_the_trial_passes_here_and_names_its_backend():
    assert all(kernels.available(kernel) for kernel in kernels.KERNELS)
    assert kernels.backend("lstm").startswith("numba-")
    assert kernels.backend("diagonal_state_space") == "torch-blocks"
    assert kernels.made_for("diagonal_state_space") == ""


@pytest.mark.parametrize(
    ("kernel", "x"),
    [
        ("perceptron", None),
        ("gru", torch.zeros(1, dtype=torch.bfloat16)),
        ("gru", torch.zeros(1, device="meta")),
    ],
)
def test_what_has_no_compiled_loop_is_left_to_torch(kernel, x):
    assert not kernels.available(kernel, x)


def test_a_variable_switches_the_loops_off(monkeypatch):
    monkeypatch.setenv("RNNLIMITS_BACKEND", "torch")
    assert not kernels.available()
    assert kernels.backend() == kernels.backend("diagonal_state_space") == "torch"


def crashes(*arguments):
    raise RuntimeError("no such instruction")


def computes_zeros(*arguments):
    # Not nothing: the memory that it is given may still hold what another trial computed there.
    for array in arguments:
        if isinstance(array, np.ndarray):
            array.fill(0)


@pytest.mark.parametrize(
    ("kernel", "page", "loop"),
    [
        *itertools.product(["gru"], ["loops"], ["forward", "backward"]),
        *((page, f"loops_{page}", "forward") for page in LOOPS_OF_THEIR_OWN),
        *((page, f"loops_{page}", "backward") for page in LOOPS_OF_THEIR_OWN),
        ("minimal_gru", "loops_linear", "minimal"), ("minimal_lstm", "loops_linear", "minimal_back"),
        ("linear", "loops_linear", "linear"), ("linear_recurrent_unit", "loops_linear", "linear_back"),
        ("selective_state_space", "loops_selective", "forward"),
        ("selective_state_space", "loops_selective", "backward"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("failure", [crashes, computes_zeros])
def test_a_loop_that_fails_its_trial_is_not_used_and_told(monkeypatch, capsys, kernel, page, loop, failure):
    loops = importlib.import_module(f"rnnlimits.architectures.kernels.{page}")
    monkeypatch.setattr(loops, loop, failure)
    kernels.passes_trial.cache_clear()
    try:
        assert kernels.backend(kernel) == "torch"
        told = capsys.readouterr().err
        assert told.startswith(f"compiled loops: {kernel} in float32 runs in plain PyTorch, slower and with ")
        assert told.count("\n") == 1
    finally:
        kernels.passes_trial.cache_clear()


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_without_numba_torch_stands_in(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('poisoned')")
    code = "from rnnlimits.architectures import kernels; print({*map(kernels.backend, kernels.KERNELS)})"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    # That of the diagonal state space is made of products of torch and needs no compiler.
    assert eval(python(code, PYTHONPATH=path)) == {"torch", "torch-blocks"}


def test_another_process_finds_what_one_has_compiled(tmp_path):
    code = (
        "from rnnlimits.architectures import kernels; kernels.available();"
        "from rnnlimits.architectures.kernels import loops;"
        "print(sum(loops.forward.stats.cache_misses.values()), sum(loops.backward.stats.cache_hits.values()))"
    )
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "1 0"
    assert python(code, NUMBA_CACHE_DIR=str(tmp_path)) == "0 1"


KEPT = (
    "import hashlib, torch; from rnnlimits.architectures import kernels;"
    "from rnnlimits.architectures.kernels import elman, loops;"
    "made = kernels.trial('elman', torch.float32, elman.scan);"
    "made = b''.join(one.detach().numpy().tobytes() for one in made);"
    "print(kernels.backend(), hashlib.sha256(made).hexdigest(),"
    "sum(loops.forward.stats.cache_hits.values()), sum(loops.backward.stats.cache_hits.values()))"
)


def kept(folder) -> tuple[list[str], str]:
    """What runs the loop, the digest of its numbers, and whether the loops were found; and what was said."""
    done = subprocess.run(
        [sys.executable, "-c", KEPT],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split(), done.stderr


def test_a_damaged_cache_is_told_and_mended_and_changes_no_number(tmp_path):
    (backend, digest, *found), said = kept(tmp_path)
    assert (backend[:6], found, said) == ("numba-", ["0", "0"], "")
    (index,) = tmp_path.rglob("loops.forward-*.nbi")
    index.write_bytes(b"")
    (code,) = tmp_path.rglob("loops.backward-*.nbc")
    whole = code.read_bytes()
    code.write_bytes(whole[:999] + bytes([whole[999] ^ 1]) + whole[1000:])
    assert kept(tmp_path) == (
        [backend, digest, "0", "0"],
        f"compiled loops: {index}: damaged; compiled anew\ncompiled loops: {code}: damaged; compiled anew\n",
    )
    assert kept(tmp_path) == ([backend, digest, "1", "1"], "")


def test_a_cache_without_room_is_told_and_the_loops_still_run(tmp_path):
    with mounted(tmp_path / "disk") as disk, filled(disk):
        (backend, *_), said = kept(disk)
    assert backend.startswith("numba-")
    assert said.count("\n") == 1
    assert ": cannot be written (No space left on device); compiled in every process; make room, or" in said


def test_loops_that_an_edit_left_behind_are_not_used(tmp_path):
    """numba takes them for current where the source has the same size and the same time."""
    source = tmp_path / "page.py"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numba\n"
        "from rnnlimits.architectures.kernels import compile_cache\n"
        "import page; print(compile_cache.keep(numba.njit(page.number))())"
    )
    printed = []
    for text in ("A = 1\ndef number(): return A\n", "A = 2\ndef number(): return A\n"):
        source.write_text(text)
        os.utime(source, (1_000_000_000, 1_000_000_000))
        line = [sys.executable, "-B", "-c", program, str(tmp_path)]
        printed.append(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
    assert printed == ["1\n", "2\n"]


def test_where_nothing_can_be_written_the_loops_still_run():
    code = (
        "from numba.core import caching; caching.CacheImpl._locator_classes.clear();"
        "from rnnlimits.architectures import kernels; print(kernels.backend())"
    )
    assert python(code).startswith("numba-")


def test_an_edit_of_any_file_beside_a_loop_gives_it_another_stamp(tmp_path):
    from rnnlimits.architectures.kernels import compile_cache

    stamps = set()
    for name, text in [("loops.py", "1"), ("loop_math.py", "2"), ("loop_math.py", "3"), ("loops.py", "4")]:
        (tmp_path / name).write_text(text)
        stamps.add(compile_cache.stamp_of(tmp_path))
    assert len(stamps) == 4
