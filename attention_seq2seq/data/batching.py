"""Ids to batches: rows of similar length together, through tf.data."""

import tensorflow as tf

from attention_seq2seq.data.datasets import InMemoryDataset, TFRecordPairs
from attention_seq2seq.utils.rng import RngStream, fold_in
from attention_seq2seq.utils.tf_function import as_it_stands

# Rows are sorted by length within pools of this many batches. Every batch is full, so that no
# handful of unusually long rows is an update of its own. A larger pool pads less, but batches
# whose rows are all too much alike teach worse: with 256 a small corpus was a single pool.
_POOL = 64


def num_batches(pairs: InMemoryDataset | TFRecordPairs, batch_size: int) -> int:
    """Batches in an epoch."""
    return -(-len(pairs) // batch_size)


@as_it_stands
def batches(pairs: InMemoryDataset | TFRecordPairs, batch_size: int) -> tf.data.Dataset:
    """All pairs once, to be measured on: each batch padded to its own longest row.

    Args:
        pairs: as ids.
        batch_size: pairs in a batch; one of an epoch may have fewer.

    Returns:
        A dataset whose elements are dicts of int32 tensors: source_ids [batch, source_time],
        source_length [batch], target_ids [batch, target_time], target_length [batch]. All shapes
        are open, so a model is traced once.
    """
    pools = pairs.pools(_POOL * batch_size)
    batched = pools.flat_map(
        lambda source, target: _batches_of_pool(*_sort_by_length(source, target), batch_size)
    )
    return batched.prefetch(tf.data.AUTOTUNE)


@as_it_stands
def train_batches(
    pairs: InMemoryDataset | TFRecordPairs,
    batch_size: int,
    epochs: int,
    seed: int,
    first: int = 0,
    unknown_probability: float = 0.0,
    unknown_id: int = 0,
    empty_probability: float = 0.0,
) -> tf.data.Dataset:
    """The batches of all epochs, each epoch in an order of its own, from any batch on.

    What a batch is depends on the seed and its number alone: begun in the middle, the batches are
    those that they would have been.

    Args:
        pairs: as ids.
        batch_size: see `batches`.
        epochs: how often each pair comes.
        seed: of the order, and of what is drawn.
        first: the number of the first batch, counted from the first epoch's first on.
        unknown_probability: share of source ids that become `unknown_id`, anew each epoch.
        unknown_id: the id of the unknown word.
        empty_probability: share of the prompts that the model is not to see, anew each epoch.

    Returns:
        A dataset of what `batches` makes, and beside it: number int64[], of the batch; with an
        `empty_probability` also emptied bool[batch].
    """
    in_epoch = num_batches(pairs, batch_size)

    def batches_of_epoch(epoch):
        left_out = tf.maximum(first - epoch * in_epoch, 0)
        pools = pairs.pools(
            _POOL * batch_size, fold_in(RngStream.SHUFFLE_EXAMPLES, seed, epoch), left_out // _POOL
        )
        numbered = tf.data.Dataset.zip((tf.data.Dataset.range(in_epoch), pools))
        batched = numbered.flat_map(
            lambda pool, sides: _batches_of_pool(
                *_sort_by_length(*sides),
                batch_size,
                fold_in(RngStream.SHUFFLE_BATCHES, seed, epoch, left_out // _POOL + pool),
            )
        )
        return batched.skip(left_out % _POOL)

    def with_draws(number, batch):
        batch = {**batch, "number": number}
        if unknown_probability:
            draw = fold_in(RngStream.WORD_DROPOUT, seed, number)
            batch["source_ids"] = _apply_word_dropout(batch, draw, unknown_probability, unknown_id)
        if empty_probability:
            draw = fold_in(RngStream.PROMPT_DROPOUT, seed, number)
            chance = tf.random.stateless_uniform(tf.shape(batch["source_length"]), draw)
            batch["emptied"] = chance < empty_probability
        return batch

    batched = tf.data.Dataset.range(first // in_epoch, epochs).flat_map(batches_of_epoch)
    batched = batched.enumerate(start=first)
    return batched.map(with_draws, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _sort_by_length(
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
    source: tf.RaggedTensor,
    target: tf.RaggedTensor,
    batch_size: int,
    seed: tf.Tensor | None = None,
) -> tf.data.Dataset:
    """Consecutive rows together; many at once, since an operation for each row costs its time.

    Args:
        source: int32[rows, source_time].
        target: int32[rows, target_time].
        batch_size: rows in a batch.
        seed: of the order of batches; None: as the rows are.
    """
    first_rows = tf.range(0, source.nrows(), batch_size)
    if seed is not None:
        first_rows = tf.random.experimental.stateless_shuffle(first_rows, seed)

    def batch(first):
        source_ids, target_ids = (side[first : first + batch_size] for side in (source, target))
        return {
            "source_ids": source_ids.to_tensor(),
            "source_length": tf.cast(source_ids.row_lengths(), tf.int32),
            "target_ids": target_ids.to_tensor(),
            "target_length": tf.cast(target_ids.row_lengths(), tf.int32),
        }

    return tf.data.Dataset.from_tensor_slices(first_rows).map(batch)


def _apply_word_dropout(batch, seed: tf.Tensor, probability: float, unknown_id: int) -> tf.Tensor:
    source_ids = batch["source_ids"]
    chance = tf.random.stateless_uniform(tf.shape(source_ids), seed)
    real = tf.sequence_mask(batch["source_length"], tf.shape(source_ids)[1])
    return tf.where(real & (chance < probability), unknown_id, source_ids)
