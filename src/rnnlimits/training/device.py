"""What a job sets on its device before it trains, and what it says of a GPU afterwards."""

import os
from typing import Any

import torch

from rnnlimits.architectures import kernels
from rnnlimits.architectures.base import Architecture
from rnnlimits.training.cuda_graph import Recording

WORKSPACES = ":4096:8"  # eight of 4 MiB; planning/memory.py counts them


def prepare(device: str, tf32: bool) -> None:
    """Once, before anything is computed; a ValueError where the device is not there."""
    # On a small shared machine one thread a job beats two by far; the number is part of the result's bytes.
    torch.set_num_threads(1)
    if device != "cuda":
        return
    if not torch.cuda.is_available():
        raise ValueError("device: cuda was asked for and this machine offers no CUDA device; use device: cpu")
    choose_products(tf32)
    repeat_sums()


def choose_products(tf32: bool) -> None:
    """Both ways explicitly: torch's own defaults differ between products and cuDNN."""
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.deterministic = True


def repeat_sums() -> None:
    """Equal jobs give equal bytes on one GPU: an operation that cannot promise it is a RuntimeError."""
    # cuBLAS repeats its sums in the same order only with workspaces of fixed size; read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACES)
    # A warning would not do: under `warn_only` the attention's backward pass keeps its unordered sums.
    torch.use_deterministic_algorithms(True)
    # It also fills every new tensor with NaN, one kernel each; nothing here reads what it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def facts(layer: Architecture, replicas: int, tf32: bool) -> dict[str, Any]:
    """For the provenance: what ran the loop over time, as "cudnn-graph", and the memory."""
    loop = kernels.backend(layer.kernel, "cuda", replicas, *layer.kernel_arguments)
    return {
        "backend": loop + ("-graph" if Recording.made else ""),
        "gpu": torch.cuda.get_device_name(),
        "tf32": tf32,
        "peak_gpu_memory_mb": torch.cuda.max_memory_allocated() / 2**20,
    }
