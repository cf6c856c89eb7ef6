"""What one writes without rnnlimits: one process trains one seed at one learning rate (Lightning, torch.nn).

    python benchmarks/alternative.py --architecture gru --length 30 --hidden 36 --rate 0.01 --streams 1 2 3 4

The adding problem, Adam, clipping, validation now and then, an end when it is solved; the best weights are
read on test. It prints one line of JSON. benchmarks/whole_job.py runs it and says what it needs of streams:
so that the comparison is fair, the initial weights are distributed, and the numbers drawn, as in rnnlimits.
Nothing is logged and no checkpoint written.
"""

import argparse
import copy
import json
import logging
import warnings

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

SOLVED_BELOW = 0.01
PIECE = 250  # sequences of an evaluation at once
LAYERS = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def sample(count, length, generator):
    number = torch.rand(count, length, generator=generator)
    first = torch.randint(0, length // 2, (count, 1), generator=generator)
    second = torch.randint(length // 2, length, (count, 1), generator=generator)
    marker = torch.zeros(count, length).scatter(1, torch.cat([first, second], 1), 1.0)
    return torch.stack([number, marker], 2), (number * marker).sum(1, keepdim=True)


def evaluation_set(count, length, seed):
    generator = torch.Generator().manual_seed(seed)
    pieces = [PIECE] * (count // PIECE) + [count % PIECE]
    return [sample(piece, length, generator) for piece in pieces if piece]


class Stream(IterableDataset):
    def __init__(self, batch, length, seed):
        self.batch, self.length, self.seed = batch, length, seed

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed)
        while True:
            yield sample(self.batch, self.length, generator)


class Adder(pl.LightningModule):
    def __init__(self, architecture, hidden, rate):
        super().__init__()
        self.layer = LAYERS[architecture](2, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 1)
        self.rate = rate
        # torch has two biases where one is enough; only the n of a GRU needs the second.
        nn.init.zeros_(
            self.layer.bias_hh_l0[: 2 * hidden] if architecture == "gru" else self.layer.bias_hh_l0
        )
        self.layer.bias_hh_l0.requires_grad_(architecture == "gru")
        if architecture == "lstm":
            nn.init.ones_(self.layer.bias_ih_l0[hidden : 2 * hidden])
        self.best, self.best_weights, self.solved = float("inf"), None, 0

    def forward(self, x):
        return self.readout(self.layer(x)[0][:, -1])

    def errors(self, batch):
        x, target = batch
        return (self(x) - target).square().squeeze(1)

    def training_step(self, batch):
        return self.errors(batch).mean()

    def on_validation_epoch_start(self):
        self.found = []

    def validation_step(self, batch):
        self.found.append(self.errors(batch))

    def on_validation_epoch_end(self):
        error = torch.cat(self.found).mean().item()
        if error < self.best:
            self.best, self.best_weights = error, copy.deepcopy(self.state_dict())
        self.solved = self.solved + 1 if error < SOLVED_BELOW else 0
        if self.solved == 2:
            self.trainer.should_stop = True

    def configure_optimizers(self):
        return torch.optim.Adam([weight for weight in self.parameters() if weight.requires_grad], self.rate)


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--architecture", choices=sorted(LAYERS), required=True)
    for name, default in {
        "length": 30,
        "hidden": 32,
        "updates": 400,
        "batch-size": 32,
        "validate-every": 100,
    }.items():
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--validation-sequences", type=int, default=256)
    options.add_argument("--test-sequences", type=int, default=1024)
    options.add_argument("--rate", type=float, required=True)
    options.add_argument("--streams", type=int, nargs=4, required=True, metavar="SEED", help="of data, "
                         "initial weights, validation and test")  # fmt: skip
    given = options.parse_args()
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    data, initial, validation, test = given.streams
    torch.manual_seed(initial)
    model = Adder(given.architecture, given.hidden, given.rate)
    trainer = pl.Trainer(
        max_steps=given.updates, accelerator="cpu", devices=1, gradient_clip_val=1.0, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        val_check_interval=min(given.validate_every, given.updates), check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
    )  # fmt: skip
    judged = evaluation_set(given.validation_sequences, given.length, validation)
    stream = DataLoader(Stream(given.batch_size, given.length, data), batch_size=None)
    trainer.fit(model, stream, DataLoader(judged, batch_size=None))
    model.load_state_dict(model.best_weights or model.state_dict())
    with torch.no_grad():
        read = evaluation_set(given.test_sequences, given.length, test)
        error = torch.cat([model.errors(batch) for batch in read]).mean().item()
    solved = model.solved >= 2
    print(json.dumps({
        "validation": model.best, "test": error, "updates": trainer.global_step, "solved": solved,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
