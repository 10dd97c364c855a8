"""A small corpus, and chunks and shards so small that the corpus has several."""

import pytest

from attention_seq2seq.data.default_corpus import small_talk
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.preprocessing import pipeline
from helpers.prepared_corpora import write_corpus


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of 50 pairs and shards of 100, so that a small corpus has several."""
    tokenize_corpus, write_shards = pipeline.tokenize_corpus, pipeline.write_shards
    monkeypatch.setattr(
        pipeline,
        "tokenize_corpus",
        lambda *args, **options: tokenize_corpus(*args, **options, pairs_per_chunk=50),
    )
    monkeypatch.setattr(
        pipeline, "write_shards", lambda *args: write_shards(*args, pairs_per_shard=100)
    )


@pytest.fixture(scope="module")
def talk() -> list[Pair]:
    """Small talk, with some duplicates, and some pairs that are far too long."""
    pairs = small_talk()[:400]
    last = pairs[-1].conversation
    duplicates = [pair._replace(conversation=last + 1 + i) for i, pair in enumerate(pairs[:40])]
    long_pairs = [Pair("长，" * 50, "好", last + 100), Pair("好", "长，" * 50, last + 101)]
    return pairs + duplicates + long_pairs


@pytest.fixture
def corpus(talk, tmp_path) -> str:
    return write_corpus(talk, tmp_path / "talk.jsonl")
