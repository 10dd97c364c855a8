"""Weights of a model made the tutorials' way, copied as the README says: the same replies."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.models.seq2seq import make_model
from experiments.benchmarks.baselines.tfa_training import TutorialSeq2Seq
from helpers.reference_tfa import tfa
from helpers.toy_models import make_processors

ROOT = Path(__file__).parents[2]
BEGIN, END, UNITS, WORDS, LIMIT = 1, 2, 6, 17, 12
ROW = re.compile(r"^\| `((?:en|de)coder/[\w/]+)` \| `([\w.\[\]]+)` \|$", re.MULTILINE)


def mapping(name):
    """Our names of weights, and where the tutorial has them, from the README's table."""
    return dict(ROW.findall((ROOT / name).read_text(encoding="utf-8")))


def in_tutorial(model, path):
    return eval(path, {"model": model, "decoder": model.decoder, "cell": model.decoder.cell})


def tutorials_greedy(model, ids, length):
    mask = tf.sequence_mask(length, ids.shape[1])
    memory, _, _ = model.encoder(model.source_embedding(ids), mask=mask)
    model.mechanism.setup_memory(memory, length)
    decoder = tfa.seq2seq.BasicDecoder(
        model.decoder.cell,
        tfa.seq2seq.GreedyEmbeddingSampler(),
        output_layer=model.decoder.output_layer,
        maximum_iterations=LIMIT,
    )
    outputs, _, lengths = decoder(
        model.target_embedding.embeddings,
        start_tokens=tf.fill([len(ids)], BEGIN),
        end_token=END,
        initial_state=model.decoder.cell.get_initial_state(batch_size=len(ids), dtype=tf.float32),
    )
    return outputs.sample_id.numpy(), lengths.numpy()


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_copied_weights_give_the_same_replies(readme):
    keras.utils.set_random_seed(3)
    tutorial = TutorialSeq2Seq(UNITS, WORDS)
    draw = np.random.default_rng(3)
    ids = tf.constant(draw.integers(5, WORDS, [40, 7]), tf.int32)
    length = tf.constant(draw.integers(1, 8, 40), tf.int32)
    tutorial(ids, length, ids)
    for variable in tutorial.trainable_variables:
        variable.assign(draw.normal(0, 0.8, variable.shape))
    model = make_model(ModelConfig(units=UNITS), WORDS, WORDS)
    names = mapping(readme)
    assert names.keys() == model.named_weights().keys()
    for name, variable in model.named_weights().items():
        variable.assign(in_tutorial(tutorial, names[name]))
    expected, lengths = tutorials_greedy(tutorial, ids, length)
    step, state = model.prepare_decoding(ids, length)
    found = greedy_search(step, state, make_processors(40), BEGIN, END, tf.constant(LIMIT))
    np.testing.assert_array_equal(found.lengths, lengths)
    for row, end in enumerate(lengths):
        np.testing.assert_array_equal(found.ids[row, :end], expected[row, :end])
    assert len({tuple(row) for row in expected}) > 10
