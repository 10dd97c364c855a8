"""Corpora as files, and what was made of them."""

import json
from itertools import pairwise
from pathlib import Path

from attention_seq2seq.data.datasets import TFRecordPairs
from attention_seq2seq.data.preprocessing.manifest import Prepared


def write(pairs, path: Path) -> str:
    """A pair a line, and a blank line after each conversation."""
    lines = [json.dumps({"prompt": pair.prompt, "reply": pair.reply}) for pair in pairs]
    for i, (pair, after) in enumerate(pairwise(pairs)):
        lines[i] += "\n" * (1 + (pair.conversation != after.conversation))
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def numbered(path: Path, num_pairs: int = 1300) -> Path:
    """Questions that all differ, with answers of several lengths."""
    pairs = [(f"今天{i % 7}吃什么{i}", f"吃{i % 5}烤鸭" * (i % 3 + 1)) for i in range(num_pairs)]
    path.write_text("".join(f"{prompt}\t{reply}\n" for prompt, reply in pairs), encoding="utf-8")
    return path


def written(prepared: Prepared, part: str) -> list[tuple[list[int], list[int]]]:
    if not prepared.num_pairs(part):
        return []
    pools = TFRecordPairs(prepared.shards(part), prepared.num_pairs(part)).pools(1000, None)
    return [pair for source, target in pools for pair in zip(source.to_list(), target.to_list())]


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
