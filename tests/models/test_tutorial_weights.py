"""Weights copied from a tutorial model (see docs/migration.md) give the same replies."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq import seq2seq
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.models.seq2seq import make_model
from experiments.benchmarks.baselines.tfa_training import TutorialSeq2Seq
from helpers.reference_models import requires_tfa, tfa
from helpers.toy_models import make_processors

ROOT = Path(__file__).parents[2]
BOS_ID, EOS_ID, UNITS, VOCABULARY_SIZE, MAX_LENGTH = 1, 2, 6, 17, 12
ROW = re.compile(r"^\| `((?:en|de)coder/[\w/]+)` \| `([\w.\[\]]+)` \|$", re.MULTILINE)


def read_weight_table(name):
    """Returns a document's table: weight name to its expression in the tutorial model."""
    return dict(ROW.findall((ROOT / name).read_text(encoding="utf-8")))


def tutorial_variable(model, path):
    return eval(path, {"model": model, "decoder": model.decoder, "cell": model.decoder.cell})


def tutorial_greedy_search(model, ids, length, layers):
    mask = tf.sequence_mask(length, ids.shape[1])
    memory, _, _ = model.encoder(model.source_embedding(ids), mask=mask)
    model.mechanism.setup_memory(memory, length)
    decoder = layers.BasicDecoder(
        model.decoder.cell,
        layers.GreedyEmbeddingSampler(),
        output_layer=model.decoder.output_layer,
        maximum_iterations=MAX_LENGTH,
    )
    outputs, _, lengths = decoder(
        model.target_embedding.embeddings,
        start_tokens=tf.fill([len(ids)], BOS_ID),
        end_token=EOS_ID,
        initial_state=model.decoder.cell.get_initial_state(batch_size=len(ids), dtype=tf.float32),
    )
    return outputs.sample_id.numpy(), lengths.numpy()


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param(tfa and tfa.seq2seq, id="TensorFlow Addons", marks=requires_tfa),
        pytest.param(seq2seq, id="drop-in"),
    ],
)
def test_copied_weights_give_the_same_replies(layers):
    keras.utils.set_random_seed(3)
    tutorial = TutorialSeq2Seq(UNITS, VOCABULARY_SIZE, layers)
    rng = np.random.default_rng(3)
    ids = tf.constant(rng.integers(5, VOCABULARY_SIZE, [40, 7]), tf.int32)
    length = tf.constant(rng.integers(1, 8, 40), tf.int32)
    tutorial(ids, length, ids)
    for variable in tutorial.trainable_variables:
        variable.assign(rng.normal(0, 0.8, variable.shape))
    model = make_model(ModelConfig(units=UNITS), VOCABULARY_SIZE, VOCABULARY_SIZE)
    names = read_weight_table("docs/migration.md")
    assert names.keys() == model.named_weights().keys()
    for name, variable in model.named_weights().items():
        variable.assign(tutorial_variable(tutorial, names[name]))
    expected, lengths = tutorial_greedy_search(tutorial, ids, length, layers)
    step, state = prepare_decoding(model, ids, length)
    hypotheses = greedy_search(step, state, make_processors(40), tf.constant(MAX_LENGTH))
    np.testing.assert_array_equal(hypotheses.lengths, lengths)
    for row, reply_length in enumerate(lengths):
        np.testing.assert_array_equal(
            hypotheses.ids[row, :reply_length], expected[row, :reply_length]
        )
    assert len({tuple(row) for row in expected}) > 10
