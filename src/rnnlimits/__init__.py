"""What can a recurrent network learn to remember, and why does it forget?

The public names are imported when they are used: neither torch nor pandas is loaded before.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Each public name with the module that holds it; __init__.pyi tells the same to type checkers.
_HELD_BY = {
    "compare": "rnnlimits.public",
    "gradient_reach": "rnnlimits.public",
    "input_sensitivity": "rnnlimits.public",
    "jacobian_spectrum": "rnnlimits.public",
    "load": "rnnlimits.public",
    "lyapunov": "rnnlimits.public",
    "parameter_gradient": "rnnlimits.public",
}
__all__ = sorted(_HELD_BY)


def __getattr__(name: str) -> Any:
    if name not in _HELD_BY:
        raise AttributeError(f"module 'rnnlimits' has no attribute {name!r}; public are {', '.join(__all__)}")
    return getattr(import_module(_HELD_BY[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
