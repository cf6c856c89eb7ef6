"""What decides the last digits beside the spec, the code and the data: the processor, and who computes on it.

Libraries choose the order of a sum by what the processor can do, so another one rounds differently.  A record
of this stands in the facts of every rows file, and a training goes on only where the record is the same.
"""

import hashlib
import os
from pathlib import Path

from rnnlimits.planning import origin

# The variables by which somebody tells a library to compute as on another processor, or in another way.
VARIABLES = (
    "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "MKL_CBWR", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "NUMBA_CPU_FEATURES", "NUMBA_CPU_NAME",
    "NUMBA_DISABLE_JIT", "NUMBA_OPT", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE",
)  # fmt: skip
# Flags of a processor that arithmetic can use; of the others, some come and go with the system's version.
ARITHMETIC = ("abm", "amx", "asimd", "avx", "bmi", "f16c", "fma", "fp", "neon", "sme", "sse", "ssse", "sve")
KEYS = (
    "processor", "instructions", "blas", "variables", "torch_instructions", "loops", "loops_made_for", "gpu",
)  # fmt: skip


def of_a_training(kernel: str, on_gpu: bool) -> dict[str, str]:
    """For an architecture with this time loop."""
    import torch

    from rnnlimits.architectures import kernels
    from rnnlimits.architectures.kernels.scan import blas_libraries

    gpu = f"{torch.cuda.get_device_name()}, cuDNN {torch.backends.cudnn.version()}" if on_gpu else "none"
    blas_libraries()  # loads them: else what is found would depend on what ran before
    return of_numpy() | {
        "torch_instructions": torch.backends.cpu.get_cpu_capability(),
        "loops": kernels.backend(kernel),
        "loops_made_for": kernels.made_for(kernel),
        "gpu": gpu,
    }


def of_numpy() -> dict[str, str]:
    """The part that counts for a simulation, too."""
    return {
        "processor": origin.processor(),
        "instructions": instructions(),
        "blas": blas(),
        "variables": " ".join(f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ),
    }


def instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """A digest of what the processor can compute with; where the system does not tell, nothing."""
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "").partition(":")[2]
    found = sorted(flag for flag in flags.split() if flag.startswith(ARITHMETIC))
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:16] if found else ""


def blas() -> str:
    """The versions of OpenBLAS that are loaded, each with the processor that it computes for."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ""
    found = [one for one in threadpool_info() if one["internal_api"] == "openblas"]
    return ", ".join(sorted({f"OpenBLAS {one['version']} for {one['architecture']}" for one in found}))
