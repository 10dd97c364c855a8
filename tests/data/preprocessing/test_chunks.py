"""Tokenized chunks of a corpus."""

from itertools import pairwise

import numpy as np
import pytest

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.pairs import Pair, prepend_context
from attention_seq2seq.data.preprocessing import chunks
from attention_seq2seq.data.preprocessing.chunks import Chunk, iter_chunks, tokenize_chunk
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.text.vocabulary import SPECIALS, UNK

TURNS = ["今天晚上吃什么", "吃烤鸭吧", "<turn> 是什么？", "\u200b", "好的 ok", "好的 ok"]
PAIRS = [Pair(a, b, 0) for a, b in pairwise(TURNS)]


def split_rows(ids, lengths) -> list[list[int]]:
    return [row.tolist() for row in np.split(ids, np.cumsum(lengths)[:-1])]


@pytest.mark.parametrize("segmentation", ["jieba", "characters", "whitespace"])
@pytest.mark.parametrize("context_turns", [0, 2])
@pytest.mark.parametrize("limit", [3, 60])
def test_tokens_match_the_tokenizer(tmp_path, segmentation, context_turns, limit):
    config = TextConfig(segmentation, segmentation, context_turns=context_turns)
    pairs = list(prepend_context(PAIRS, context_turns))
    tokenize_chunk(pairs, PairTokenizer(config), limit).save(tmp_path / "chunk.npz")
    chunk = Chunk.load(tmp_path / "chunk.npz")
    tokenizer = Seq2SeqTokenizer.build(pairs, config)
    (source, source_length), (target, target_length) = chunk.sides
    prompts, replies = split_rows(source, source_length), split_rows(target, target_length)
    for row, pair in enumerate(pairs):
        tokens = [chunk.tokens[i] for i in prompts[row]]
        assert tokens == tokenizer.source.encode_with_tokens(pair.prompt)[0]
        assert (
            tokens[chunk.num_truncated[row] :]
            == tokenizer.source.encode_with_tokens(pair.prompt, limit)[0]
        )
        assert chunk.reply_tokens(row) == tokenizer.target.tokenize(pair.reply)
        assert [chunk.tokens[i] for i in replies[row]] == tokenizer.target.tokenize(pair.reply)
    assert chunk.tokens[: len(SPECIALS)] == list(SPECIALS)
    assert "<turn>" not in chunk.tokens[len(SPECIALS) :] or segmentation == "whitespace"
    assert chunk.is_echo.tolist() == [False, False, False, False, True]
    if context_turns == 0:
        assert prompts[3] == [UNK], "an empty prompt is an unknown token"


def test_texts_of_equal_tokens_have_the_same_hash():
    pairs = [Pair("你好！", "Ｈｉ", 0), Pair("你好!", " hi ", 0), Pair("你好?", "hi\u200b", 1)]
    chunk = tokenize_chunk(pairs, PairTokenizer(TextConfig()), 60)
    assert chunk.prompt_hash[0] == chunk.prompt_hash[1] != chunk.prompt_hash[2]
    assert len(set(chunk.reply_hash.tolist())) == 1


def test_overlong_texts_are_not_tokenized():
    long_text = "长" * (chunks.MAX_TEXT_LENGTH + 1)
    chunk = tokenize_chunk(
        [Pair("好", long_text, 0), Pair(long_text, "好", 1)], PairTokenizer(TextConfig()), 60
    )
    assert chunk.target_length.tolist() == [chunks.NOT_TOKENIZED, 1]
    assert chunk.source_length.tolist() == [1, chunks.NOT_TOKENIZED]
    assert [lengths.tolist() for _, lengths in chunk.sides] == [[1, 0], [0, 1]]
    assert chunk.tokens[len(SPECIALS) :] == ["好"]


def test_overlong_turns_are_dropped_with_all_earlier_turns():
    long_text = "长" * (chunks.MAX_TEXT_LENGTH + 1)
    chunk = tokenize_chunk(
        [Pair(f"一\n{long_text}\n好", "好", 0)], PairTokenizer(TextConfig(context_turns=3)), 60
    )
    assert chunk.source_length.tolist() == [1]
    assert chunk.tokens[len(SPECIALS) :] == ["好"]


def test_chunks_are_limited_by_pairs_and_by_characters(monkeypatch):
    monkeypatch.setattr(chunks, "CHARACTERS_PER_CHUNK", 100)
    pairs = [Pair("a", "b", i) for i in range(10)]
    long_pair = Pair("a" * 300, "b", 10)
    assert [len(chunk) for chunk in iter_chunks([*pairs, long_pair, *pairs], 7)] == [7, 4, 7, 3]


def test_damaged_chunks_raise(tmp_path):
    path = tmp_path / "chunk.npz"
    tokenize_chunk(PAIRS, PairTokenizer(TextConfig()), 60).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"chunk.npz is damaged .* Remove it and run again"):
        Chunk.load(path)
