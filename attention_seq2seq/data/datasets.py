"""Datasets of pairs of token ids, in memory or in TFRecord files."""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Number of pairs in the shuffle buffer, which takes tens of megabytes. The files are already in
# random order. The buffer changes the order in each epoch.
_SHUFFLE_BUFFER_SIZE = 1 << 16
_NUM_INTERLEAVED_FILES = 8
_FEATURES = {
    name: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    for name in ("source_ids", "target_ids")
}


class InMemoryPairs:
    """Pairs as lists of ids.

    Args:
        source: ids of each prompt, at least one id.
        target: ids of each reply, EOS included.
    """

    def __init__(self, source: Sequence[Sequence[int]], target: Sequence[Sequence[int]]):
        self._source, self._target = _to_ragged(source), _to_ragged(target)
        self._num_pairs = len(source)

    def __len__(self) -> int:
        return self._num_pairs

    def pools(
        self, pool_size: int, seed: tf.Tensor | None = None, start_pool: int = 0
    ) -> tf.data.Dataset:
        """Returns the pairs in pools, each pair once.

        Args:
            pool_size: number of pairs per pool; the last pool may have fewer.
            seed: int32[2], shuffling seed; None: pairs are not shuffled.
            start_pool: number of pools to skip, which takes no time.

        Returns:
            A dataset of pairs of int32 `RaggedTensor`: [pool, source_time], [pool, target_time].
        """
        # Shuffling indices and gathering whole pools is faster than one operation per row.
        indices = tf.range(len(self), dtype=tf.int64)
        if seed is not None:
            indices = tf.random.experimental.stateless_shuffle(indices, seed)
        pools = tf.data.Dataset.from_tensor_slices(indices).batch(pool_size).skip(start_pool)
        return pools.map(
            lambda pool: (tf.gather(self._source, pool), tf.gather(self._target, pool))
        )


class TFRecordPairs:
    """Pairs in TFRecord files written by `prepare`.

    Args:
        paths: paths of the files.
        num_pairs: number of pairs in all files.
    """

    def __init__(self, paths: Sequence[str], num_pairs: int):
        # Bytes, because names may not be UTF-8.
        self._paths = list(map(os.fsencode, paths))
        self._num_pairs = num_pairs

    def __len__(self) -> int:
        return self._num_pairs

    def pools(
        self, pool_size: int, seed: tf.Tensor | None = None, start_pool: int = 0
    ) -> tf.data.Dataset:
        """Returns the pairs in pools. Shuffles the files, and pairs within a large buffer."""
        paths = tf.constant(self._paths)
        if seed is None:
            records = tf.data.Dataset.from_tensor_slices(paths).flat_map(tf.data.TFRecordDataset)
        else:
            paths = tf.random.experimental.stateless_shuffle(paths, seed)
            files = tf.data.Dataset.from_tensor_slices(paths)
            records = files.interleave(tf.data.TFRecordDataset, cycle_length=_NUM_INTERLEAVED_FILES)
            shuffle_seed = tf.random.stateless_uniform(
                [], seed, maxval=None, dtype=tf.int64, minval=None
            )
            records = records.shuffle(
                _SHUFFLE_BUFFER_SIZE, seed=shuffle_seed, reshuffle_each_iteration=False
            )
        pools = records.batch(pool_size).skip(start_pool)
        return pools.map(_parse_records, num_parallel_calls=tf.data.AUTOTUNE)


def _parse_records(records: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    ids = tf.io.parse_example(records, _FEATURES)
    return tuple(tf.cast(ids[name], tf.int32) for name in ("source_ids", "target_ids"))


def _to_ragged(rows: Sequence[Sequence[int]]) -> tf.RaggedTensor:
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat_ids = np.fromiter((i for row in rows for i in row), np.int32, lengths.sum())
    return tf.RaggedTensor.from_row_lengths(flat_ids, lengths)
