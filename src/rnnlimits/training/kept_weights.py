"""The weights of a shard's replicas, in one file beside its rows that other programs can read, too.

    learning_rate_0.003/seed_0/architecture.W_HI     a tensor, named as in the model's state_dict
    learning_rate_0.003/seed_0/readout.weight        ...
    __metadata__: rnnlimits                          which replicas, their spec, the code of their model

They are those that test was read with: of each replica the best by validation, its frozen numbers included.
The file says nothing of times and machines, so equal runs give equal bytes.  It is safetensors' format, which
holds numbers and nothing that runs when it is read.  The rows name the file with its sha256.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from safetensors.torch import save
from torch import Tensor

from rnnlimits.planning import kept_weights, provenance
from rnnlimits.planning.job import Job
from rnnlimits.storage.whole_files import renamed_when_complete
from rnnlimits.training.build import Setup
from rnnlimits.training.replica import Replica
from rnnlimits.training.replicas import Replicas

FORMAT = 1
# One entry for all that is said: of several, safetensors writes the order as it comes.
METADATA = "rnnlimits"


def name(learning_rate: float, seed: int, weight: str = "") -> str:
    """
    >>> name(3e-3, 0, "readout.bias")
    'learning_rate_0.003/seed_0/readout.bias'
    """
    return f"learning_rate_{learning_rate!r}/seed_{seed}/{weight}"


def write(job: Job, setup: Setup, replicas: Sequence[Replica], chosen_rate: float) -> dict[str, Any]:
    """Keep what the job is asked to keep; for the facts of its rows, which file that is."""
    if not kept_weights.replicas(setup.shard, job.keep_weights):
        return {"kept": "none"}
    kept = [one for one in replicas if job.keep_weights == "all" or one.learning_rate == chosen_rate]
    path = kept_weights.beside(job.out)
    told = json.dumps(described(job, kept), sort_keys=True)
    # Not save_file, which makes a file that nobody but its owner may read.
    content = save(tensors(setup, kept), {METADATA: told})
    with renamed_when_complete(path) as unfinished:
        unfinished.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return {"kept": job.keep_weights, "file": path.name, "sha256": digest, "bytes": len(content)}


def tensors(setup: Setup, kept: Sequence[Replica]) -> dict[str, Tensor]:
    return {
        name(one.learning_rate, one.seed, weight): tensor.clone()
        for one in kept
        for weight, tensor in Replicas([setup.models[one.seed]]).state_of(one.best_theta_P, 0).items()
    }


def described(job: Job, kept: Sequence[Replica]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "spec": json.loads(job.shard.to_json()),
        "model_code": provenance.fingerprint_of_model(job.shard),
        "replicas": [[one.learning_rate, one.seed] for one in kept],
    }
