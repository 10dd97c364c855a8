"""A small corpus, and pieces so small that it has several."""

import pytest

from attention_seq2seq.data.default_corpus import small_talk
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.preprocessing import pipeline
from helpers.prepared_corpora import write


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Chunks of 50 pairs and shards of 100, so that a small corpus has several."""
    cut, write = pipeline.cut_corpus, pipeline.write_shards
    monkeypatch.setattr(pipeline, "cut_corpus", lambda *a, **k: cut(*a, **k, pairs_a_chunk=50))
    monkeypatch.setattr(pipeline, "write_shards", lambda *a: write(*a, pairs_a_shard=100))


@pytest.fixture(scope="module")
def talk() -> list[Pair]:
    """Small talk, with some pairs again, and some far too long."""
    pairs = small_talk()[:400]
    last = pairs[-1].conversation
    again = [pair._replace(conversation=last + 1 + i) for i, pair in enumerate(pairs[:40])]
    long = [Pair("长，" * 50, "好", last + 100), Pair("好", "长，" * 50, last + 101)]
    return pairs + again + long


@pytest.fixture
def corpus(talk, tmp_path) -> str:
    return write(talk, tmp_path / "talk.jsonl")
