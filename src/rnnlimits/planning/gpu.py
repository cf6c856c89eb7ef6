"""Is there a GPU?  Whoever starts a run says so: where jobs are planned there may be none.

RNNLIMITS_GPU=1      what can use a GPU runs on one
RNNLIMITS_GPU=0      what can do without one runs on the CPU, however long it takes
not set              both wait, and are planned with their time
"""

import os
from typing import Literal

VARIABLE = "RNNLIMITS_GPU"
Device = Literal["cpu", "cuda"]


def there_is_one() -> bool:
    return os.environ.get(VARIABLE) == "1"


def said_none() -> bool:
    """Has somebody decided to do without?"""
    return os.environ.get(VARIABLE) == "0"


def resolved(device: str) -> Device:
    """The device of a job; of one that can use a GPU, `any`, what was said decides."""
    if device == "any":
        return "cuda" if there_is_one() else "cpu"
    return "cuda" if device == "cuda" else "cpu"
