"""Batches of sequences of different lengths."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf


def bucket_by_length(rows: Sequence[Sequence], batch_size: int) -> Iterator[list[int]]:
    """Yields the indices of each batch. Rows of similar length share a batch.

    Args:
        rows: sequences.
        batch_size: maximum number of rows in a batch.

    Example:
        >>> list(bucket_by_length([[1, 2], [3], [4, 5, 6]], batch_size=2))
        [[1, 0], [2]]
    """
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def pad_batch(rows: Sequence[Sequence[int]], padding: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Pads rows to the length of the longest.

    Args:
        rows: at least one sequence of ids.
        padding: id at the end of shorter rows.

    Returns:
        Ids int32[batch, time] and lengths int32[batch].

    Example:
        >>> ids, lengths = pad_batch([[7], [8, 9]])
        >>> ids.numpy().tolist(), lengths.numpy().tolist()
        ([[7, 0], [8, 9]], [1, 2])
    """
    lengths = [len(row) for row in rows]
    ids = np.full([len(rows), max(lengths)], padding, np.int32)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
    return tf.constant(ids), tf.constant(lengths, tf.int32)


def check_texts(name: str, texts: Sequence[str]) -> None:
    """Checks that texts are a list of strings.

    Raises:
        TypeError: `texts` is not a list, or a value is not a string.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(
            f"{name} is a single {type(texts).__name__}, {texts!r}; expected a list of strings: "
            f"[{texts!r}]."
        )
    is_list = hasattr(texts, "__len__") and hasattr(texts, "__getitem__")
    if not is_list or isinstance(texts, Mapping):
        raise TypeError(
            f"{name} is a {type(texts).__name__}; expected a list of strings. Convert an "
            f"iterable with list({name})."
        )
    for position, text in enumerate(texts):
        if not isinstance(text, str | bytes):
            raise TypeError(f"{name}[{position}] is {text!r}; expected a string.")
