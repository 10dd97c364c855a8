"""`--compute_dtype=auto` depends on the processor and a product, and is saved as resolved."""

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


class Interrupted(Callback):
    """Presses Ctrl-C after the first update."""

    def on_step_end(self, info):
        os.kill(os.getpid(), signal.SIGINT)


X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 avx512f{}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd{}\n"


def taking_longer_in(slow: tf.DType):
    """A product that takes longer in a dtype than any takes on any processor."""
    plain = tf.matmul

    def matmul(left, right, **options):
        time.sleep(0.05 if left.dtype == slow else 0)
        return plain(left, right, **options)

    return matmul


def resolved(monkeypatch, tmp_path, cpuinfo: str | None) -> str:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    monkeypatch.setattr(precision, "_CPUINFO", path)
    monkeypatch.setattr(tf, "matmul", taking_longer_in(tf.float32))
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
def test_auto_is_what_the_processor_has(monkeypatch, tmp_path, cpuinfo, dtype):
    assert resolved(monkeypatch, tmp_path, cpuinfo) == dtype


def test_auto_is_float32_where_products_are_wrong(monkeypatch, tmp_path):
    plain, coarse = tf.matmul, X86.format(" avx512_bf16")

    def wrong(left, right, **options):
        product = plain(left, right, **options)
        return product * 1.05 if left.dtype == tf.bfloat16 else product

    monkeypatch.setattr(tf, "matmul", wrong)
    assert resolved(monkeypatch, tmp_path, coarse) == "float32"


def test_auto_is_float32_where_products_gain_nothing(monkeypatch, tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(X86.format(" avx512_bf16"))
    monkeypatch.setattr(precision, "_CPUINFO", path)
    monkeypatch.setattr(tf, "matmul", taking_longer_in(tf.bfloat16))
    assert resolve_compute_dtype(TrainingConfig()).compute_dtype == "float32"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_asked_for_is_taken(monkeypatch, tmp_path, dtype):
    monkeypatch.setattr(precision, "_CPUINFO", tmp_path / "none")
    assert resolve_compute_dtype(TrainingConfig(compute_dtype=dtype)).compute_dtype == dtype


def test_a_model_folder_says_what_was_computed_in(tmp_path):
    config = Config(model=ModelConfig(units=4), training=TrainingConfig(epochs=1))
    train([("吃什么", "吃烤鸭")] * 3, tmp_path, config, [], progress=False)
    written = Config.load(tmp_path).training
    assert written.compute_dtype in ("float32", "bfloat16")
    assert dataclasses.replace(written, compute_dtype="auto") == config.training


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_begun_goes_on_in_its_dtype(tmp_path, dtype):
    pairs, config = [("吃什么", "吃烤鸭")] * 3, Config(model=ModelConfig(units=4))
    begun = dataclasses.replace(config, training=TrainingConfig(epochs=3, compute_dtype=dtype))
    asked = dataclasses.replace(config, training=TrainingConfig(epochs=3))
    with pytest.raises(KeyboardInterrupt):
        train(pairs, tmp_path, begun, [], progress=False, callbacks=[Interrupted()])
    assert len(train(pairs, tmp_path, asked, [], progress=False)["loss"]) == 3
    assert Config.load(tmp_path) == begun
