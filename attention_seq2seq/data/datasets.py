"""Pairs as ids, in memory or in shards on the disk: where batches are made of."""

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Of shards, so many pairs are shuffled at once: some tens of megabytes. Shards come shuffled
# from their preparation; this is for each epoch to be another one.
_SHUFFLED = 1 << 16
_FILES_AT_ONCE = 8
_FEATURES = {
    name: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
    for name in ("source_ids", "target_ids")
}


class InMemoryDataset:
    """Pairs as lists of ids.

    Args:
        source: the ids of each prompt, at least one.
        target: the ids of each reply, end of reply included.
    """

    def __init__(self, source: Sequence[Sequence[int]], target: Sequence[Sequence[int]]):
        self._source, self._target = _ragged(source), _ragged(target)
        self._num_pairs = len(source)

    def __len__(self) -> int:
        return self._num_pairs

    def pools(self, size: int, seed: tf.Tensor | None = None, first: int = 0) -> tf.data.Dataset:
        """Some pairs at a time, each pair once.

        Args:
            size: pairs in a pool; the last one may have fewer.
            seed: int32[2], of their order; None: as they are.
            first: so many pools are left out, without the work of making them.

        Returns:
            A dataset of pairs of int32 `RaggedTensor`: [pool, source_time], [pool, target_time].
        """
        # Numbers are shuffled, then whole pools gathered: an operation for each row costs its time.
        rows = tf.range(len(self), dtype=tf.int64)
        if seed is not None:
            rows = tf.random.experimental.stateless_shuffle(rows, seed)
        rows = tf.data.Dataset.from_tensor_slices(rows).batch(size).skip(first)
        return rows.map(lambda pool: (tf.gather(self._source, pool), tf.gather(self._target, pool)))


class TFRecordPairs:
    """Pairs in TFRecord files as `prepare` writes them.

    Args:
        paths: the files.
        num_pairs: in all of them.
    """

    def __init__(self, paths: Sequence[str], num_pairs: int):
        # As bytes, for a name that is not UTF-8.
        self._paths = list(map(os.fsencode, paths))
        self._num_pairs = num_pairs

    def __len__(self) -> int:
        return self._num_pairs

    def pools(self, size: int, seed: tf.Tensor | None = None, first: int = 0) -> tf.data.Dataset:
        """As `InMemoryDataset.pools`; shuffles the files, and pairs within a large buffer."""
        paths = tf.constant(self._paths)
        if seed is None:
            records = tf.data.Dataset.from_tensor_slices(paths).flat_map(tf.data.TFRecordDataset)
        else:
            paths = tf.random.experimental.stateless_shuffle(paths, seed)
            files = tf.data.Dataset.from_tensor_slices(paths)
            records = files.interleave(tf.data.TFRecordDataset, cycle_length=_FILES_AT_ONCE)
            draw = tf.random.stateless_uniform([], seed, maxval=None, dtype=tf.int64, minval=None)
            records = records.shuffle(_SHUFFLED, seed=draw, reshuffle_each_iteration=False)
        records = records.batch(size).skip(first)
        return records.map(_parsed, num_parallel_calls=tf.data.AUTOTUNE)


def _parsed(records: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    ids = tf.io.parse_example(records, _FEATURES)
    return tuple(tf.cast(ids[name], tf.int32) for name in ("source_ids", "target_ids"))


def _ragged(rows: Sequence[Sequence[int]]) -> tf.RaggedTensor:
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = np.fromiter((i for row in rows for i in row), np.int32, lengths.sum())
    return tf.RaggedTensor.from_row_lengths(flat, lengths)
