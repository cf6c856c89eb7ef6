"""What a job that was killed goes on from: one file, with everything that its training has come to so far.

    {"format": 1, "made_for": {"spec": "3f...", "code": "9a...", ...}, "sha256": "c0..."}
    what torch.save makes of the groups of replicas, the finished ones and the one at work

A file that is damaged, or was made for another spec or by other code, is told and not used: the training then
starts anew.  So it does with the file of a machine that rounds differently, unless the config says `refuse`.
It is written beside its place and renamed, so the one before stays until the next is whole.
"""

import hashlib
import io
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rnnlimits.storage.plain_text import printable
from rnnlimits.storage.whole_files import renamed_when_complete
from rnnlimits.training import arithmetic

FORMAT = 1
WORTH_SAVING_S = 5.0  # of training, at the end of a group
State = dict[
    str, Any
]  # numbers, texts and tensors in lists and dictionaries: nothing that runs when it is read


class RefusedError(ValueError):
    """Why a file is not used."""


class ElsewhereError(RefusedError):
    """The same job, on a machine that would end with other last digits."""


class Checkpoint:
    """The checkpoint of one shard's job: `groups` maps the number of a group's first replica to its state."""

    def __init__(self, path: Path, made_for: dict[str, Any], every_s: float, elsewhere: str = "restart"):
        self.path = path
        self.made_for = made_for
        self.every_s = every_s
        self.elsewhere = elsewhere  # what becomes of the file of such a machine: restart or refuse
        self.groups: dict[int, State] = {}
        self.seconds_before = 0.0  # of training, by the processes before this one
        self.resumed_from_updates: list[int] = []  # a number for each time that training went on
        self.told = False  # that a checkpoint could not be written
        self.started_s = self.saved_s = time.monotonic()
        for half in path.parent.glob(f".{path.name}.*.part"):  # of a process that was killed while it wrote
            half.unlink()
        if path.exists():
            self._go_on()

    def _go_on(self) -> None:
        try:
            state = load(self.path, self.made_for)
        except (RefusedError, OSError) as error:
            if isinstance(error, ElsewhereError) and self.elsewhere == "refuse":
                remedy = "go on where it was begun, or set `checkpoint_elsewhere: restart` to train it anew"
                raise ValueError(f"{self.path}: {error}; {remedy}") from error
            _tell(f"{self.path}: {error}; training starts anew")
            return
        self.groups = state["groups"]
        self.seconds_before = state["seconds"]
        update = max(group["done"] for group in self.groups.values())
        self.resumed_from_updates = [*state["resumed_from_updates"], update]
        _tell(f"{self.path}: training goes on after update {update:,}")

    @property
    def unsaved_s(self) -> float:
        """Seconds of training that would be lost now."""
        return time.monotonic() - self.saved_s

    @property
    def due(self) -> bool:
        return self.unsaved_s >= self.every_s

    def save(self, start: int, state: State) -> None:
        """Write the state of the group that starts with replica `start`, and what is known of the others.

        A disk that is full costs the checkpoint and not the training.
        """
        self.groups[start] = state
        whole = {
            "groups": self.groups,
            "seconds": self.seconds_before + time.monotonic() - self.started_s,
            "resumed_from_updates": self.resumed_from_updates,
        }
        try:
            write(self.path, whole, self.made_for)
        except OSError as error:
            if not self.told:
                _tell(f"{error}; training goes on without this checkpoint")
            self.told = True
        self.saved_s = time.monotonic()


@dataclass(frozen=True)
class GroupCheckpoint:
    """A shard's checkpoint as one of its groups of replicas sees it."""

    whole: Checkpoint
    start: int  # the number of the group's first replica

    @property
    def state(self) -> State | None:
        """What an earlier process has left of this group."""
        return self.whole.groups.get(self.start)

    @property
    def due(self) -> bool:
        return self.whole.due

    def save(self, state: State) -> None:
        self.whole.save(self.start, state)

    def keep(self, outcome: State) -> None:
        """The group is done: what is left of it is written with the groups that follow, or now if it is much.

        The probes that come next may take minutes, and no signal finds a checkpoint to write in them.
        """
        self.whole.groups[self.start] = outcome
        if self.whole.every_s and self.whole.unsaved_s >= WORTH_SAVING_S:
            self.save(outcome)


def write(path: Path, state: State, made_for: dict[str, Any]) -> None:
    content = io.BytesIO()
    torch.save(state, content)
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    header = {"format": FORMAT, "made_for": made_for, "sha256": digest}
    with renamed_when_complete(path) as unfinished, unfinished.open("wb") as file:
        file.write(json.dumps(header, sort_keys=True).encode() + b"\n")
        file.write(content.getbuffer())


def load(path: Path, made_for: dict[str, Any]) -> State:
    """The state in a file that was made for exactly this; RefusedError, with the reason, where it was not."""
    first, _, content = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(first)
        found, digest = dict(header["made_for"]), header["sha256"]
    except (ValueError, TypeError, KeyError) as error:
        raise RefusedError("damaged, or no checkpoint of rnnlimits") from error
    if header.get("format") != FORMAT:
        raise RefusedError(f"of format {header.get('format')!r}, and this version reads {FORMAT}")
    if other := [part for part in made_for if found.get(part) != made_for[part]]:
        told = ", ".join(f"{part} {_short(found.get(part))}, now {_short(made_for[part])}" for part in other)
        if set(other) <= set(arithmetic.KEYS):
            raise ElsewhereError(f"made where numbers are rounded differently ({told})")
        raise RefusedError(f"made for another job ({told})")
    if hashlib.sha256(content).hexdigest() != digest:
        raise RefusedError("damaged (its sha256 is another)")
    state: State = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    return state


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
