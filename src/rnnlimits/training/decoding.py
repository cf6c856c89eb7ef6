"""What a network writes when its own answers are its next inputs, and how the task judges that.

Greedy: of each step the most probable answer; of equally probable ones the first.  Every architecture hands
its state on, a network that attends to all steps their keys and values, so no step is computed twice.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from rnnlimits.architectures._model import State
from rnnlimits.tasks.base import Prompts, Split, Task
from rnnlimits.training.replicas import Replicas

# Shape letters: R replicas, P trainable weights, Q frozen weights, B prompts, T their steps, S answers.


def judged(
    models: Replicas, task: Task, which: Sequence[int], theta_RP: Tensor, split: Split
) -> list[dict[str, float]]:
    """The task's scores of what each replica writes; nothing where the task asks for nothing.

    `theta_RP` is in the order of `which` (the replicas' numbers, for their frozen weights).
    """
    answers = [written(models, which, theta_RP, prompts) for prompts in task.prompts(split)]
    if not answers:
        return [{} for _ in which]
    return [task.judge(split, [answer_RBS[row] for answer_RBS in answers]) for row in range(len(which))]


@torch.no_grad()
def written(models: Replicas, which: Sequence[int], theta_RP: Tensor, prompts: Prompts) -> Tensor:
    """The tokens that each replica goes on with, (R, B, S); what comes after an end is without meaning.

    S is `most`, or less where all have come to their end.
    """
    frozen_RQ = models.frozen_RQ[list(which)]
    x_RBT = prompts.x_BT.to(theta_RP.device).expand(len(which), -1, -1)
    ended_RB = torch.zeros(x_RBT.shape[:2], dtype=torch.bool, device=theta_RP.device)
    state: State = None
    answers: list[Tensor] = []
    while len(answers) < prompts.most and not bool(ended_RB.all()):
        last_RB1 = torch.full_like(x_RBT[:, :, :1], x_RBT.shape[2] - 1)
        output_RB1O, state = models(theta_RP, frozen_RQ, x_RBT, state, last_RB1)
        output_RB1O[..., list(prompts.never)] = -torch.inf
        x_RBT = output_RB1O.argmax(-1)
        ended_RB = ended_RB | (x_RBT[:, :, 0] == prompts.end)
        answers.append(x_RBT)
    return torch.cat(answers, 2).cpu()
