"""What `--dtype=auto` becomes depends on the processor and a product, and is written down."""

import pytest
import tensorflow as tf

from attention_seq2seq.config import Config, ModelConfig, TrainingConfig
from attention_seq2seq.training import precision
from attention_seq2seq.training.precision import with_dtype_resolved
from attention_seq2seq.training.trainer import train

X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 avx512f{}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd{}\n"


def resolved(monkeypatch, tmp_path, cpuinfo: str | None) -> str:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    monkeypatch.setattr(precision, "_CPUINFO", path)
    return with_dtype_resolved(TrainingConfig()).dtype


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


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_asked_for_is_taken(monkeypatch, tmp_path, dtype):
    monkeypatch.setattr(precision, "_CPUINFO", tmp_path / "none")
    assert with_dtype_resolved(TrainingConfig(dtype=dtype)).dtype == dtype


def test_a_model_folder_says_what_was_computed_in(tmp_path):
    config = Config(model=ModelConfig(units=4), training=TrainingConfig(epochs=1))
    train([("吃什么", "吃烤鸭")] * 3, tmp_path, config, [], progress=False)
    written = Config.load(tmp_path).training
    assert written.dtype in ("float32", "bfloat16")
    assert written == with_dtype_resolved(config.training)
