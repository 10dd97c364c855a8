"""A small corpus that has several chunks and shards."""

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
    """Small talk with some duplicates and overlong pairs."""
    pairs = small_talk()[:400]
    last_conversation = pairs[-1].conversation
    duplicates = [
        pair._replace(conversation=last_conversation + 1 + i) for i, pair in enumerate(pairs[:40])
    ]
    long_pairs = [
        Pair("长，" * 50, "好", last_conversation + 100),
        Pair("好", "长，" * 50, last_conversation + 101),
    ]
    return pairs + duplicates + long_pairs


@pytest.fixture
def corpus(talk, tmp_path) -> str:
    return write_corpus(talk, tmp_path / "talk.jsonl")
