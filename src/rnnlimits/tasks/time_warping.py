"""Name the character before the present one while time is stretched: nothing but the warping is hard.

    uniform x 3         input   f f f c c c     output  . . . f f f     . is not judged
    variable x 1 to 3   input   f f c c c a     output  . . f f f c
    padded (variable)   input   f 0 0 c 0 a     output  . . . f . c

    >>> task = TimeWarping(length=12, options=Options(maximum_warping=3, warping="uniform"))
    >>> batch = task.sample(5, torch.Generator().manual_seed(0))
    >>> read_BT = batch.x.argmax(2)
    >>> torch.equal(batch.target[:, 3:], read_BT[:, :-3]), batch.mask_BT[0].int().tolist()
    (True, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1])

Tallec & Ollivier (2018), section 4 and figures 1 and 2: 10 characters with the dummy 0, neighbours always
different, each repeated (or followed by zeros) `maximum_warping` times, or 1 to so many times, and the
sequence cut at T = 500. Where zeros fill, only the steps of characters are judged ("each time the input is
nonzero"), and here never those of the first character. The paper has no threshold; here it is 99 % right.

Chance: the character before is any of the other 8 with equal odds: one in 8 is right, the best loss is ln 8.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from rnnlimits.contracts import TaskOptions
from rnnlimits.tasks._families import ClassAtEachStep
from rnnlimits.tasks.base import Batch

DUMMY = 0
SOLVED_FROM = 0.99


@dataclass(frozen=True, kw_only=True)
class Options(TaskOptions):
    maximum_warping: int = 10  # steps that a character is repeated, or zeros after it
    warping: Literal["uniform", "variable"] = "variable"
    filled_with: Literal["repetition", "zeros"] = "repetition"
    alphabet: int = 10  # with the dummy

    def widths(self, length: int) -> tuple[int, int]:
        return self.alphabet, self.alphabet

    def problem(self, length: int) -> str | None:
        if self.maximum_warping < 1 or self.alphabet < 4:
            return f"maximum_warping ({self.maximum_warping}) must be 1 or more, alphabet ({self.alphabet}) 4"
        shortest = self.maximum_warping + 2
        return None if length >= shortest else f"a second character may come only after {shortest} steps"


class TimeWarping(ClassAtEachStep):
    options: Options

    @property
    def chance(self) -> dict[str, float]:
        others = self.options.alphabet - 2
        return {"accuracy": 1 / others, "loss": math.log(others)}

    def sample(self, batch: int, generator: torch.Generator) -> Batch:
        character_BR, end_BR = self.runs(batch, generator)
        step_BT = torch.arange(self.length).expand(batch, -1).contiguous()
        run_BT = torch.searchsorted(end_BR, step_BT, right=True)
        read_BT, before_BT = character_BR.gather(1, run_BT), character_BR.gather(1, (run_BT - 1).clamp(min=0))
        judged_BT = run_BT > 0
        if self.options.filled_with == "zeros":
            is_new_BT = run_BT != functional.pad(run_BT, (1, 0), value=-1)[:, :-1]
            read_BT, judged_BT = torch.where(is_new_BT, read_BT, DUMMY), judged_BT & is_new_BT
        target_BT = torch.where(judged_BT, before_BT, DUMMY)
        return Batch(functional.one_hot(read_BT, self.inputs).float(), target_BT, judged_BT.float())

    def runs(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """More characters than a sequence can hold, and the step at which each one is over."""
        characters, most, shape = (
            self.options.alphabet - 1,
            self.options.maximum_warping,
            (batch, self.length),
        )
        # Each is 1 to characters - 1 further round the alphabet than the one before: never the same again.
        further_BR = torch.randint(1, characters, shape, generator=generator)
        further_BR[:, 0] = torch.randint(0, characters, (batch,), generator=generator)
        warp_BR = torch.full(shape, most)
        if self.options.warping == "variable":
            warp_BR = torch.randint(1, most + 1, shape, generator=generator)
        steps_BR = warp_BR + (self.options.filled_with == "zeros")
        return 1 + further_BR.cumsum(1) % characters, steps_BR.cumsum(1)

    def solved(self, scores: dict[str, float]) -> bool:
        return scores["accuracy"] >= SOLVED_FROM
