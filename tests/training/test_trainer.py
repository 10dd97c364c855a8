"""Pairs to a model folder."""

import csv
import logging
import math

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config import Config, DataConfig, ModelConfig, TextConfig, TrainingConfig
from attention_seq2seq.data.meals import meal_talk
from attention_seq2seq.decoding_config import DecodingConfig
from attention_seq2seq.model.weights import load_weights
from attention_seq2seq.training import trainer
from attention_seq2seq.training.optimizer import optimizer_of
from attention_seq2seq.training.trainer import finished_config, train

MEALS = meal_talk()


def config(**training) -> Config:
    options = {"epochs": 2, "batch_size": 16, "learning_rate": 0.01, "patience": 0}
    options = {**options, "dtype": "float32", **training}
    return Config(model=ModelConfig(units=16), training=TrainingConfig(**options))


def weights_in(path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


def test_a_seed_makes_a_run_repeatable(tmp_path):
    pairs = MEALS.training[:100]
    runs = []
    for name, seed in [("one", 1), ("again", 1), ("other", 2)]:
        history = train(pairs, tmp_path / name, config(seed=seed), progress=False)
        runs.append((history, weights_in(tmp_path / name / "last.npz")))
    (history, weights), (history2, weights2), (_, weights3) = runs
    assert history == history2
    assert all(np.array_equal(weights[name], weights2[name]) for name in weights)
    assert not np.array_equal(weights["encoder/embedding"], weights3["encoder/embedding"])


def test_one_trace_serves_all_shapes(tmp_path, monkeypatch):
    class Counted(trainer.TeacherForcing):
        traces = 0

        def train_step(self, batch):
            Counted.traces += 1
            return super().train_step(batch)

    monkeypatch.setattr(trainer, "TeacherForcing", Counted)
    pairs = [("吃" * (i % 9 + 1), "喝" * (i % 7 + 1)) for i in range(50)]
    pairs = [(f"{a} {i}", f"{b} {i}") for i, (a, b) in enumerate(pairs)]
    text = TextConfig(source_segmentation="characters", target_segmentation="characters")
    train(pairs, tmp_path, Config(text=text, model=ModelConfig(units=4)), progress=False)
    assert Counted.traces == 1


def test_the_best_and_the_last_checkpoint(tmp_path, monkeypatch):
    perplexities = iter([5.0, 3.0, 4.0])

    class Scripted(trainer.TeacherForcing):
        def test_step(self, batch):
            return super().test_step(batch)

        def evaluate(self, *args, **kwargs):
            return {**super().evaluate(*args, **kwargs), "perplexity": next(perplexities)}

    kept = []
    save = trainer.Checkpoints.on_epoch_end

    def watch(self, epoch, logs):
        save(self, epoch, logs)
        kept.append(weights_in(tmp_path / "last.npz"))

    monkeypatch.setattr(trainer, "TeacherForcing", Scripted)
    monkeypatch.setattr(trainer.Checkpoints, "on_epoch_end", watch)
    history = train(
        MEALS.training[:64], tmp_path, config(epochs=3), MEALS.validation[:9], progress=False
    )
    assert history["val_perplexity"] == [5.0, 3.0, 4.0]
    best, last = weights_in(tmp_path / "best.npz"), weights_in(tmp_path / "last.npz")
    for name in last:
        np.testing.assert_array_equal(last[name], kept[2][name])
        np.testing.assert_array_equal(best[name], kept[1][name])
    assert not np.array_equal(best["decoder/embedding"], last["decoder/embedding"])


@pytest.mark.parametrize("answer_with", ["best", "last"])
def test_the_checkpoint_that_answers_is_the_one_asked_for(tmp_path, answer_with):
    pairs = MEALS.training[:64]
    train(pairs, tmp_path, config(answer_with=answer_with), MEALS.validation[:9], progress=False)
    for path in tmp_path.glob("*.npz"):
        if path.stem != answer_with:
            path.unlink()
    chat = Chat.load(tmp_path)
    load_weights(chat.model, tmp_path / f"{answer_with}.npz")


def test_training_stops_when_validation_no_longer_improves(tmp_path, caplog):
    # Validation replies that training contradicts more and more.
    pairs = [(f"问{i}", "好") for i in range(60)]
    options = config(epochs=40, patience=2)
    with caplog.at_level(logging.INFO):
        history = train(pairs, tmp_path, options, [("问1", "不 好 不")], progress=False)
    stopped = len(history["loss"])
    assert 3 <= stopped < 40
    assert stopped == int(np.argmin(history["val_perplexity"])) + 3
    assert f"stopped after epoch {stopped} of 40" in caplog.text


@pytest.mark.parametrize(
    "options", [{"dtype": "bfloat16"}, {"sampled_words": 9}, {"optimizer": "adam"}], ids=str
)
def test_how_it_is_trained_changes_the_weights_and_not_how_it_is_measured(tmp_path, options):
    pairs = MEALS.training[:64]
    folders = tmp_path / "default", tmp_path / "other"
    train(pairs, folders[0], config(), pairs, progress=False)
    history = train(pairs, folders[1], config(**options), pairs, progress=False)
    default, other = (weights_in(folder / "last.npz") for folder in folders)
    assert any(np.any(default[name] != other[name]) for name in default)
    chat = Chat.load(folders[1])
    load_weights(chat.model, folders[1] / "last.npz")
    sides = [pair.prompt for pair in pairs], [pair.reply for pair in pairs]
    scores = chat.scores(*sides, DecodingConfig(length_penalty=0.0))
    num_words = sum(len(chat.codec.encode_reply(pair.reply)) for pair in pairs)
    assert -sum(scores) / num_words == pytest.approx(history["val_loss"][-1], rel=1e-5)


def test_perplexity_is_that_of_the_mean_over_words(tmp_path):
    history = train(MEALS.training[:50], tmp_path, config(), MEALS.validation, progress=False)
    for loss, perplexity in zip(history["val_loss"], history["val_perplexity"]):
        assert math.isclose(perplexity, math.exp(loss), rel_tol=1e-5)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(history["val_loss"])


def test_pairs_that_are_too_long_are_counted(tmp_path, caplog):
    options = Config(
        DataConfig(max_source_length=3, max_target_length=2),
        TextConfig(source_segmentation="blanks", target_segmentation="blanks"),
        ModelConfig(units=4),
        TrainingConfig(epochs=1),
    )
    pairs = [("a b c", "d e"), ("a b c d", "e"), ("a", "b c d"), ("a b", "c")]
    with caplog.at_level(logging.INFO):
        train(pairs, tmp_path, options, [("a b c d", "e")], progress=False)
    assert "2 of 4 training pairs left out: over 3 words of prompt or 2 of reply" in (caplog.text)
    assert "1 of 1 validation pairs left out" in caplog.text
    with pytest.raises(ValueError, match="no pair to train on: 1 given, all longer than"):
        train([("a b c d", "e")], tmp_path, options, progress=False)


def test_nothing_to_train_on_is_said(tmp_path):
    with pytest.raises(ValueError, match="no pair to train on"):
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
    assert "validation pairs also stand in training: dropped" in caplog.text


def test_a_new_training_leaves_nothing_of_the_old(tmp_path):
    train(MEALS.training[:20], tmp_path, config(epochs=1), progress=False)
    assert finished_config(tmp_path) == config(epochs=1)
    old = weights_in(tmp_path / "last.npz")

    class Power(Exception):
        pass

    def cut(*args):
        raise Power

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "_fit", cut)
        with pytest.raises(Power):
            train(MEALS.training[:50], tmp_path, config(), progress=False)
    assert finished_config(tmp_path) is None
    with pytest.raises(FileNotFoundError, match="the training was stopped before"):
        Chat.load(tmp_path)
    train(MEALS.training[:50], tmp_path, config(), progress=False)
    assert weights_in(tmp_path / "last.npz")["encoder/embedding"].shape != (
        old["encoder/embedding"].shape
    )


def test_the_schedule():
    options = TrainingConfig(learning_rate=0.5, learning_rate_schedule="cosine")
    optimizer = optimizer_of(options, num_updates=100)
    assert float(optimizer._learning_rate(0)) == pytest.approx(0.5)
    assert float(optimizer._learning_rate(50)) == pytest.approx(0.25)
    assert float(optimizer._learning_rate(100)) == pytest.approx(0.0)
    assert float(optimizer_of(TrainingConfig(), 100).learning_rate) == pytest.approx(0.001)
