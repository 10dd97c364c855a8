"""`train` and `train_prepared`: from pairs or a prepared dataset to a model folder."""

import dataclasses
import logging

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.batching import train_batches
from attention_seq2seq.data.preprocessing.prepare import prepare
from attention_seq2seq.training import trainer
from attention_seq2seq.training.api import train, train_prepared
from attention_seq2seq.training.inputs import InMemoryInputs
from attention_seq2seq.training.model_dir import is_finished
from helpers.short_trainings import MEALS, make_config, read_weights
from helpers.truncated_training import PowerFailure, StopAtStep


def test_trainings_with_the_same_seed_are_equal(tmp_path):
    pairs = MEALS.training[:32]
    histories, weights = {}, {}
    for name, seed in [("first", 1), ("repeated", 1), ("other", 2)]:
        config = make_config(seed=seed, epochs=1)
        histories[name] = train(pairs, tmp_path / name, config, [], progress=False)
        weights[name] = read_weights(tmp_path / name / "last.npz")
    assert histories["first"] == histories["repeated"]
    for name, value in weights["first"].items():
        assert np.array_equal(value, weights["repeated"][name])
    embedding, second_embedding = (
        weights[name]["encoder/embedding"] for name in ("first", "other")
    )
    assert not np.array_equal(embedding, second_embedding)


def test_one_trace_serves_all_shapes(tmp_path, monkeypatch):
    class TraceCounter(trainer.Seq2SeqObjective):
        num_traces = 0

        def gradients(self, *arguments):
            TraceCounter.num_traces += 1
            return super().gradients(*arguments)

    monkeypatch.setattr(trainer, "Seq2SeqObjective", TraceCounter)
    pairs = [(f"{'吃' * (i % 9 + 1)} {i}", f"{'喝' * (i % 7 + 1)} {i}") for i in range(50)]
    text = TextConfig(source_tokenizer="characters", target_tokenizer="characters")
    config = Config(text=text, model=ModelConfig(units=4))
    training = TrainingConfig(epochs=2, batch_size=5)
    train(pairs, tmp_path, dataclasses.replace(config, training=training), progress=False)
    assert TraceCounter.num_traces == 1


def test_overlong_pairs_are_skipped_and_counted(tmp_path, caplog):
    config = Config(
        DataConfig(max_source_length=3, max_target_length=2),
        TextConfig(source_tokenizer="whitespace", target_tokenizer="whitespace"),
        ModelConfig(units=4),
        TrainingConfig(epochs=1),
    )
    pairs = [("a b c", "d e"), ("a b c d", "e"), ("a", "b c d"), ("a b", "c")]
    with caplog.at_level(logging.INFO):
        train(pairs, tmp_path, config, [("a b c d", "e")], progress=False)
    expected = "Skipped 2 of 4 training pairs: prompt over 3 tokens, reply over 2 tokens or empty"
    assert expected in caplog.text
    assert "Skipped 1 of 1 validation pairs" in caplog.text
    with pytest.raises(ValueError, match="No pairs to train on: 1 pairs given, all longer than"):
        train([("a b c d", "e")], tmp_path / "none", config, progress=False)


@pytest.mark.slow
def test_seed_0_shuffles_a_prepared_corpus(tmp_path, monkeypatch):
    datasets = []

    def record_train_batches(*arguments, **options):
        datasets.append(train_batches(*arguments, **options))
        return datasets[-1]

    monkeypatch.setattr(trainer, "train_batches", record_train_batches)
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"问{i}\t答{i}\n" for i in range(40)), encoding="utf-8")
    data = DataConfig((str(path),), validation_fraction=0.0)
    prepare(tmp_path / "prepared", data, progress=False)
    training = TrainingConfig(epochs=2, batch_size=10, seed=0)
    options = {"model": ModelConfig(units=4), "training": training}
    train_prepared(tmp_path / "prepared", tmp_path / "model", **options, progress=False)
    replies = [
        tuple(filter(None, row)) for batch in datasets[0] for row in batch["target_ids"].numpy()
    ]
    first_epoch, second_epoch = replies[:40], replies[40:]
    assert sorted(first_epoch) == sorted(second_epoch)
    assert first_epoch != second_epoch


def test_no_pairs_raise(tmp_path):
    with pytest.raises(ValueError, match="No pairs to train on"):
        train([], tmp_path, progress=False)


def test_an_empty_model_dir_raises(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="model_dir is empty; expected the path of a directory"):
        train(MEALS.training, "", make_config(), [], progress=False)
    assert not list(tmp_path.iterdir())


def test_a_config_of_the_wrong_type_raises(tmp_path):
    with pytest.raises(TypeError, match="config is a TrainingConfig; expected a Config"):
        train(MEALS.training, tmp_path, make_config().training, [], progress=False)
    with pytest.raises(TypeError, match=r"training is ModelConfig.*expected a TrainingConfig"):
        Config(training=ModelConfig())


def test_context_turns_without_conversations_are_reported(caplog):
    config = Config(text=TextConfig("characters", "characters", context_turns=1))
    InMemoryInputs([("你好", "你好呀"), ("吃什么", "吃烤鸭")], [], config)
    assert "context_turns is 1, but no pair has a previous turn" in caplog.text
    caplog.clear()
    InMemoryInputs([("你好", "你好呀"), ("你好呀", "吃烤鸭")], [], config)
    assert not caplog.text


def test_validation_pairs_that_are_also_training_pairs_are_counted(tmp_path, caplog):
    pairs = [("你好", "你好呀")] * 4 + [(f"问{i}", f"答{i}") for i in range(4)]
    config = Config(
        data=DataConfig(validation_fraction=0.5),
        model=ModelConfig(units=4),
        training=TrainingConfig(epochs=1),
    )
    with caplog.at_level(logging.INFO):
        train(pairs, tmp_path, config, progress=False)
    assert "validation pairs that are also training pairs" in caplog.text


@pytest.mark.slow
def test_a_new_training_replaces_the_old_one(tmp_path):
    train(MEALS.training[:20], tmp_path, make_config(epochs=1), progress=False)
    assert is_finished(tmp_path)
    assert Config.load(tmp_path) == make_config(epochs=1)
    old_weights = read_weights(tmp_path / "last.npz")
    new_pairs, callbacks = MEALS.training[:50], [StopAtStep(1)]
    with pytest.raises(PowerFailure):
        train(
            new_pairs, tmp_path, make_config(), progress=False, callbacks=callbacks, overwrite=True
        )
    assert not is_finished(tmp_path)
    with pytest.raises(FileNotFoundError, match="training was stopped before"):
        Chat.load(tmp_path)
    train(new_pairs, tmp_path, make_config(), progress=False)
    new_weights = read_weights(tmp_path / "last.npz")
    assert new_weights["encoder/embedding"].shape != old_weights["encoder/embedding"].shape


@pytest.mark.slow
def test_gradient_accumulation_equals_a_large_batch(tmp_path):
    """One batch of 16 rows and four batches of 4 rows make the same update."""
    histories, weights = [], []
    for batch_size, num_batches in ((16, 1), (4, 4)):
        folder = tmp_path / f"batch_size_{batch_size}"
        config = make_config(
            epochs=12,
            source_word_dropout=0.0,
            batch_size=batch_size,
            gradient_accumulation_steps=num_batches,
        )
        histories.append(train(MEALS.training[:16], folder, config, [], progress=False))
        weights.append(read_weights(folder / "last.npz"))
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-4)
    for name, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][name], atol=2e-3)
