"""The optimized train step equals the plain training loop of the tutorial."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.batching import train_batches
from attention_seq2seq.data.datasets import InMemoryPairs
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.training.optimizers import Adam
from attention_seq2seq.training.train_step import TrainStep
from helpers.reference_models import TFASeq2Seq, requires_tfa, tfa
from helpers.small_models import BOS_ID, to_arrays

NUM_STEPS, UNITS = 200, 48


def make_reference_train_step(reference_model, optimizer):
    """Returns a step with a projection of each token and padding, and with dense gradients."""

    @tf.function(reduce_retracing=True)
    def train_step(batch):
        target_ids, target_length = batch["target_ids"], batch["target_length"]
        bos_ids = tf.fill([tf.shape(target_ids)[0], 1], BOS_ID)
        target_input_ids = tf.concat([bos_ids, target_ids[:, :-1]], axis=1)
        with tf.GradientTape() as tape:
            logits = reference_model.logits(
                batch["source_ids"], batch["source_length"], target_input_ids, target_length
            )
            mask = tf.sequence_mask(target_length, tf.shape(target_ids)[1], dtype=tf.float32)
            loss = tfa.seq2seq.sequence_loss(logits, target_ids, mask)
        variables = list(reference_model.variables.values())
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
        optimizer.apply_gradients(zip(gradients, variables))
        return loss

    return train_step


def make_meal_batches(tokenizer, pairs, seed):
    source = [tokenizer.source.encode(pair.prompt, 60) for pair in pairs]
    target = [tokenizer.target.encode(pair.reply) for pair in pairs]
    batches = train_batches(InMemoryPairs(source, target), 24, epochs=20, seed=seed)
    return batches.take(NUM_STEPS)


@requires_tfa
@pytest.mark.slow
def test_the_losses_of_200_steps_equal_those_of_the_reference():
    pairs = meal_dialogues().training
    tokenizer = Seq2SeqTokenizer.build(pairs, TextConfig())
    vocabulary_size = len(tokenizer.target.vocabulary)
    keras.utils.set_random_seed(1)
    config = ModelConfig(units=UNITS)
    model = make_model(config, vocabulary_size, vocabulary_size)
    reference_model = TFASeq2Seq(to_arrays(model), config)
    reference_optimizer = keras.optimizers.Adam(0.001, global_clipnorm=0.5)
    reference_optimizer.build(list(reference_model.variables.values()))
    reference_train_step = make_reference_train_step(reference_model, reference_optimizer)
    options = TrainingConfig(compute_dtype="float32", clip_norm=0.5)
    optimizer = Adam(0.001)
    optimizer.build(model.named_weights())
    batches = make_meal_batches(tokenizer, pairs, seed=3)
    objective = Seq2SeqObjective(model, BOS_ID, options)
    train_step = TrainStep(objective, optimizer, batches.element_spec)
    losses, expected_losses, num_clipped = [], [], 0
    for batch in batches:
        gradients, result = train_step.gradients([batch])
        train_step.apply(gradients)
        losses.append(result.loss / result.num_tokens)
        num_clipped += result.grad_norm > options.clip_norm
        expected_losses.append(float(reference_train_step(batch)))
    assert len(losses) == NUM_STEPS
    np.testing.assert_allclose(losses, expected_losses, atol=1e-4)
    # The model has learned, and some gradients were clipped.
    assert losses[-1] < losses[0] - 2
    assert 0 < num_clipped < NUM_STEPS
