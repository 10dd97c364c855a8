"""Selects the dtype of matrix products: bfloat16 if it is faster on this processor."""

import dataclasses
import time
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig

# Flags of processors with bfloat16 instructions: x86 with AVX-512 or AMX, and ARM.
_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
_CPUINFO = Path("/proc/cpuinfo")

# bfloat16 has 8 significant bits: the relative error of a product of random rows is about 0.3%.
_TOLERANCE = 0.02


def resolve_compute_dtype(options: TrainingConfig) -> TrainingConfig:
    """Replaces the `compute_dtype` `auto` by bfloat16 or float32.

    Without bfloat16 instructions, bfloat16 is slower than float32. It is also slower on some
    processors with AVX-512 but not AMX instructions. So bfloat16 is used only if the processor has
    the instructions, and a test product is accurate and faster than in float32.

    Args:
        options: the training options.

    Returns:
        The options with `compute_dtype` resolved.
    """
    if options.compute_dtype != "auto":
        return options
    use_bfloat16 = (
        _has_bfloat16()
        and _is_accurate(tf.bfloat16)
        and _seconds(tf.bfloat16) < _seconds(tf.float32)
    )
    return dataclasses.replace(options, compute_dtype="bfloat16" if use_bfloat16 else "float32")


def _has_bfloat16() -> bool:
    if not _CPUINFO.is_file():
        return False
    lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return not _FLAGS.isdisjoint(next(flags, "").split())


def _is_accurate(dtype: tf.DType) -> bool:
    """Returns whether a product has only rounding errors compared with float32."""
    left, right = (tf.random.stateless_normal([256, 256], [seed, 1]) for seed in (1, 2))
    expected = tf.matmul(left, right)
    product = tf.cast(tf.matmul(tf.cast(left, dtype), tf.cast(right, dtype)), tf.float32)
    return bool(tf.norm(product - expected) <= _TOLERANCE * tf.norm(expected))


def _seconds(dtype: tf.DType) -> float:
    """Returns the time of a product of the size of an output projection [seconds].

    The time is the minimum of eight runs, which take about 0.1 seconds together.
    """
    left, right = tf.ones([512, 256], dtype), tf.ones([256, 4096], dtype)
    times = []
    for _ in range(8):
        start_time = time.perf_counter()
        tf.matmul(left, right).numpy()
        times.append(time.perf_counter() - start_time)
    return min(times)
