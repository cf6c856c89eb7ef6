"""What a network writes by itself is what it would write if it read everything anew before each word."""

import pytest
import torch

from rnnlimits.tasks.base import Prompts
from rnnlimits.training import decoding
from rnnlimits.training.build import build_model, build_task
from rnnlimits.training.replicas import Replicas
from support import pretend_data
from support.small_shards import a_shard

OPTIONS = {"vocabulary": 12, "embedding": 5}
ARCHITECTURES = [
    *("elman", "lstm", "gru", "stacked", "linear_recurrent_unit"),
    *("attention", "temporal_convolution", "feed_forward"),
]


@pytest.fixture(autouse=True)
def nothing_downloaded(monkeypatch):
    pretend_data.translations(monkeypatch)


def replicas(architecture: str, seeds: int = 2):
    shard = a_shard(architecture, "translation", 13, task_options=OPTIONS)
    task = build_task(shard)
    models = [build_model(shard, task, seed).double() for seed in range(seeds)]
    for model in models:  # further from equal odds, so that answers differ
        model.readout.weight.data *= 30
    together = Replicas(models)
    return task, models, together, together.theta(range(seeds)).detach()


def read_anew(model: torch.nn.Module, x_T: torch.Tensor, prompts: Prompts) -> list[int]:
    answers: list[int] = []
    with torch.no_grad():
        while len(answers) < prompts.most and prompts.end not in answers:
            output_1TO, _ = model(torch.cat([x_T, torch.tensor(answers, dtype=torch.long)])[None])
            best_first = output_1TO[0, -1].argsort(descending=True).tolist()
            answers.append(next(answer for answer in best_first if answer not in prompts.never))
    return answers


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_state_that_is_handed_on_writes_what_reading_all_anew_writes(architecture):
    task, models, together, theta_RP = replicas(architecture)
    found = set()
    for prompts in task.prompts("validation"):
        answer_RBS = decoding.written(together, [0, 1], theta_RP, prompts)
        for r, model in enumerate(models):
            for x_T, answer_S in zip(prompts.x_BT, answer_RBS[r].tolist(), strict=True):
                expected = read_anew(model, x_T, prompts)
                assert answer_S[: len(expected)] == expected
                found.add(tuple(expected))
    assert len(found) > 1
    assert prompts.never
    assert not {answer for expected in found for answer in expected} & set(prompts.never)


def test_a_replica_writes_alone_what_it_writes_among_others():
    task, _, together, theta_RP = replicas("gru", seeds=3)
    prompts = task.prompts("test")[0]
    among = decoding.written(together, [0, 1, 2], theta_RP, prompts)[2]
    alone = decoding.written(together, [2], theta_RP[2:], prompts)[0]
    assert [task.tokens.words(row) for row in among.tolist()] == [
        task.tokens.words(row) for row in alone.tolist()
    ]
    scores = decoding.judged(together, task, [0, 1, 2], theta_RP, "test")
    assert scores[2] == decoding.judged(together, task, [2], theta_RP[2:], "test")[0]


def test_writing_ends_with_the_end_or_after_as_many_words_as_asked():
    _, models, _, _ = replicas("gru", seeds=1)
    for bias, steps in ((1e6, 1), (-1e6, 4)):
        models[0].readout.bias.data[0] = bias
        together = Replicas(models)
        prompts = Prompts(torch.tensor([[14, 13], [15, 13]]), end=0, most=4)
        answer_RBS = decoding.written(together, [0], together.theta([0]).detach(), prompts)
        assert answer_RBS.shape == (1, 2, steps)
        assert bool((answer_RBS == 0).all()) == (steps == 1)


def test_a_task_that_asks_for_no_writing_has_no_scores_of_it():
    shard = a_shard("gru")
    task = build_task(shard)
    together = Replicas([build_model(shard, task, seed) for seed in (0, 1)])
    theta_RP = together.theta([0, 1]).detach()
    assert decoding.judged(together, task, [0, 1], theta_RP, "test") == [{}, {}]
