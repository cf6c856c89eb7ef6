"""The file that a killed training goes on from: whole, for this job and this code, or not used at all."""

import re

import pytest
import torch

from rnnlimits.training.checkpoints import Checkpoint, RefusedError, load, write

MADE_FOR = {"spec": "3f" * 32, "code": "9a" * 32, "groups": [5], "device": "cpu"}
STATE = {"groups": {0: {"done": 7, "weights": [torch.arange(3.0)], "replicas": [{"best": float("nan")}]}}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoints" / "a.shard.checkpoint"
    write(path, STATE, MADE_FOR)
    return path


def test_what_was_written_is_read(path):
    group = load(path, MADE_FOR)["groups"][0]
    assert group["done"] == 7
    assert group["weights"][0].tolist() == [0.0, 1.0, 2.0]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_no_flipped_bit_goes_unnoticed(path):
    whole = path.read_bytes()
    for place in [*range(400), *range(400, len(whole), 37)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        with pytest.raises(RefusedError):
            load(path, MADE_FOR)


def test_no_truncation_goes_unnoticed(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 53), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(RefusedError, match="damaged"):
            load(path, MADE_FOR)


@pytest.mark.parametrize(("part", "other"), [("spec", "77" * 32), ("code", "77" * 32), ("groups", [3, 2])])
def test_the_checkpoint_of_another_job_is_refused_and_the_difference_is_told(path, part, other):
    with pytest.raises(RefusedError, match=rf"made for another job \({part} .*, now "):
        load(path, MADE_FOR | {part: other})


MACHINE = {"processor": "EPYC 7763", "loops": "numba-0.68.1", "variables": ""}


@pytest.mark.parametrize(
    ("part", "other"),
    [("processor", "EPYC 9654"), ("loops", "torch"), ("variables", "OPENBLAS_CORETYPE=Nehalem")],
)
def test_the_checkpoint_of_a_machine_that_rounds_differently_is_not_gone_on_from(
    tmp_path, capsys, part, other
):
    path = tmp_path / "a.checkpoint"
    write(path, STATE | {"seconds": 1.0, "resumed_from_updates": []}, MADE_FOR | MACHINE)
    here = MADE_FOR | MACHINE | {part: other}
    told = f"{path}: made where numbers are rounded differently ({part} {MACHINE[part]}, now {other})"
    with pytest.raises(
        ValueError, match=re.escape(f"{told}; go on where it was begun, or set `checkpoint_e")
    ):
        Checkpoint(path, here, every_s=60, elsewhere="refuse")
    assert Checkpoint(path, here, every_s=60).groups == {}
    assert capsys.readouterr().err == f"{told}; training starts anew\n"
    assert Checkpoint(path, MADE_FOR | MACHINE, every_s=60, elsewhere="refuse").groups.keys() == {0}


def test_nothing_that_a_checkpoint_holds_is_run(path):
    class Trap:
        def __reduce__(self):
            return print, ("sprung",)

    write(path, {"groups": Trap()}, MADE_FOR)
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        load(path, MADE_FOR)


def test_a_new_process_knows_how_often_and_from_where_the_training_went_on(tmp_path, capsys):
    path = tmp_path / "a.checkpoint"
    for step in (3, 8):
        checkpoint = Checkpoint(path, MADE_FOR, every_s=0.001)
        checkpoint.save(0, {"done": step})
    again = Checkpoint(path, MADE_FOR, every_s=0.001)
    assert again.resumed_from_updates == [3, 8]
    assert again.groups == {0: {"done": 8}}
    assert again.seconds_before > 0
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: training goes on after update 3",
        f"{path}: training goes on after update 8",
    ]


def test_what_a_killed_writer_left_half_done_is_removed(tmp_path):
    half = tmp_path / ".a.checkpoint.4711.part"
    half.touch()
    Checkpoint(tmp_path / "a.checkpoint", MADE_FOR, every_s=60)
    assert not half.exists()
