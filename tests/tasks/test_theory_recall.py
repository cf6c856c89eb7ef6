"""Tasks that ask for what was read long ago: chance by simulation, layout, and a rule that solves each."""

import math

import pytest
import torch

from rnnlimits.tasks.copy_memory import CopyMemory
from rnnlimits.tasks.copy_memory import Options as CopyOptions
from rnnlimits.tasks.noiseless_memorisation import NoiselessMemorisation
from rnnlimits.tasks.noiseless_memorisation import Options as MemorisationOptions
from rnnlimits.tasks.random_permutation import Options as PermutationOptions
from rnnlimits.tasks.random_permutation import RandomPermutation
from support.task_answers import CERTAIN, certain, draw, mean_scores, uniform, within_error

VARIANTS = {
    "scalar": CopyOptions(input="scalar"),
    "variable": CopyOptions(delay="variable"),
    "both": CopyOptions(input="scalar", delay="variable"),
}

# --- copy memory, the forms that are not the default


def numbers(batch) -> torch.Tensor:
    """What is read at each step, 0 to 9."""
    return batch.x[..., 0].long() if batch.x.shape[2] == 1 else batch.x.argmax(2)


def test_copying_a_scalar_is_laid_out_as_in_the_code_of_bai():
    task = CopyMemory(4, CopyOptions(symbols=3, input="scalar"))
    token_BT, target_BT = task.lay_out(torch.tensor([[5, 2, 7]]))
    assert token_BT.tolist() == [[5, 2, 7, 0, 0, 0, 9, 9, 9, 9]]
    assert target_BT.tolist() == [[0, 0, 0, 0, 0, 0, 0, 5, 2, 7]]
    assert (task.inputs, task.outputs) == (1, 10)
    batch = draw(task, 5)
    assert torch.equal(batch.x[:, :3, 0].long(), batch.target[:, -3:])


def test_copying_after_a_variable_delay_waits_one_to_t_blanks():
    task = CopyMemory(4, CopyOptions(symbols=3, delay="variable"))
    token_BT, target_BT = task.lay_out(torch.tensor([[5, 2, 7]] * 2), torch.tensor([[1], [4]]))
    assert token_BT.tolist() == [[5, 2, 7, 0, 9, 0, 0, 0, 0, 0, 0], [5, 2, 7, 0, 0, 0, 0, 9, 0, 0, 0]]
    assert target_BT.tolist() == [[0, 0, 0, 0, 0, 5, 2, 7, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 7]]
    token_BT = numbers(draw(CopyMemory(6, CopyOptions(delay="variable")), 5_000))
    assert uniform((token_BT == 9).int().argmax(1) - 10, 1, 7)


@pytest.mark.parametrize("name", VARIANTS)
def test_copying_in_other_forms_has_the_stated_chance(name):
    task = CopyMemory(30, VARIANTS[name])
    batch = draw(task, 5_000)
    recall_BT1 = (batch.target != 0).unsqueeze(2)
    number_O = torch.arange(task.outputs)
    possible_NTO = torch.where(recall_BT1, (number_O >= 1) & (number_O <= 8), number_O == 0)
    output_NTO = torch.where(possible_NTO, 0.0, -CERTAIN)
    scores = mean_scores(task, output_NTO, batch)
    assert scores["loss"] == pytest.approx(10 * math.log(8) / batch.x.shape[1], rel=1e-6)
    assert scores["loss"] == pytest.approx(task.chance["loss"], rel=1e-6)
    assert within_error(scores["recall_accuracy"], 1 / 8, 50_000)
    assert not task.solved(scores)


@pytest.mark.parametrize("name", VARIANTS)
def test_copying_in_other_forms_is_solved_by_repeating_when_asked(name):
    task = CopyMemory(30, VARIANTS[name])
    batch = draw(task, 100)
    token_BT = numbers(batch)
    now_B1 = (token_BT == 9).int().argmax(1, keepdim=True)
    answer_BT = torch.zeros_like(token_BT).scatter(1, now_B1 + 1 + torch.arange(10), token_BT[:, :10])
    scores = mean_scores(task, certain(answer_BT, task.outputs), batch)
    assert scores == {"loss": pytest.approx(0, abs=1e-12), "recall_accuracy": 1.0}
    assert task.solved(scores)


# --- noiseless memorisation


@pytest.mark.parametrize(("symbols", "alphabet"), [(10, 5), (5, 2)])
def test_memorisation_without_memory_reaches_chance_and_no_more(symbols, alphabet):
    task = NoiselessMemorisation(12, MemorisationOptions(symbols=symbols, alphabet=alphabet))
    batch = draw(task, 20_000)
    output_NTO = torch.zeros(20_000, 12 + 2 * symbols, alphabet + 1)
    output_NTO[:, :-symbols, alphabet] = CERTAIN  # blank while waiting
    output_NTO[:, -symbols:, alphabet] = -CERTAIN  # and any symbol, with equal odds, when asked
    scores, chance = mean_scores(task, output_NTO, batch), task.chance
    assert scores["loss"] == pytest.approx(chance["loss"], rel=1e-6)
    assert within_error(scores["recall_accuracy"], chance["recall_accuracy"], 20_000 * symbols)
    assert within_error(scores["sequence_accuracy"], chance["sequence_accuracy"], 20_000)
    assert not task.solved(scores)


def test_memorisation_is_laid_out_as_in_the_code_of_pascanu():
    task = NoiselessMemorisation(7, MemorisationOptions())
    batch = draw(task, 5_000)
    assert batch.x.shape == (5_000, task.options.steps(7), 7)
    assert (batch.x.sum(2) == 1).all()
    token_BT = batch.x.argmax(2)
    assert uniform(token_BT[:, :10], 0, 5)
    assert (token_BT[:, 17] == 6).all()  # input_data[length + n_pos, :, -1] = 1
    assert (token_BT[:, [*range(10, 17), *range(18, 27)]] == 5).all()
    assert (batch.target[:, :17] == 5).all()
    assert torch.equal(batch.target[:, 17:], token_BT[:, :10])


def test_memorisation_is_solved_by_repeating_and_one_wrong_step_spoils_a_sequence():
    task = NoiselessMemorisation(7, MemorisationOptions())
    batch = draw(task, 200)
    answer_BT = torch.cat([torch.full((200, 17), 5), batch.x[:, :10].argmax(2)], 1)
    scores = mean_scores(task, certain(answer_BT, 6), batch)
    assert scores["recall_accuracy"] == scores["sequence_accuracy"] == 1
    assert task.solved(scores)
    answer_BT[:2, 3] = 0  # answers while it should wait: 1 % of the sequences
    scores = mean_scores(task, certain(answer_BT, 6), batch)
    assert scores["recall_accuracy"] == 1
    assert scores["sequence_accuracy"] == pytest.approx(0.99)
    assert not task.solved({"sequence_accuracy": 0.99})


# --- random permutation


def test_permutation_without_memory_is_right_half_of_the_time():
    task = RandomPermutation(20, PermutationOptions())
    batch = draw(task, 20_000)
    output_N1O = torch.full((20_000, 1, 100), -CERTAIN)
    output_N1O[:, :, :2] = 0.0
    scores = mean_scores(task, output_N1O, batch)
    assert scores["loss"] == pytest.approx(task.chance["loss"])
    assert within_error(scores["accuracy"], task.chance["accuracy"], 20_000)
    untrained = mean_scores(task, torch.zeros(20_000, 1, 100), batch)
    assert untrained["loss"] == pytest.approx(math.log(100))


def test_permutation_is_solved_by_remembering_the_first_symbol():
    task = RandomPermutation(20, PermutationOptions())
    batch = draw(task, 5_000)
    token_BT = batch.x.argmax(2)
    assert (batch.x.sum(2) == 1).all()
    assert uniform(token_BT[:, 0], 0, 2)
    assert uniform(token_BT[:, 1:], 2, 100)
    scores = mean_scores(task, certain(token_BT[:, :1], 100), batch)
    assert scores["accuracy"] == 1
    assert task.solved(scores)
    assert not task.solved({"accuracy": 0.99})
