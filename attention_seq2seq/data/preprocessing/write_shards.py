"""The pairs that stay to shards, by several processes; what is there is not made again."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from attention_seq2seq.config.config import TextConfig
from attention_seq2seq.data.preprocessing.filters import Selection
from attention_seq2seq.data.preprocessing.shards import encode, index_of, write_shard
from attention_seq2seq.data.preprocessing.tokenize import Corpus
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.utils.files import sha256_of
from attention_seq2seq.utils.parallel import in_parallel
from attention_seq2seq.utils.progress import stage

PAIRS_A_SHARD = 1 << 17
PARTS = ("training", "validation")


def write_shards(
    corpus: Corpus,
    selection: Selection,
    tokenizer: Seq2SeqTokenizer,
    seed: int,
    folder: Path,
    num_processes: int,
    progress: bool,
    pairs_a_shard: int = PAIRS_A_SHARD,
) -> dict[str, list[dict]]:
    """Writes the pairs of both parts as ids, in an order that the seed decides.

    Args:
        corpus: its chunks.
        selection: which pairs stay, in which part.
        tokenizer: the vocabularies.
        seed: of the order.
        folder: of the shards; those in it are whole, and of the same pairs.
        num_processes: how many work at once.
        progress: whether to show how far it is.
        pairs_a_shard: about how many pairs a shard has.

    Returns:
        For each part its shards: name, bytes and sha256 of each.
    """
    encoded = folder / "encoded"
    encoded.mkdir(parents=True, exist_ok=True)
    tokenizer.save(encoded)
    files = {part: [encoded / f"{part}-{c.stem}.tfrecord" for c in corpus.chunks] for part in PARTS}
    with stage("encoding", len(corpus.chunks) * len(PARTS), "chunks", progress) as bar:
        tasks = (
            (chunk, encoded, tokenizer.config, places, seed, file)
            for part in PARTS
            for chunk, places, file in zip(
                corpus.chunks, _places(corpus, selection, part), files[part]
            )
            if not index_of(file).is_file()
        )
        for _ in in_parallel(_encode, tasks, num_processes):
            bar.update()
    counts = selection.report()
    shards = {part: _names(folder, part, -(-counts[part] // pairs_a_shard)) for part in PARTS}
    with stage("writing", sum(map(len, shards.values())), "shards", progress) as bar:
        tasks = (
            (files[part], number, len(shards[part]), path)
            for part in PARTS
            for number, path in enumerate(shards[part])
        )
        written = []
        for shard in in_parallel(_write, tasks, num_processes):
            written.append(shard)
            bar.update()
    first = len(shards["training"])
    return {"training": written[:first], "validation": written[first:]}


def _places(corpus: Corpus, selection: Selection, part: str) -> Iterator[np.ndarray]:
    """For each chunk the place in the corpus of each pair that belongs to a part, -1 for others."""
    first = 0
    for size in corpus.sizes:
        rows = slice(first, first + size)
        belongs = (selection.reasons[rows] == 0) & (selection.aside[rows] == (part == "validation"))
        yield np.where(belongs, np.arange(first, first + size), -1)
        first += size


def _names(folder: Path, part: str, number: int) -> list[Path]:
    return [folder / f"{part}-{i:05}-of-{number:05}.tfrecord" for i in range(number)]


def _encode(
    chunk: Path, tokenizer_dir: Path, text: TextConfig, places: np.ndarray, seed: int, path: Path
) -> None:
    encode(chunk, _tokenizer(tokenizer_dir, text), places, seed, path)


def _write(encoded: Sequence[Path], number: int, num_shards: int, path: Path) -> dict:
    if not path.is_file():
        write_shard(encoded, number, num_shards, path)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


@cache
def _tokenizer(folder: Path, text: TextConfig) -> Seq2SeqTokenizer:
    return Seq2SeqTokenizer.load(folder, text)
