"""A chunk holds what a tokenizer would read."""

from itertools import pairwise

import numpy as np
import pytest

from attention_seq2seq.config.config import TextConfig
from attention_seq2seq.data.pairs import Pair, prepend_context
from attention_seq2seq.data.preprocessing import chunks
from attention_seq2seq.data.preprocessing.chunks import Chunk, cut, in_chunks
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.text.vocabulary import SPECIALS, UNK

TURNS = ["今天晚上吃什么", "吃烤鸭吧", "<turn> 是什么？", "\u200b", "好的 ok", "好的 ok"]
PAIRS = [Pair(a, b, 0) for a, b in pairwise(TURNS)]


def rows(ids, lengths) -> list[list[int]]:
    return [row.tolist() for row in np.split(ids, np.cumsum(lengths)[:-1])]


@pytest.mark.parametrize("segmentation", ["jieba", "characters", "blanks"])
@pytest.mark.parametrize("context_turns", [0, 2])
@pytest.mark.parametrize("limit", [3, 60])
def test_words_are_those_of_a_codec(tmp_path, segmentation, context_turns, limit):
    config = TextConfig(segmentation, segmentation, context_turns=context_turns)
    pairs = list(prepend_context(PAIRS, context_turns))
    cut(pairs, PairTokenizer(config), limit).save(tmp_path / "chunk.npz")
    chunk = Chunk.load(tmp_path / "chunk.npz")
    tokenizer = Seq2SeqTokenizer.build(pairs, config)
    (source, source_length), (target, target_length) = chunk.sides
    prompts, replies = rows(source, source_length), rows(target, target_length)
    for row, pair in enumerate(pairs):
        words = [chunk.words[i] for i in prompts[row]]
        assert words == tokenizer.source.encode_with_tokens(pair.prompt)[0]
        assert (
            words[chunk.unread[row] :] == tokenizer.source.encode_with_tokens(pair.prompt, limit)[0]
        )
        assert chunk.reply_words(row) == tokenizer.target.tokenize(pair.reply)
        assert [chunk.words[i] for i in replies[row]] == tokenizer.target.tokenize(pair.reply)
    assert chunk.words[: len(SPECIALS)] == list(SPECIALS)
    assert "<turn>" not in chunk.words[len(SPECIALS) :] or segmentation == "blanks"
    assert chunk.echo.tolist() == [False, False, False, False, True]
    if context_turns == 0:
        assert prompts[3] == [UNK], "nothing that can be read is an unknown word"


def test_what_reads_alike_has_the_same_hash():
    pairs = [Pair("你好！", "Ｈｉ", 0), Pair("你好!", " hi ", 0), Pair("你好?", "hi\u200b", 1)]
    chunk = cut(pairs, PairTokenizer(TextConfig()), 60)
    assert chunk.prompt_hash[0] == chunk.prompt_hash[1] != chunk.prompt_hash[2]
    assert len(set(chunk.reply_hash.tolist())) == 1


def test_a_text_that_is_far_too_long_is_not_cut():
    long = "长" * (chunks.LONGEST_TEXT + 1)
    chunk = cut([Pair("好", long, 0), Pair(long, "好", 1)], PairTokenizer(TextConfig()), 60)
    assert chunk.target_length.tolist() == [chunks.TOO_LONG, 1]
    assert chunk.source_length.tolist() == [1, chunks.TOO_LONG]
    assert [lengths.tolist() for _, lengths in chunk.sides] == [[1, 0], [0, 1]]
    assert chunk.words[len(SPECIALS) :] == ["好"]


def test_an_earlier_turn_that_is_far_too_long_costs_only_what_stood_before_it():
    long = "长" * (chunks.LONGEST_TEXT + 1)
    chunk = cut([Pair(f"一\n{long}\n好", "好", 0)], PairTokenizer(TextConfig(context_turns=3)), 60)
    assert chunk.source_length.tolist() == [1]
    assert chunk.words[len(SPECIALS) :] == ["好"]


def test_chunks_end_with_their_number_of_pairs_or_of_characters(monkeypatch):
    monkeypatch.setattr(chunks, "CHARACTERS_A_CHUNK", 100)
    pairs = [Pair("a", "b", i) for i in range(10)]
    long = Pair("a" * 300, "b", 10)
    assert [len(chunk) for chunk in in_chunks([*pairs, long, *pairs], 7)] == [7, 4, 7, 3]


def test_a_damaged_chunk_is_named(tmp_path):
    path = tmp_path / "chunk.npz"
    cut(PAIRS, PairTokenizer(TextConfig()), 60).save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"chunk.npz is damaged .* Remove it and run again"):
        Chunk.load(path)
