"""A small config with a study of every kind, and what the tests do to it."""

import copy
from typing import Any

GOOD: dict[str, Any] = {
    "name": "test",
    "results": "results/test",
    "studies": {
        "trained": {
            "kind": "training",
            "title": "trained",
            "tasks": {"adding": {}, "digits": {"page": "sequential_digits"}},
            "architectures": {"elman": {"initialisation": "orthogonal"}, "lstm": {}},
            "lengths": [64],
            "hidden_sizes": [4, 8],
            "seeds": 2,
            "learning_rates": [0.001, 0.01],
            "budget": {"updates": 10, "optimiser": "adam"},
            "probes": {"gradient_reach": {"sequences": 2}},
        },
        "matched": {
            "kind": "training",
            "title": "matched",
            "tasks": {"adding": {}},
            "architectures": {"gru": {}},
            "lengths": [10],
            "match": "parameters",
            "parameters": [500],
            "seeds": 2,
            "budget": {"updates": 0},
            "probes": {"gradient_reach": {"sequences": 2}},
        },
        "folded": {
            "kind": "cross_validation",
            "title": "folded",
            "tasks": {"sequential_digits": {}},
            "architectures": {"gru": {}},
            "lengths": [64],
            "hidden_sizes": [4, 8],
            "folds": 3,
            "seeds": 2,
            "learning_rates": [0.01],
            "budget": {"updates": 10},
        },
        "simulated": {
            "kind": "simulation",
            "title": "simulated",
            "simulations": {"curse_of_memory": {"decay": 0.5}},
            "seeds": 2,
        },
    },
}


def changed(base: dict[str, Any], place: tuple, value: Any) -> dict[str, Any]:
    """A copy of a config with another value at one place; `...` removes what is there."""
    whole = copy.deepcopy(base)
    inner = whole
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return whole
