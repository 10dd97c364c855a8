"""The demo, whole: it memorises small talk, and generalises meals; and other seeds."""

import pytest
from learnt import QUESTION, assert_words_come_from_themselves, shares_of_demo

from attention_seq2seq.chat import Chat
from attention_seq2seq.config import Config, ModelConfig, TrainingConfig
from attention_seq2seq.data.meals import meal_talk
from attention_seq2seq.training.trainer import train


def test_the_demo_preset_memorises_small_talk_and_generalises_meals(tmp_path):
    shares = shares_of_demo(tmp_path)
    print(f"\nexact replies, percent: {shares}")
    assert_words_come_from_themselves(Chat.load(tmp_path).reply([QUESTION])[0])
    assert shares["training prompts"] >= 95
    assert shares["held-out meals"] >= 90


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_words_come_from_themselves_whatever_the_seed(tmp_path, seed):
    training = TrainingConfig(
        epochs=8, batch_size=32, learning_rate=0.01, learning_rate_schedule="cosine", seed=seed
    )
    config = Config(model=ModelConfig(units=48), training=training)
    train(meal_talk().training, tmp_path, config, meal_talk().validation, progress=False)
    assert_words_come_from_themselves(Chat.load(tmp_path).reply([QUESTION])[0])
