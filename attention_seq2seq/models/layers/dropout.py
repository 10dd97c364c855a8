"""Dropout whose random numbers do not depend on how a batch is sharded."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.models.layers.matmul import EmbeddedIds
from attention_seq2seq.utils.rng import BatchRng, RngStream


def dropout(
    inputs: tf.Tensor, rate: float, stream: RngStream, rng: BatchRng | None, index: int = 0
) -> tf.Tensor:
    """Sets a fraction of the entries to zero, and scales the others to keep the mean.

    Args:
        inputs: float32[time, batch, units], activations.
        rate: fraction of the entries that become zero.
        stream: the stream of random numbers.
        rng: random numbers of the batch; None disables dropout.
        index: index that distinguishes several uses of one stream, such as a layer index.

    Returns:
        float32[time, batch, units], activations after dropout.
    """
    if rng is None or not rate:
        return inputs
    mask = rng.uniform(tf.shape(inputs), stream, index, batch_axis=1) >= rate
    return tf.ensure_shape(tf.where(mask, inputs * (1 / (1 - rate)), 0.0), inputs.shape)


def embed_with_dropout(
    embedding: keras.layers.Embedding,
    ids: tf.Tensor,
    rate: float | None,
    stream: RngStream,
    rng: BatchRng | None,
) -> tf.Tensor | EmbeddedIds:
    """Looks up embeddings, with dropout in training.

    Without dropout, a token has the same embedding at every position. In training, the lookup is
    then deferred to the following product if the vocabulary is not larger than the embedding width.

    Args:
        embedding: the embedding layer.
        ids: int32[time, batch], token ids.
        rate: fraction of the entries that become zero; None disables dropout on embeddings.
        stream: the stream of random numbers.
        rng: random numbers of the batch; None outside of training.

    Returns:
        float32[time, batch, units], or the ids with the embeddings to look up.
    """
    if rate is not None:
        return dropout(embedding(ids), rate, stream, rng)
    if rng and embedding.input_dim <= embedding.output_dim:
        return EmbeddedIds(embedding.embeddings, ids)
    return embedding(ids)
