"""A page of one's own, nothing but a plain `step`: its seeds together against one after another.

    python benchmarks/own_page.py [--runs 7] [--seeds 8] [--quick]

A run is one whole update of every seed: data, forward, backward, clipping, Adam. `together` is the trainer
of a shard with all seeds; `one by one` the same trainer with one seed after another; `plain loop` what one
writes without it, an nn.Module and torch.optim for each seed. The page is the example of CONTRIBUTING.md.
Medians of processor time on one thread.
"""

import torch
from measuring import LEARNING_RATE, Work, machine, medians, parser, prepare, trainer, update
from torch import Tensor, nn

from rnnlimits.architectures._model import Model
from rnnlimits.architectures.base import Recurrent, State
from rnnlimits.tasks.adding import Adding, Options
from rnnlimits.tasks.base import generator

# Shape letters: B sequences, I inputs, H hidden units.
SIZES = [(T, H, 32) for H in (32, 64) for T in (100, 200)]
QUICK = [(10, 4, 3)]


class MinimalGated(Recurrent):
    """f = sigmoid(W x + U h + b),  n = tanh(V x + R (f * h) + c),  y = h' = (1 - f) * h + f * n."""

    def __init__(self, inputs: int, hidden: int, length: int):
        super().__init__(inputs, hidden, length, None)
        self.gate = nn.Linear(inputs + hidden, hidden)
        self.candidate = nn.Linear(inputs + hidden, hidden)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        (h_BH,) = state
        f_BH = torch.sigmoid(self.gate(torch.cat([x_BI, h_BH], -1)))
        n_BH = torch.tanh(self.candidate(torch.cat([x_BI, f_BH * h_BH], -1)))
        h_BH = (1 - f_BH) * h_BH + f_BH * n_BH
        return h_BH, (h_BH,)


def model_of(task: Adding, hidden: int) -> Model:
    layer = MinimalGated(task.inputs, hidden, task.length)
    return Model(nn.Identity(), layer, nn.Linear(hidden, task.outputs), task.reads_last)


def plain_step(model: Model, task: Adding, batch: int, seed: int) -> Work:
    stream = task.batches(batch, generator(seed, "data"))
    optimiser = torch.optim.Adam(model.parameters(), LEARNING_RATE)

    def step() -> None:
        drawn = next(stream)
        optimiser.zero_grad()
        task.loss_N(model(drawn.x)[0], drawn).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return step


def contenders(T: int, H: int, B: int, seeds: int) -> dict[str, Work]:
    task = Adding(T, Options())
    alone = [update(trainer([model_of(task, H)], task, B)) for _ in range(seeds)]
    plain = [plain_step(model_of(task, H), task, B, seed) for seed in range(seeds)]
    return {
        "together": update(trainer([model_of(task, H) for _ in range(seeds)], task, B)),
        "one by one": lambda: [step() for step in alone],
        "plain loop": lambda: [step() for step in plain],
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=7, help="medians over so many (default: %(default)s)")
    options.add_argument("--seeds", type=int, default=8, help="in one shard (default: %(default)s)")
    given = options.parse_args()
    prepare()
    print(f"A user's page, {given.seeds} seeds; milliseconds per update of all, median of {given.runs} runs")
    print(machine())
    print("   T    H   B | together  one by one  plain loop | together/one by one  together/plain loop")
    for T, H, B in QUICK if given.quick else SIZES:
        took = medians(contenders(T, H, B, given.seeds), given.runs)
        together, one, plain = (1e3 * took[name] for name in ("together", "one by one", "plain loop"))
        print(
            f"{T:>4} {H:>4} {B:>3} | {together:8.1f} {one:11.1f} {plain:11.1f} |"
            f" {together / one:19.2f} {together / plain:20.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
