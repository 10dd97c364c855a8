"""Writes corpora, and reads prepared datasets."""

import json
from itertools import pairwise
from pathlib import Path

from attention_seq2seq.data.datasets import TFRecordPairs
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset


def write_corpus(pairs, path: Path) -> str:
    """Writes a pair a line, and a blank line after each conversation."""
    lines = [json.dumps({"prompt": pair.prompt, "reply": pair.reply}) for pair in pairs]
    for i, (pair, next_pair) in enumerate(pairwise(pairs)):
        lines[i] += "\n" * (1 + (pair.conversation != next_pair.conversation))
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def write_numbered_corpus(path: Path, num_pairs: int = 1300) -> Path:
    """Writes distinct questions with answers of several lengths."""
    pairs = [(f"今天{i % 7}吃什么{i}", f"吃{i % 5}烤鸭" * (i % 3 + 1)) for i in range(num_pairs)]
    path.write_text("".join(f"{prompt}\t{reply}\n" for prompt, reply in pairs), encoding="utf-8")
    return path


def read_shards(prepared: PreparedDataset, split: str) -> list[tuple[list[int], list[int]]]:
    if not prepared.num_pairs(split):
        return []
    pools = TFRecordPairs(prepared.shard_paths(split), prepared.num_pairs(split)).pools(1000, None)
    return [pair for source, target in pools for pair in zip(source.to_list(), target.to_list())]


def read_files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
