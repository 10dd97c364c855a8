"""Writes encoded pairs to TFRecord shards, in an order that depends only on the seed.

The sort key of a pair is a hash of the seed and of the position of the pair in the corpus. Each
chunk is encoded and sorted by these keys. A shard is a range of keys, collected from all chunks. So
the shards do not depend on the number of processes or on interruptions.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.data.preprocessing.encoding import encode_ids
from attention_seq2seq.data.preprocessing.filters import PairFilter
from attention_seq2seq.data.preprocessing.tokenize import TokenizedCorpus
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS
from attention_seq2seq.utils.files import atomic_path, atomic_write, sha256_file
from attention_seq2seq.utils.native_output import import_tensorflow
from attention_seq2seq.utils.parallel import parallel_map
from attention_seq2seq.utils.progress import progress_bar

PAIRS_PER_SHARD = 1 << 17
SPLITS = ("training", "validation")

# Bytes of the length and the two checksums of a TFRecord.
_RECORD_OVERHEAD = 16


def write_shards(
    corpus: TokenizedCorpus,
    pair_filter: PairFilter,
    tokenizer: Seq2SeqTokenizer,
    max_source_length: int,
    seed: int,
    shard_dir: Path,
    num_workers: int,
    progress: bool,
    pairs_per_shard: int = PAIRS_PER_SHARD,
) -> dict[str, list[dict]]:
    """Writes the pairs of both splits as ids, shuffled by the seed.

    Args:
        corpus: the chunks.
        pair_filter: the remaining pairs, and their splits.
        tokenizer: the tokenizer whose vocabularies encode the tokens.
        max_source_length: maximum length of a prompt [tokens].
        seed: the shuffling seed.
        shard_dir: directory of the shards; existing shards must have the same pairs.
        num_workers: number of processes.
        progress: whether to show progress bars.
        pairs_per_shard: approximate number of pairs in a shard.

    Returns:
        For each split, the name, bytes and sha256 of each shard.
    """
    encoded_dir = shard_dir / "encoded"
    encoded_dir.mkdir(parents=True, exist_ok=True)
    tokenizer.save(encoded_dir)
    encoded_paths = {
        split: [encoded_dir / f"{split}-{path.stem}.tfrecord" for path in corpus.chunk_paths]
        for split in SPLITS
    }
    with progress_bar("encoding", len(corpus.chunk_paths) * len(SPLITS), "chunks", progress) as bar:
        tasks = (
            (chunk_path, encoded_dir, tokenizer.config, start, rows, seed, path, max_source_length)
            for split in SPLITS
            for chunk_path, (start, rows), path in zip(
                corpus.chunk_paths,
                _rows_by_chunk(corpus, pair_filter, split),
                encoded_paths[split],
            )
            if not index_path(path).is_file()
        )
        for _ in parallel_map(encode_chunk, tasks, num_workers):
            bar.update()
    counts = pair_filter.counts()
    shard_paths = {
        split: _shard_paths(shard_dir, split, -(-counts[split] // pairs_per_shard))
        for split in SPLITS
    }
    with progress_bar("writing", sum(map(len, shard_paths.values())), "shards", progress) as bar:
        tasks = (
            (encoded_paths[split], shard_index, len(shard_paths[split]), path)
            for split in SPLITS
            for shard_index, path in enumerate(shard_paths[split])
        )
        shards = []
        for shard in parallel_map(_write_shard_task, tasks, num_workers):
            shards.append(shard)
            bar.update()
    num_training = len(shard_paths["training"])
    return {"training": shards[:num_training], "validation": shards[num_training:]}


def shuffle_keys(positions: np.ndarray, seed: int) -> np.ndarray:
    """Returns uint64[positions], distinct pseudorandom sort keys of positions in the corpus.

    Source:
        SplitMix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014.
    """
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        mixed = mixed + (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def encode_chunk(
    chunk_path: Path,
    tokenizer_dir: Path,
    text: TextConfig,
    start: int,
    rows: np.ndarray,
    seed: int,
    path: Path,
    max_source_length: int,
) -> None:
    """Writes some pairs of a chunk to a TFRecord file, with an index beside it.

    The index is uint64[pairs, 2]: the sort key of each pair, and the end of its record [bytes].

    Args:
        chunk_path: path of the chunk.
        tokenizer_dir: directory of the vocabularies.
        text: the options of the tokenizer.
        start: the position of the chunk's first pair in the corpus.
        rows: int64[pairs], the rows of the chunk to write.
        seed: the shuffling seed.
        path: path of the TFRecord file.
        max_source_length: maximum length of a prompt [tokens].
    """
    tf = import_tensorflow()
    chunk, tokenizer = Chunk.load(chunk_path), _load_tokenizer(tokenizer_dir, text)
    keys = shuffle_keys(start + rows, seed)
    rows, keys = rows[np.argsort(keys)].tolist(), np.sort(keys)
    chunk = encode_ids(chunk, tokenizer.source, tokenizer.target, max_source_length)
    (source_ids, source_length), (target_ids, target_length) = chunk.sides
    source_row = _row_getter(source_ids, source_length, chunk.num_truncated)
    target_row = _row_getter(target_ids, target_length)
    sizes = []
    try:
        with atomic_path(path) as temporary, tf.io.TFRecordWriter(os.fsencode(temporary)) as file:
            for row in rows:
                record = _serialize(tf, source_row(row), [*target_row(row), EOS])
                sizes.append(len(record) + _RECORD_OVERHEAD)
                file.write(record)
    except tf.errors.OpError as error:
        raise OSError(f"{path}: cannot write ({error.message}).") from None
    with atomic_write(index_path(path)) as file:
        np.save(file, np.stack([keys, np.cumsum(sizes, dtype=np.uint64)], axis=1))


def index_path(path: Path) -> Path:
    """Returns the path of the index that `encode_chunk` writes after the TFRecord file."""
    return path.with_suffix(".npy")


def write_shard(
    encoded_paths: Sequence[Path], shard_index: int, num_shards: int, path: Path
) -> None:
    """Collects a range of sort keys from all encoded chunks into one TFRecord file.

    Args:
        encoded_paths: the files of `encode_chunk`, in the order of the chunks.
        shard_index: index of the shard.
        num_shards: total number of shards.
        path: path of the shard.
    """
    min_key, end_key = (-(-(i << 64) // num_shards) for i in (shard_index, shard_index + 1))
    key_ranges, records = [], []
    for encoded_path in encoded_paths:
        index = np.load(index_path(encoded_path), mmap_mode="r")
        keys, ends = index[:, 0], index[:, 1]
        start = np.searchsorted(keys, np.uint64(min_key))
        stop = len(keys) if end_key >> 64 else np.searchsorted(keys, np.uint64(end_key))
        if start == stop:
            continue
        key_ranges.append(np.array(keys[start:stop]))
        offset = int(ends[start - 1]) if start else 0
        with encoded_path.open("rb") as file:
            file.seek(offset)
            content = file.read(int(ends[stop - 1]) - offset)
        bounds = [0, *(ends[start:stop].astype(np.int64) - offset).tolist()]
        records += [content[a:b] for a, b in pairwise(bounds)]
    order = np.argsort(np.concatenate(key_ranges)) if key_ranges else []
    with atomic_write(path) as file:
        file.writelines(records[row] for row in order)


def _rows_by_chunk(
    corpus: TokenizedCorpus, pair_filter: PairFilter, split: str
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields the position of the first pair of each chunk, and its rows of a split."""
    start = 0
    for size in corpus.chunk_sizes:
        yield start, np.flatnonzero(pair_filter.in_split(split, slice(start, start + size)))
        start += size


def _shard_paths(shard_dir: Path, split: str, num_shards: int) -> list[Path]:
    return [shard_dir / f"{split}-{i:05}-of-{num_shards:05}.tfrecord" for i in range(num_shards)]


def _write_shard_task(
    encoded_paths: Sequence[Path], shard_index: int, num_shards: int, path: Path
) -> dict:
    if not path.is_file():
        write_shard(encoded_paths, shard_index, num_shards, path)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_file(path)}


@cache
def _load_tokenizer(tokenizer_dir: Path, text: TextConfig) -> Seq2SeqTokenizer:
    return Seq2SeqTokenizer.load(tokenizer_dir, text)


def _serialize(tf, source_ids: list[int], target_ids: list[int]) -> bytes:
    example = tf.train.Example()
    features = example.features.feature
    features["source_ids"].int64_list.value.extend(source_ids)
    features["target_ids"].int64_list.value.extend(target_ids)
    return example.SerializeToString(deterministic=True)


def _row_getter(
    ids: np.ndarray, lengths: np.ndarray, num_truncated: np.ndarray | int = 0
) -> Callable[[int], list[int]]:
    """Returns a function from a row to its ids, without truncated ids."""
    ends = np.cumsum(lengths)
    starts = ends - lengths + num_truncated
    return lambda row: ids[starts[row] : ends[row]].tolist()
