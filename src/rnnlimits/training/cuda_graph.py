"""A function of tensors, recorded once on a GPU and replayed: one launch instead of thousands.

    step = Replayed(work, torch.device("cuda"))
    gradient, loss = step(theta, x, target)     # the first call just runs, the second records, others replay

`work` is a pure function: tensors (or None) in, a tuple of tensors out, nothing read from the device.
What it returned is overwritten by the next call, so whoever wants to keep it copies it.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Given = tuple[Tensor | None, ...]
Work = Callable[..., tuple[Tensor, ...]]
WARM_UPS = 3  # before a recording: libraries choose their algorithms and take their memory then


class Replayed:
    """`work`, recorded anew whenever shapes change.

    One recording is kept.  Inputs of another shape, as of the first batch of a text, just run; a shape is
    recorded when it comes twice in a row.
    """

    def __init__(self, work: Work, device: torch.device, recorder: "Callable[..., Recording] | None" = None):
        self.work = work
        self.recorder = recorder or (Recording if device.type == "cuda" else None)
        self.recording: Recording | None = None
        self.shape: Any = None  # of the call before
        self.recordings = 0

    def __call__(self, *given: Tensor | None) -> tuple[Tensor, ...]:
        if self.recorder is None:
            return self.work(*given)
        shape, before = shape_of(given), self.shape
        self.shape = shape
        if self.recording and self.recording.shape == shape:
            return self.recording(given)
        if shape != before:
            return self.work(*given)
        self.recording = None  # gives the old one's memory back before the new one takes its own
        try:
            self.recording = self.recorder(self.work, given)
        except Exception as error:  # whatever cannot be recorded still runs, launch by launch
            self.recorder = None
            logging.getLogger(__name__).warning("goes on without a CUDA graph: %s", str(error).split("\n")[0])
            return self.work(*given)
        self.recordings += 1
        return self.recording(given)

    def forget(self) -> None:
        """The shapes will not come back: give their memory back before other shapes ask for some."""
        self.recording = self.shape = None


def shape_of(given: Given) -> tuple[Any, ...]:
    return tuple(None if one is None else (one.shape, one.dtype) for one in given)


class Recording:
    """Buffers of its own for what goes in; the CUDA graph reads them and writes what comes out."""

    made = 0  # in this process, on a GPU: for the provenance

    def __init__(self, work: Work, given: Given):
        self.shape = shape_of(given)
        self.inputs = tuple(None if one is None else one.detach().clone() for one in given)
        self.outputs = self.record(work)

    def __call__(self, given: Given) -> tuple[Tensor, ...]:
        for ours, new in zip(self.inputs, given, strict=True):
            if ours is not None and new is not None:
                ours.copy_(new.detach())
        self.replay()
        return self.outputs

    def record(self, work: Work) -> tuple[Tensor, ...]:
        caller, side = torch.cuda.current_stream(), torch.cuda.Stream()
        try:
            side.wait_stream(caller)
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    work(*self.inputs)
            caller.wait_stream(side)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=side):
                outputs = work(*self.inputs)
        finally:
            # A recording that fails leaves its own stream as the current one.
            torch.cuda.set_stream(caller)
        Recording.made += 1
        return outputs

    def replay(self) -> None:
        self.graph.replay()


class Imitation(Recording):
    """The same buffers without a GPU: to replay is to call.  So the book-keeping can be tested anywhere."""

    def record(self, work: Work) -> tuple[Tensor, ...]:
        self.work = work
        return tuple(output.clone() for output in work(*self.inputs))

    def replay(self) -> None:
        for ours, new in zip(self.outputs, self.work(*self.inputs), strict=True):
            ours.copy_(new)
