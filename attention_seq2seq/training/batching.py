"""Ids to batches: rows of similar length together, through tf.data."""

import tensorflow as tf

from attention_seq2seq.training.encoded_pairs import InMemory, Shards

# Rows are sorted by length within pools of this many batches. Every batch is full, so that no
# handful of unusually long rows is an update of its own. A larger pool pads less, but batches
# whose rows are all too much alike teach worse: with 256 a small corpus was a single pool.
_POOL = 64


def batches(
    pairs: InMemory | Shards,
    batch_size: int,
    seed: int | None = None,
    unknown_probability: float = 0.0,
    unknown_id: int = 0,
    empty_probability: float = 0.0,
) -> tf.data.Dataset:
    """Batches of pairs for `TeacherForcing`, each padded to its own longest row.

    Args:
        pairs: as ids.
        batch_size: pairs in a batch; one of an epoch may have fewer.
        seed: shuffles anew each epoch, reproducibly; None keeps the order.
        unknown_probability: share of source ids that become `unknown_id`, anew each epoch.
        unknown_id: the id of the unknown word.
        empty_probability: share of the prompts that the model is not to see, anew each epoch.

    Returns:
        A dataset of known cardinality, whose elements are dicts of int32 tensors: source_ids
        [batch, source_time], source_length [batch], target_ids [batch, target_time],
        target_length [batch]; with an `empty_probability` also emptied bool[batch]. All shapes
        are open, so a model is traced once.
    """
    num_batches = -(-len(pairs) // batch_size)
    batched = pairs.pools(_POOL * batch_size, seed).flat_map(
        lambda source, target: _batches_of_pool(*_sorted_by_length(source, target), batch_size)
    )
    if seed is not None:
        batched = batched.shuffle(_POOL, seed=seed, reshuffle_each_iteration=True)
    if unknown_probability or empty_probability:
        noise = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        batched = tf.data.Dataset.zip((batched, noise)).map(
            lambda batch, draw: _with_empty(
                _with_unknowns(batch, draw, unknown_probability, unknown_id),
                draw + 1,
                empty_probability,
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    batched = batched.apply(tf.data.experimental.assert_cardinality(num_batches))
    return batched.prefetch(tf.data.AUTOTUNE)


def _sorted_by_length(
    source: tf.RaggedTensor, target: tf.RaggedTensor
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """The rows of a pool by target length, two lengths together, and there by source length.

    Source lengths rise and fall in turn from one such pair to the next, so that a batch with rows
    of both has sources of much the same length too.
    """
    source_length, target_length = source.row_lengths(), target.row_lengths() // 2
    turned = tf.where(target_length % 2 == 0, source_length, -source_length)
    by_source = tf.argsort(turned, stable=True)
    by_target = tf.argsort(tf.gather(target_length, by_source), stable=True)
    order = tf.gather(by_source, by_target)
    return tf.gather(source, order), tf.gather(target, order)


def _batches_of_pool(
    source: tf.RaggedTensor, target: tf.RaggedTensor, batch_size: int
) -> tf.data.Dataset:
    """Consecutive rows together; many at once, since an operation for each row costs its time."""

    def batch(first):
        source_ids, target_ids = (side[first : first + batch_size] for side in (source, target))
        return {
            "source_ids": source_ids.to_tensor(),
            "source_length": tf.cast(source_ids.row_lengths(), tf.int32),
            "target_ids": target_ids.to_tensor(),
            "target_length": tf.cast(target_ids.row_lengths(), tf.int32),
        }

    return tf.data.Dataset.range(0, source.nrows(), batch_size).map(batch)


def _with_unknowns(batch, draw, probability: float, unknown_id: int):
    source_ids = batch["source_ids"]
    chance = tf.random.stateless_uniform(tf.shape(source_ids), seed=draw)
    real = tf.sequence_mask(batch["source_length"], tf.shape(source_ids)[1])
    unknown = tf.cast(unknown_id, source_ids.dtype)
    return {**batch, "source_ids": tf.where(real & (chance < probability), unknown, source_ids)}


def _with_empty(batch, draw, probability: float):
    if not probability:
        return batch
    chance = tf.random.stateless_uniform(tf.shape(batch["source_length"]), seed=draw)
    return {**batch, "emptied": chance < probability}
