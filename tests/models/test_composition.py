"""`Seq2Seq` works with any encoder that returns an `EncoderOutput`."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.models.decoder import Decoder
from attention_seq2seq.models.encoder import EncoderOutput
from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.text.vocabulary import EOS
from helpers.small_models import BOS_ID, make_objective, random_batch, training_losses
from helpers.toy_models import make_params

UNITS, VOCABULARY_SIZE = 4, 11


class FeatureEncoder(keras.layers.Layer):
    """A dense layer on fixed feature vectors, without a recurrent state."""

    def __init__(self):
        super().__init__(name="feature_encoder")
        features = np.random.default_rng(1).normal(size=[20, 7])
        self.features = tf.constant(features, tf.float32)
        self.projection = keras.layers.Dense(UNITS, name="projection")
        self.projection.build([None, 7])

    def call(self, source_ids, source_length, rng=None, dtype=tf.float32):
        outputs = self.projection(tf.gather(self.features, source_ids))
        return EncoderOutput(outputs, source_length, ())

    def named_weights(self):
        return {"projection/kernel": self.projection.kernel}


@pytest.mark.parametrize("attention", ["luong", "bahdanau_monotonic"])
def test_encoders_without_a_final_state_train_and_generate(attention):
    keras.utils.set_random_seed(1)
    decoder = Decoder(ModelConfig(units=UNITS, attention=attention), VOCABULARY_SIZE)
    model = Seq2Seq(FeatureEncoder(), decoder)
    assert "encoder/projection/kernel" in model.named_weights()
    batch = random_batch(3, 5, 4, seed=1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(training_losses(make_objective(model), batch))
    gradient = tape.gradient(loss, model.encoder.projection.kernel)
    assert tf.reduce_max(tf.abs(gradient)) > 0
    generator = SequenceGenerator(model, BOS_ID, EOS)
    prompts = batch["source_ids"], batch["source_length"], -tf.ones_like(batch["source_ids"])
    hypotheses = generator.greedy_search(*prompts, make_params(max_length=6).pack())
    assert hypotheses.ids.shape == (3, 6)


def test_starting_from_an_encoder_without_a_final_state_raises():
    config = ModelConfig(units=UNITS, initial_state="encoder")
    model = Seq2Seq(FeatureEncoder(), Decoder(config, VOCABULARY_SIZE))
    with pytest.raises(ValueError, match="final_state of the encoder has 0 layers; expected at"):
        model(tf.constant([[1, 2]]), tf.constant([2]), tf.constant([[1]]))
