"""Pairs as ids in TFRecord files, in an order that a seed alone decides.

The place of a pair among all others is a hash of the seed and of its place in the corpus. Each
chunk is encoded and sorted by these hashes; a shard is then a range of them, taken out of all
chunks. So the shards depend neither on the number of processes nor on when one was stopped.
"""

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, Vocabulary
from attention_seq2seq.utils.files import part_of, whole_file

# What TFRecord puts around the bytes of a record: their number, and two checksums.
_FRAME = 16


def order_of(places: np.ndarray, seed: int) -> np.ndarray:
    """uint64[places]: where each pair stands, a random number made of its place and a seed.

    SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014):
    different places have different numbers.
    """
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        mixed = mixed + (places.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def encode(
    chunk_path: Path, tokenizer: Seq2SeqTokenizer, places: np.ndarray, seed: int, path: Path
) -> None:
    """Writes some pairs of a chunk: a TFRecord file, and beside it where each of them lies.

    Args:
        chunk_path: the chunk.
        tokenizer: its vocabularies.
        places: int64[pairs], the place in the corpus of each pair to be written; -1 for the others.
        seed: of the order.
        path: of the TFRecord file; the other one is an index, uint64[written, 2], the number of
            each in the order, and where it ends in the file.
    """
    import tensorflow as tf

    chunk = Chunk.load(chunk_path)
    rows = np.flatnonzero(places >= 0)
    order = order_of(places[rows], seed)
    rows, order = rows[np.argsort(order)].tolist(), np.sort(order)
    (source_ids, source_length), (target_ids, target_length) = chunk.sides
    sources = _rows(
        _known(source_ids, chunk, tokenizer.source.vocabulary), source_length, chunk.unread
    )
    targets = _rows(_known(target_ids, chunk, tokenizer.target.vocabulary), target_length)
    sizes = []
    try:
        with part_of(path) as temporary, tf.io.TFRecordWriter(os.fsencode(temporary)) as file:
            for row in rows:
                record = _record(tf, sources(row), [*targets(row), EOS])
                sizes.append(len(record) + _FRAME)
                file.write(record)
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be written: {error.message}") from None
    with whole_file(index_of(path)) as file:
        np.save(file, np.stack([order, np.cumsum(sizes, dtype=np.uint64)], axis=1))


def index_of(path: Path) -> Path:
    """The index beside a TFRecord file that `encode` has written; it is there when all is."""
    return path.with_suffix(".npy")


def _record(tf, source_ids: list[int], target_ids: list[int]) -> bytes:
    example = tf.train.Example()
    features = example.features.feature
    features["source_ids"].int64_list.value.extend(source_ids)
    features["target_ids"].int64_list.value.extend(target_ids)
    return example.SerializeToString(deterministic=True)


def _known(ids: np.ndarray, chunk: Chunk, vocabulary: Vocabulary) -> np.ndarray:
    """The ids in a vocabulary of ids within a chunk; those of special words are the same."""
    special = range(len(SPECIALS))
    return np.array([*special, *vocabulary.ids(chunk.words[len(SPECIALS) :])])[ids]


def _rows(ids: np.ndarray, lengths: np.ndarray, unread=0) -> Callable[[int], list[int]]:
    """Gives the ids of a row, without its first unread ones."""
    ends = np.cumsum(lengths)
    begins = ends - lengths + unread
    return lambda row: ids[begins[row] : ends[row]].tolist()


def write_shard(encoded: Sequence[Path], number: int, num_shards: int, path: Path) -> None:
    """Collects a range of the order from all chunks into one TFRecord file.

    Args:
        encoded: what `encode` has written, in the order of the chunks.
        number: of the shard, from 0.
        num_shards: how many there are; together they hold every pair once.
        path: of the shard.
    """
    first, last = (-(-(i << 64) // num_shards) for i in (number, number + 1))
    orders, records = [], []
    for file in encoded:
        index = np.load(index_of(file), mmap_mode="r")
        order, ends = index[:, 0], index[:, 1]
        begin = np.searchsorted(order, np.uint64(first))
        end = len(order) if last >> 64 else np.searchsorted(order, np.uint64(last))
        if begin == end:
            continue
        orders.append(np.array(order[begin:end]))
        offset = int(ends[begin - 1]) if begin else 0
        with file.open("rb") as content:
            content.seek(offset)
            piece = content.read(int(ends[end - 1]) - offset)
        places = [0, *(ends[begin:end].astype(np.int64) - offset).tolist()]
        records += [piece[a:b] for a, b in pairwise(places)]
    order = np.argsort(np.concatenate(orders)) if orders else []
    with whole_file(path) as file:
        file.writelines(records[row] for row in order)
