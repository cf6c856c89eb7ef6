"""exp, tanh and sigmoid, and products with BLAS, as compiled loops need them; `compiled` compiles a loop.

A call of the C library's `exp` keeps LLVM from turning a loop into vector instructions, so these are sums and
products alone.  A product adds to what is there, which numba's own `np.dot` cannot.
"""

# mypy: ignore-errors
import math
from collections.abc import Callable

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numba.np import linalg

from rnnlimits.architectures.kernels import compile_cache

# Shape letters: G gate values, K what a step sees, H hidden units, B sequences.
# Fused multiply-add is the only liberty taken: a NaN must stay a NaN, it is how a diverged run is found.
# With Python's error model every division would test for zero, and no loop around it would be vectorised.
OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy"}


def compiled(function: Callable) -> Callable:
    return compile_cache.keep(numba.njit(**OPTIONS)(function))


def compiled_sum(function: Callable) -> Callable:
    """Of a loop that is one sum: its order is the compiler's, or no vector instruction could add."""
    return compile_cache.keep(numba.njit(fastmath={"contract", "reassoc"}, error_model="numpy")(function))


def exponential_parts(x):
    """Two numbers whose sum is e^x: a small one, and a power of two."""


@overload(exponential_parts, jit_options=OPTIONS)
def exponential_parts_compiled(x):
    wide = x == types.float64
    real, whole = (np.float64, np.int64) if wide else (np.float32, np.int32)
    mantissa_bits, exponent_bias = (whole(52), whole(1023)) if wide else (whole(23), whole(127))
    # ln 2 in two parts, the first of so few digits that n times it is exact (Cody & Waite 1980).
    ln2_high, ln2_low = (0.6931471803691238, 1.9082149292705877e-10) if wide else (0.693359375, -2.1219444e-4)
    ln2_high, ln2_low, log2_e = real(ln2_high), real(ln2_low), real(math.log2(math.e))
    # Added to a number it pushes the fraction out, and leaves the whole part in the lowest bits.
    rounder = real(1.5 * 2 ** (52 if wide else 23))
    c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13 = (real(1 / math.factorial(k)) for k in range(2, 14))

    def implementation(x):
        shifted = x * log2_e + rounder
        n = shifted - rounder
        r = (x - n * ln2_high) - n * ln2_low  # x = n ln 2 + r, with |r| <= ln 2 / 2
        p = c7
        if wide:
            p = c7 + r * (c8 + r * (c9 + r * (c10 + r * (c11 + r * (c12 + r * c13)))))
        p = r + r * r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * p)))))  # Taylor series of e^r - 1
        power = whole((real(shifted).view(whole) + exponent_bias) << mantissa_bits).view(real)  # 2^n
        return power * p, power

    return implementation


def exponential(x):
    """e^x of an x that is at most 0."""


@overload(exponential, jit_options=OPTIONS)
def exponential_compiled(x):
    limit = (np.float64 if x == types.float64 else np.float32)(-708 if x == types.float64 else -87)

    def implementation(x):
        x = limit if x < limit else x  # short of underflow
        small, power = exponential_parts(x)
        return small + power

    return implementation


def tanh(x):
    """(e^2x - 1) / (e^2x + 1); from e^2x - 1, so that a small x keeps all of its digits."""


@overload(tanh, jit_options=OPTIONS)
def tanh_compiled(x):
    real = np.float64 if x == types.float64 else np.float32
    one, two = real(1), real(2)
    limit = real(40 if x == types.float64 else 20)  # where tanh has become 1

    def implementation(x):
        x = two * x
        x = limit if x > limit else x
        x = -limit if x < -limit else x
        small, power = exponential_parts(x)
        e = small + (power - one)
        return e / (e + two)

    return implementation


def sigmoid(x):
    """1 / (1 + e^-x)."""


@overload(sigmoid, jit_options=OPTIONS)
def sigmoid_compiled(x):
    real = np.float64 if x == types.float64 else np.float32
    one, two, limit = real(1), real(2), real(708 if x == types.float64 else 87)  # short of overflow

    def implementation(x):
        x = limit if x > limit else x
        x = -limit if x < -limit else x
        small, power = exponential_parts(-x)
        return one / (small + (power - one) + two)

    return implementation


def add_outer_product(dW_GK, d_GB, z_KB):
    """dW += d z^T: the share of one step in the gradient of a weight."""


@overload(add_outer_product, jit_options=OPTIONS)
def add_outer_product_compiled(dW_GK, d_GB, z_KB):
    gemm, kind = blas_product(dW_GK.dtype)

    def implementation(dW_GK, d_GB, z_KB):
        G, K = dW_GK.shape
        B = z_KB.shape[1]
        one = np.ones(1, dW_GK.dtype)
        # BLAS counts by columns, so it sees every matrix transposed: dW^T (K x G) += z d^T.
        gemm(
            kind, TRANSPOSED, PLAIN, K, G, B, one.ctypes, z_KB.ctypes, B, d_GB.ctypes, B, one.ctypes,
            dW_GK.ctypes, K,
        )  # fmt: skip

    return implementation


def product_with_rows(V_KG, first, d_GB, keep, out_HB):
    """out = keep x out + (the H rows of V from `first` on) d: a gradient sent back, if V is W^T.

    Made once for all steps, a transposed copy of W costs little, and BLAS multiplies by it faster.
    """


@overload(product_with_rows, jit_options=OPTIONS)
def product_with_rows_compiled(V_KG, first, d_GB, keep, out_HB):
    gemm, kind = blas_product(out_HB.dtype)

    def implementation(V_KG, first, d_GB, keep, out_HB):
        G = V_KG.shape[1]
        H, B = out_HB.shape
        one, factor = np.ones(1, V_KG.dtype), np.full(1, keep, V_KG.dtype)
        rows = V_KG.reshape(-1)[first * G :]
        # For BLAS: out^T (B x H) = d^T (B x G) rows^T.
        gemm(
            kind, PLAIN, PLAIN, B, H, G, one.ctypes, d_GB.ctypes, B, rows.ctypes, G, factor.ctypes,
            out_HB.ctypes, B,
        )  # fmt: skip

    return implementation


PLAIN, TRANSPOSED = ord("n"), ord("t")


def blas_product(dtype):
    """The routine behind np.dot, which can also add to its result; numba offers it no other way.

    Its signature is numba's own, so one that changes with a version ends in an error at the trial run.
    """
    return linalg._BLAS().numba_xxgemm(dtype), ord("s") if dtype == types.float32 else ord("d")
