"""Dropout whose random numbers do not depend on how a batch is sharded."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.models.layers.matmul import EmbeddedIds
from attention_seq2seq.utils.rng import RngStream, BatchRng


def dropout(
    inputs: tf.Tensor, rate: float, draw: RngStream, draws: BatchRng | None, number: int = 0
) -> tf.Tensor:
    """Dropout: a share of the entries zero, the others scaled up, so that the mean stays.

    Args:
        inputs: float32[time, batch, units].
        rate: the share.
        draw: what for.
        draws: where random numbers come from; None: nothing is dropped.
        number: where there are several of a kind.
    """
    if draws is None or not rate:
        return inputs
    kept = draws.uniform(tf.shape(inputs), draw, number, batch_axis=1) >= rate
    return tf.ensure_shape(tf.where(kept, inputs * (1 / (1 - rate)), 0.0), inputs.shape)


def embed_with_dropout(
    embedding: keras.layers.Embedding,
    ids: tf.Tensor,
    rate: float | None,
    draw: RngStream,
    draws: BatchRng | None,
) -> tf.Tensor | EmbeddedIds:
    """Embeddings float32[time, batch, units] of words, of which a share is dropped in training.

    Where they are spared, a word has the same embedding wherever it stands: in training words of
    a vocabulary smaller than an embedding is wide are left to be looked up.

    Args:
        embedding: of the vocabulary.
        ids: int32[time, batch].
        rate: the share; None: embeddings are spared.
        draw: what for.
        draws: where random numbers come from; None: this is no training.
    """
    if rate is not None:
        return dropout(embedding(ids), rate, draw, draws)
    if draws and embedding.input_dim <= embedding.output_dim:
        return EmbeddedIds(embedding.embeddings, ids)
    return embedding(ids)
