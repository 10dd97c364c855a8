"""`compute_dtype="auto"` is resolved from the processor and the speed of a matrix product."""

import dataclasses
import os
import signal
import time

import pytest
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training import precision
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.precision import resolve_compute_dtype

X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 avx512f{}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd{}\n"

PAIRS = [("吃什么", "吃烤鸭")] * 3


class InterruptTraining(Callback):
    """Sends SIGINT, like Ctrl-C, after the first step."""

    def on_step_end(self, info):
        os.kill(os.getpid(), signal.SIGINT)


def patch_cpuinfo(monkeypatch, path, content: str | None):
    """Replaces /proc/cpuinfo by a file with this content; None: by no file."""
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(precision, "_CPUINFO", path)


def slow_matmul(slow_dtype: tf.DType):
    """Returns `tf.matmul` with a delay, longer than any product, for one dtype."""
    original_matmul = tf.matmul

    def matmul(left, right, **options):
        time.sleep(0.05 if left.dtype == slow_dtype else 0)
        return original_matmul(left, right, **options)

    return matmul


def resolve_auto(monkeypatch, tmp_path, cpuinfo: str | None, slow_dtype=tf.float32) -> str:
    patch_cpuinfo(monkeypatch, tmp_path / "cpuinfo", cpuinfo)
    monkeypatch.setattr(tf, "matmul", slow_matmul(slow_dtype))
    return resolve_compute_dtype(TrainingConfig()).compute_dtype


@pytest.mark.parametrize(
    ("cpuinfo", "dtype"),
    [
        (X86.format(" avx512_bf16"), "bfloat16"),
        (X86.format(" amx_tile amx_bf16"), "bfloat16"),
        (ARM.format(" bf16"), "bfloat16"),
        (X86.format(""), "float32"),
        (X86.format(" avx512_bf16x"), "float32"),
        (ARM.format(""), "float32"),
        ("", "float32"),
        (None, "float32"),
    ],
)
def test_auto_depends_on_the_flags_of_the_processor(monkeypatch, tmp_path, cpuinfo, dtype):
    assert resolve_auto(monkeypatch, tmp_path, cpuinfo) == dtype


def test_auto_is_float32_if_bfloat16_products_are_inaccurate(monkeypatch, tmp_path):
    original_matmul = tf.matmul

    def inaccurate_matmul(left, right, **options):
        product = original_matmul(left, right, **options)
        return product * 1.05 if left.dtype == tf.bfloat16 else product

    monkeypatch.setattr(tf, "matmul", inaccurate_matmul)
    assert resolve_auto(monkeypatch, tmp_path, X86.format(" avx512_bf16")) == "float32"


def test_auto_is_float32_if_bfloat16_products_are_slower(monkeypatch, tmp_path):
    cpuinfo = X86.format(" avx512_bf16")
    assert resolve_auto(monkeypatch, tmp_path, cpuinfo, slow_dtype=tf.bfloat16) == "float32"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_explicit_dtype_is_used_on_any_processor(monkeypatch, tmp_path, dtype):
    patch_cpuinfo(monkeypatch, tmp_path / "none", None)
    assert resolve_compute_dtype(TrainingConfig(compute_dtype=dtype)).compute_dtype == dtype


def test_the_saved_config_has_the_resolved_dtype(tmp_path):
    model = ModelConfig(units=4, attention="none")
    config = Config(model=model, training=TrainingConfig(epochs=1))
    train(PAIRS, tmp_path, config, [], progress=False)
    saved = Config.load(tmp_path).training
    assert saved.compute_dtype in ("float32", "bfloat16")
    assert dataclasses.replace(saved, compute_dtype="auto") == config.training


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_resumed_training_keeps_its_dtype(tmp_path, dtype):
    auto = Config(model=ModelConfig(units=4), training=TrainingConfig(epochs=3))
    training = TrainingConfig(epochs=3, compute_dtype=dtype)
    explicit = dataclasses.replace(auto, training=training)
    callbacks = [InterruptTraining()]
    with pytest.raises(KeyboardInterrupt):
        train(PAIRS, tmp_path, explicit, [], progress=False, callbacks=callbacks)
    assert len(train(PAIRS, tmp_path, auto, [], progress=False)["loss"]) == 3
    assert Config.load(tmp_path) == explicit
