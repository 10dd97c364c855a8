"""Training on a prepared dataset."""

import json

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.datasets import TFRecordPairs
from attention_seq2seq.data.preprocessing.prepare import prepare
from attention_seq2seq.training.api import train, train_prepared
from attention_seq2seq.training.callbacks.base import Callback

SINGLE_PROCESS = PreprocessingConfig(num_workers=1)


@pytest.mark.slow
def test_training_losses_from_shards_match_those_from_memory(talk, corpus, tmp_path):
    model = ModelConfig(units=16)
    training = TrainingConfig(epochs=2, batch_size=32, learning_rate=0.01, patience=0)
    data = DataConfig((corpus,), validation_fraction=0.1)
    prepare(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
    shard_history = train_prepared(
        tmp_path / "prepared", tmp_path / "shards", model, training, progress=False
    )
    memory_history = train(
        talk, tmp_path / "memory", Config(data=data, model=model, training=training), progress=False
    )
    # The orders of the pairs differ, so the losses are only close.
    assert shard_history["loss"][-1] == pytest.approx(memory_history["loss"][-1], rel=0.1)
    assert shard_history["val_loss"][0] == pytest.approx(memory_history["val_loss"][0], rel=0.1)
    record = json.loads((tmp_path / "shards/provenance.json").read_text(encoding="utf-8"))
    assert [corpus["name"] for corpus in record["corpora"]] == ["talk.jsonl"]
    assert Config.load(tmp_path / "shards").data.data == (str(tmp_path / "prepared"),)


class PowerFailure(Exception):
    pass


class FailAtStep(Callback):
    """Interrupts a training like a power failure."""

    def on_step_end(self, info):
        if info.step == 13:
            raise PowerFailure


@pytest.mark.slow
def test_interrupted_trainings_from_shards_resume_bit_identically(corpus, tmp_path):
    prepare(tmp_path / "prepared", DataConfig((corpus,)), None, SINGLE_PROCESS, progress=False)
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("1 4\n吃 1 2 3 4\n", encoding="utf-8")
    options = TrainingConfig(
        epochs=3, compute_dtype="float32", patience=0, pretrained_embeddings=str(vectors)
    )

    def train_weights(name, **training_options):
        train_prepared(
            *(tmp_path / "prepared", tmp_path / name, ModelConfig(units=4), options),
            progress=False,
            **training_options,
        )
        with np.load(tmp_path / name / "last.npz") as archive:
            return dict(archive)

    uninterrupted = train_weights("whole")
    with pytest.raises(PowerFailure):
        train_weights("stopped", callbacks=[FailAtStep()], checkpoint_minutes=0)
    # A resumed training does not need its initial vectors again.
    vectors.unlink()
    for name, value in train_weights("stopped").items():
        np.testing.assert_array_equal(value, uninterrupted[name])


def test_shards_are_shuffled_reproducibly_in_each_epoch(corpus, tmp_path):
    prepared = prepare(
        tmp_path / "prepared", DataConfig((corpus,)), None, SINGLE_PROCESS, progress=False
    )
    shards = TFRecordPairs(prepared.shard_paths("training"), prepared.num_pairs("training"))

    def two_epochs():
        epochs = (shards.pools(64, seed=tf.constant([1, epoch])) for epoch in range(2))
        return [[row for source, _ in pools for row in source.to_list()] for pools in epochs]

    first_epoch, second_epoch = two_epochs()
    assert first_epoch != second_epoch
    assert sorted(first_epoch) == sorted(second_epoch)
    assert two_epochs() == [first_epoch, second_epoch]
