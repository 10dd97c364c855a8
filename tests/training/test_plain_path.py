"""Training is as fast as it is without being another training."""

import numpy as np
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
from attention_seq2seq.training.train_step import TrainStep
from helpers.reference_models import TFASeq2Seq, tfa
from helpers.small_models import to_arrays

BEGIN = 1
STEPS, UNITS = 200, 48


def plain_train_step(oracle, optimizer):
    """The tutorial's way: the projection in the loop, padding and all, Keras' Adam, dense rows."""

    @tf.function(reduce_retracing=True)
    def train_step(batch):
        target_ids, length = batch["target_ids"], batch["target_length"]
        begin = tf.fill([tf.shape(target_ids)[0], 1], BEGIN)
        target_input_ids = tf.concat([begin, target_ids[:, :-1]], axis=1)
        with tf.GradientTape() as tape:
            logits = oracle.logits(
                batch["source_ids"], batch["source_length"], target_input_ids, length
            )
            real = tf.sequence_mask(length, tf.shape(target_ids)[1], dtype=tf.float32)
            loss = tfa.seq2seq.sequence_loss(logits, target_ids, real)
        variables = list(oracle.variables.values())
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
        optimizer.apply_gradients(zip(gradients, variables))
        return loss

    return train_step


def meals(tokenizer, pairs, seed):
    source = [tokenizer.source.encode(pair.prompt, 60) for pair in pairs]
    target = [tokenizer.target.encode(pair.reply) for pair in pairs]
    return train_batches(InMemoryPairs(source, target), 24, epochs=20, seed=seed).take(STEPS)


def test_the_loss_of_200_steps_is_that_of_the_plain_path():
    pairs = meal_dialogues().training
    tokenizer = Seq2SeqTokenizer.build(pairs, TextConfig())
    words = len(tokenizer.target.vocabulary)
    keras.utils.set_random_seed(1)
    config = ModelConfig(units=UNITS)
    model = make_model(config, words, words)
    oracle = TFASeq2Seq(to_arrays(model), config)
    plain_optimizer = keras.optimizers.Adam(0.001, global_clipnorm=0.5)
    plain_optimizer.build(list(oracle.variables.values()))
    plain = plain_train_step(oracle, plain_optimizer)
    options = TrainingConfig(compute_dtype="float32", clip_norm=0.5)
    optimizer = keras.optimizers.Adam(0.001)
    optimizer.build(model.trainable_variables)
    dataset = meals(tokenizer, pairs, seed=3)
    update = TrainStep(Seq2SeqObjective(model, BEGIN, options), optimizer, dataset.element_spec)
    losses, expected, clip_by_global_norm = [], [], 0
    for batch in dataset:
        result = update([batch])
        losses.append(result.loss / result.num_tokens)
        clip_by_global_norm += result.grad_norm > options.clip_norm
        expected.append(float(plain(batch)))
    assert len(losses) == STEPS
    np.testing.assert_allclose(losses, expected, atol=1e-4)
    # It was a training: most of the loss is gone, and gradients were clipped on the way.
    assert losses[-1] < losses[0] - 2
    assert 0 < clip_by_global_norm < STEPS
