"""Pairs to a model folder."""

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
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.model_dir import is_finished
from helpers.short_trainings import MEALS, make_config, read_weights


def test_a_seed_makes_a_run_repeatable(tmp_path):
    pairs = MEALS.training[:32]
    runs = []
    for name, seed in [("one", 1), ("again", 1), ("other", 2)]:
        history = train(pairs, tmp_path / name, make_config(seed=seed, epochs=1), progress=False)
        runs.append((history, read_weights(tmp_path / name / "last.npz")))
    (history, weights), (history2, weights2), (_, weights3) = runs
    assert history == history2
    assert all(np.array_equal(weights[name], weights2[name]) for name in weights)
    assert not np.array_equal(weights["encoder/embedding"], weights3["encoder/embedding"])


def test_one_trace_serves_all_shapes(tmp_path, monkeypatch):
    class Counted(trainer.Seq2SeqObjective):
        traces = 0

        def gradients(self, *arguments):
            Counted.traces += 1
            return super().gradients(*arguments)

    monkeypatch.setattr(trainer, "Seq2SeqObjective", Counted)
    pairs = [("吃" * (i % 9 + 1), "喝" * (i % 7 + 1)) for i in range(50)]
    pairs = [(f"{a} {i}", f"{b} {i}") for i, (a, b) in enumerate(pairs)]
    text = TextConfig(source_tokenizer="characters", target_tokenizer="characters")
    train(pairs, tmp_path, Config(text=text, model=ModelConfig(units=4)), progress=False)
    assert Counted.traces == 1


def test_pairs_that_are_too_long_are_counted(tmp_path, caplog):
    options = Config(
        DataConfig(max_source_length=3, max_target_length=2),
        TextConfig(source_tokenizer="whitespace", target_tokenizer="whitespace"),
        ModelConfig(units=4),
        TrainingConfig(epochs=1),
    )
    pairs = [("a b c", "d e"), ("a b c d", "e"), ("a", "b c d"), ("a b", "c")]
    with caplog.at_level(logging.INFO):
        train(pairs, tmp_path, options, [("a b c d", "e")], progress=False)
    expected = "Skipped 2 of 4 training pairs: prompt over 3 tokens, reply over 2 tokens or empty"
    assert expected in caplog.text
    assert "Skipped 1 of 1 validation pairs" in caplog.text
    with pytest.raises(ValueError, match="No pairs to train on: 1 pairs given, all longer than"):
        train([("a b c d", "e")], tmp_path / "none", options, progress=False)


def test_seed_0_shuffles_a_prepared_corpus(tmp_path, monkeypatch):
    made = []

    def kept(*arguments, **options):
        made.append(train_batches(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(trainer, "train_batches", kept)
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"问{i}\t答{i}\n" for i in range(40)), encoding="utf-8")
    data = DataConfig((str(path),), validation_fraction=0.0)
    prepare(tmp_path / "prepared", data, progress=False)
    training = TrainingConfig(epochs=2, batch_size=10, seed=0)
    options = {"model": ModelConfig(units=4), "training": training}
    train_prepared(tmp_path / "prepared", tmp_path / "model", **options, progress=False)
    rows = [tuple(filter(None, row)) for batch in made[0] for row in batch["target_ids"].numpy()]
    first, second = rows[:40], rows[40:]
    assert sorted(first) == sorted(second)
    assert first != second


def test_nothing_to_train_on_is_said(tmp_path):
    with pytest.raises(ValueError, match="No pairs to train on"):
        train([], tmp_path, progress=False)


def test_conversations_are_set_aside_and_doubles_are_counted(tmp_path, caplog):
    pairs = [("你好", "你好呀")] * 4 + [(f"问{i}", f"答{i}") for i in range(4)]
    options = Config(
        data=DataConfig(validation_fraction=0.5),
        model=ModelConfig(units=4),
        training=TrainingConfig(epochs=1),
    )
    with caplog.at_level(logging.INFO):
        train(pairs, tmp_path, options, progress=False)
    assert "validation pairs that are also training pairs" in caplog.text


def test_a_new_training_leaves_nothing_of_the_old(tmp_path):
    train(MEALS.training[:20], tmp_path, make_config(epochs=1), progress=False)
    assert is_finished(tmp_path)
    assert Config.load(tmp_path) == make_config(epochs=1)
    old = read_weights(tmp_path / "last.npz")

    class Power(Exception):
        pass

    class Cut(Callback):
        def on_step_end(self, info):
            raise Power

    anew = (MEALS.training[:50], tmp_path, make_config())
    with pytest.raises(Power):
        train(*anew, progress=False, callbacks=[Cut()], overwrite=True)
    assert not is_finished(tmp_path)
    with pytest.raises(FileNotFoundError, match="the training was stopped before"):
        Chat.load(tmp_path)
    train(*anew, progress=False)
    assert read_weights(tmp_path / "last.npz")["encoder/embedding"].shape != (
        old["encoder/embedding"].shape
    )


def test_accumulated_batches_are_one_large_batch(tmp_path):
    """The same rows, in one batch of 16 or in four of 4: the same update."""
    folders = tmp_path / "large", tmp_path / "small"
    options = {"epochs": 12, "source_word_dropout": 0.0}
    runs = [
        train(
            *(MEALS.training[:16], folder),
            make_config(batch_size=size, gradient_accumulation_steps=by, **options),
            [],
            progress=False,
        )
        for folder, size, by in zip(folders, (16, 4), (1, 4))
    ]
    np.testing.assert_allclose(runs[0]["loss"], runs[1]["loss"], rtol=1e-4)
    large, small = (read_weights(folder / "last.npz") for folder in folders)
    for name, value in large.items():
        np.testing.assert_allclose(value, small[name], atol=2e-3)


def test_tensorboard_has_curves_replies_and_attention(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from attention_seq2seq.training.callbacks.tensorboard import TensorBoard

    train(
        *(MEALS.training[:64], tmp_path / "model", make_config(batch_size=2), MEALS.validation[:9]),
        progress=False,
        callbacks=[TensorBoard(tmp_path / "board")],
        sample_prompts=["今天晚上吃什么", "早上喝什么", "$吃$x_1$", "*|<b>`\ud83d"],
    )
    events = EventAccumulator(str(tmp_path / "board"), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {"loss of the epoch so far", "val_perplexity", "sample_most_common_ratio"} <= tags
    assert {"replies", "attention 1", "attention 2"} <= tags
    (text, *_) = events.Tensors("replies")[-1].tensor_proto.string_val
    assert "今天晚上吃什么" in text.decode()
    # Tokens that look like markup stand as they are.
    assert r"| \$吃\$x\_1\$ |" in text.decode()
    assert r"| \*\|\<b\>\`" in text.decode()
    width, height, png = events.Tensors("attention 1")[-1].tensor_proto.string_val
    assert int(width) > 100
    assert int(height) > 100
    assert png.startswith(b"\x89PNG")
