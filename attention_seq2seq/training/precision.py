"""Whether this processor multiplies in bfloat16, does it right, and gains by it."""

import dataclasses
import time
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig

# How the processors that multiply in bfloat16 say so: x86 with AVX-512 or AMX, and ARM.
_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
_CPUINFO = Path("/proc/cpuinfo")

# bfloat16 keeps 8 bits: a product of random rows is off by some 0.3 % of its size.
_TOLERANCE = 0.02


def resolve_compute_dtype(options: TrainingConfig) -> TrainingConfig:
    """The options with `auto` replaced by what this machine is to compute in.

    Without the processor's own instructions bfloat16 would be slower than float32, and some of
    those that have them (AVX-512's, not AMX's) are slower with them too. So it is taken only where
    they are, and a product made with them agrees with one in float32 and is faster.
    """
    if options.compute_dtype != "auto":
        return options
    is_taken = _has_bfloat16() and _is_right(tf.bfloat16) and _is_faster(tf.bfloat16)
    return dataclasses.replace(options, compute_dtype="bfloat16" if is_taken else "float32")


def _has_bfloat16() -> bool:
    if not _CPUINFO.is_file():
        return False
    lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = (line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features")))
    return not _FLAGS.isdisjoint(next(flags, "").split())


def _is_right(dtype: tf.DType) -> bool:
    """Whether a product of the size of a training's is that in float32, but for rounding."""
    left, right = (tf.random.stateless_normal([256, 256], [seed, 1]) for seed in (1, 2))
    expected = tf.matmul(left, right)
    product = tf.cast(tf.matmul(tf.cast(left, dtype), tf.cast(right, dtype)), tf.float32)
    return bool(tf.norm(product - expected) <= _TOLERANCE * tf.norm(expected))


def _is_faster(dtype: tf.DType) -> bool:
    """Whether a product with a vocabulary takes less time than in float32."""
    return _seconds(dtype) < _seconds(tf.float32)


def _seconds(dtype: tf.DType) -> float:
    """The least of some times that a product takes; a tenth of a second for all of them."""
    left, right = tf.ones([512, 256], dtype), tf.ones([256, 4096], dtype)
    times = []
    for _ in range(8):
        begin = time.perf_counter()
        tf.matmul(left, right).numpy()
        times.append(time.perf_counter() - begin)
    return min(times)
