"""Spelling of words outside of the vocabulary, and its inverse."""

import gzip
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.config.text import MIN_SPELLING_VOCABULARY_SIZE, TOKENIZERS, TextConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.spelling import (
    BASIC_TOKENS,
    BYTE_TOKENS,
    Speller,
    continuation_flags,
    num_characters,
    num_final_tokens,
    spelling_tokens,
)
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.text.vocabulary import SPECIALS, UNK, Vocabulary

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
WORDS = {"晚上": 9, "吃": 8, "烤鸭": 7, "火锅": 2, "锅": 1, "hello": 2, "＋,": 2, "＋ok": 1}
SPELLER = Speller(
    Vocabulary(spelling_tokens(WORDS, max_size=300, min_count=2)), Normalizer(lowercase=True)
)
# Alphabets of hostile strings: marks, bytes of all kinds, and characters of several scripts.
ALPHABET = [
    *"吃锅龘𠀀 ae0.,'＃＋＜＞ÀßΩя한ไ",
    *"\u0301\u200b\u0964\ufffd\U0010fffe\x00\t",
    *("👨‍👩‍👧", "＜E9＞"),
]


def test_words_are_spelled_in_characters_and_bytes():
    assert SPELLER.spell(["晚上", "火锅", "锅吃"]) == ["晚上", "火锅", "锅", "＃", "吃"]
    assert SPELLER.spell(["é"]) == ["＜C3＞", "＜A9＞"]
    assert SPELLER.spell(["吃é"]) == ["吃", "＃", "＜C3＞", "＜A9＞"]
    assert SPELLER.spell(["＋,", "＋吃"]) == ["＋,", "＋", "吃"]
    assert SPELLER.spell_word("晚上") == ["晚", "＃", "上"]


def test_any_tokens_are_joined_to_words():
    assert SPELLER.words(["＃吃", "锅"]) == ["吃", "锅"]
    assert SPELLER.words(["锅", "＃", "晚上", "吃"]) == ["锅晚上", "吃"]
    assert SPELLER.words(["吃", "＜C3＞", "＜A9＞", "＜C3＞", "吃"]) == ["吃", "é", "\ufffd", "吃"]
    assert SPELLER.words(["＜A9＞", "＃", "＜41＞", "＃"]) == ["\ufffda"]
    assert SPELLER.words(["吃", "＃", "＜0A＞", "＜00＞"]) == ["吃 ", ""]
    assert SPELLER.words(["＋", "吃", "＋,", "＃", "＋,"]) == ["＋吃", "＋,,"]
    assert SPELLER.words([]) == []


ANY_TOKENS = st.lists(
    st.sampled_from([*WORDS, *BASIC_TOKENS[:2], "＃吃", *BYTE_TOKENS]), max_size=6
)


@given(ANY_TOKENS, ANY_TOKENS)
def test_further_tokens_do_not_change_the_text_of_final_tokens(tokens, further_tokens):
    final = "|".join(SPELLER.words(tokens[: num_final_tokens(tokens)]))
    assert "|".join(SPELLER.words(tokens + further_tokens)).startswith(final)


@given(ANY_TOKENS)
def test_each_word_has_a_token_that_starts_it(tokens):
    flags = continuation_flags(tokens)
    assert len(SPELLER.words(tokens)) == flags.count(False)
    assert not any(flags[:1])


@given(st.dictionaries(st.from_regex("＋?[吃锅晚上ab]{1,4}", fullmatch=True), st.integers(1, 9)))
def test_vocabularies_are_within_their_size_and_can_spell_everything(counts):
    for max_size in (len(SPECIALS) + len(BASIC_TOKENS), 270, 300, 1000):
        tokens = spelling_tokens(counts, max_size, min_count=2)
        vocabulary = Vocabulary(tokens)
        assert len(vocabulary) <= max_size
        assert UNK not in vocabulary.ids(Speller(vocabulary, Normalizer(False)).spell(counts))
    # The last vocabulary has room for all words and characters.
    frequent = {word for word, count in counts.items() if count >= 2}
    assert frequent <= set(tokens)
    characters = Counter()
    for word, count in counts.items():
        characters.update(dict.fromkeys(word.removeprefix("＋"), count))
    assert {character for character, count in characters.items() if count >= 2} <= set(tokens)


def test_frequent_words_come_first_and_take_half_of_a_small_vocabulary():
    counts = {f"{chr(0x4E00 + i)}{chr(0x4F00 + i)}": 100 - i for i in range(100)}
    tokens = spelling_tokens(counts, len(SPECIALS) + len(BASIC_TOKENS) + 40, min_count=1)
    assert tokens[40:] == list(BASIC_TOKENS)
    assert tokens[:20] == list(counts)[:20]
    # The characters of the next ten words, each in its own form.
    assert set(tokens[20:40]) == {
        piece for word in list(counts)[20:30] for piece in (word[0], f"＃{word[1]}")
    }


def test_characters_are_counted_without_marks_and_blanks():
    assert [num_characters(token) for token in ("晚上", "＃上", "＋ok", "＃", "＋", " ")] == [
        *(2, 1, 2, 0, 0, 0)
    ]
    assert sum(map(num_characters, map(BYTE_TOKENS.__getitem__, "é 龘𠀀".encode()))) == 3


def random_texts(num_texts: int, seed: int):
    """Yields strings and bytes, some of them hostile."""
    rng = random.Random(seed)
    for _ in range(num_texts):
        text = "".join(rng.choices(ALPHABET, k=rng.randrange(30)))
        raw = bytes(rng.choices(range(256), k=rng.randrange(12)))
        yield rng.choice([text, text.encode() + raw, raw])


def build_tokenizer(segmentation: str, pairs) -> Seq2SeqTokenizer:
    config = TextConfig(segmentation, segmentation, vocabulary_size=900, oov="spell")
    return Seq2SeqTokenizer.build(pairs, config)


def count_differences(tokenizer: Seq2SeqTokenizer, texts) -> int:
    """Counts the texts that differ after encoding and decoding, and checks all lengths."""
    target, words_of = tokenizer.target, PAIR_TOKENIZERS[tokenizer.config.target_tokenizer]
    num_different = 0
    for text in texts:
        ids = target.encode(text)
        assert UNK not in ids
        words = words_of.tokenize(text)
        num_different += target.decode(ids) != words_of.detokenize(words)
        num_different += target.words(target.tokenize(text)) != words
        if tokenizer.config.target_tokenizer in ("characters", "words"):
            num_different += target.decode(ids) != words_of.normalize(text)
    return num_different


PAIR_TOKENIZERS = {name: PairTokenizer(TextConfig(name, name)).target for name in TOKENIZERS}


@pytest.fixture(scope="module")
def pairs():
    corpus, _ = load_corpus((), False, 0.0, 1)
    return [(pair.prompt, pair.reply) for pair in corpus.training]


@pytest.mark.parametrize("segmentation", TOKENIZERS)
def test_decoding_inverts_encoding(segmentation, pairs):
    tokenizer = build_tokenizer(segmentation, pairs[:300])
    assert count_differences(tokenizer, [reply for _, reply in pairs[::9]]) == 0
    assert count_differences(tokenizer, random_texts(1500, seed=1)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("segmentation", TOKENIZERS)
def test_decoding_inverts_encoding_of_generated_texts(segmentation, pairs):
    tokenizer = build_tokenizer(segmentation, pairs)
    assert count_differences(tokenizer, random_texts(50_000, seed=2)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("segmentation", TOKENIZERS)
def test_decoding_inverts_encoding_of_corpora(segmentation, pairs):
    path = SHARED_DATA / "chat_zh_pool.tsv.gz"
    if not path.is_file():
        pytest.skip(f"{path} is missing: the corpora are not a part of this repository")
    tokenizer = build_tokenizer(segmentation, pairs)
    texts = []
    for name in ("lccc", "kdconv", "crosswoz"):
        texts += (SHARED_DATA / f"chat_{name}.tsv").read_text(encoding="utf-8").split("\n")
    translation = (SHARED_DATA / "translation_tatoeba_en_zh.tsv").read_text(encoding="utf-8")
    texts += translation.split("\n")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts += list(file)
    texts = [side for text in texts for side in text.split("\t")[:2]][:300_000]
    num_different = count_differences(tokenizer, texts)
    print(f"{segmentation}: {num_different} of {len(texts):,} sentences differ")
    assert (num_different, len(texts)) == (0, 300_000)


def test_an_empty_prompt_is_the_only_unknown_token(pairs):
    tokenizer = build_tokenizer("jieba", pairs[:100])
    assert tokenizer.source.encode_with_tokens(" ") == (["<unk>"], [UNK])
    assert UNK not in tokenizer.source.encode("<unk> 龘")
    assert tokenizer.source.words(tokenizer.source.tokenize("<unk> 龘")) == ["<", "unk", ">", "龘"]


def test_words_of_two_vocabularies_are_spelled_differently():
    config = TextConfig(share_vocabulary=False, oov="spell")
    tokenizer = Seq2SeqTokenizer.build([("火锅", "晚上吃烤鸭")] * 2, config)
    tokens, ids = tokenizer.source.encode_with_tokens("火锅吃")
    assert tokens == ["火锅", *(BYTE_TOKENS[byte] for byte in "吃".encode())]
    vocabulary = tokenizer.target.vocabulary
    expected = [*tokenizer.target.spell(["火锅"]), "吃"]
    assert vocabulary.tokens(tokenizer.target_ids(tokens, ids)) == expected
    assert tokenizer.target_ids(["<unk>"], [UNK]) == [-1]


def test_words_are_grouped_with_their_tokens():
    config = TextConfig("words", "words", oov="spell")
    tokenizer = Seq2SeqTokenizer.build([("it is", "it is")], config)
    tokens = tokenizer.target.tokenize("it is, sit")
    groups = tokenizer.target.group_words(tokens)
    assert groups.texts == ["it", "is", ",", "sit"]
    assert groups.starts == [0, 1, 2, 4]
    assert tokens[2:] == ["＋", "＜2C＞", "s", "＃", "i", "＃", "t"]
    assert tokenizer.target.group_words(["＃", "＋"]).texts == ["＃"]


def test_a_vocabulary_too_small_for_spelling_is_refused():
    with pytest.raises(ValueError, match=r"vocabulary_size is 299 and oov is 'spell'.*300"):
        TextConfig(vocabulary_size=MIN_SPELLING_VOCABULARY_SIZE - 1, oov="spell")


@pytest.mark.parametrize("oov", ["unk", "spell"])
def test_words_are_suppressed_with_and_without_a_blank_before_them(oov):
    config = TextConfig("words", "words", oov=oov)
    tokenizer = Seq2SeqTokenizer.build([("", "well, I sat down, well")] * 2, config)
    spellings = tokenizer.target.spellings("well")
    assert spellings[:2] == [["well"], ["＋well"] if oov == "unk" else spellings[1]]
    assert {("".join(tokens)).replace("＃", "") for tokens in spellings} == {"well", "＋well"}


def test_marks_are_not_part_of_a_text():
    tokenizer = build_tokenizer("jieba", [("吃", "吃")])
    assert tokenizer.target.detokenize(["＋", "吃", "＃", "＋"]) == "吃"


def test_a_vocabulary_of_marks_and_bytes_only_is_refused():
    config = TextConfig(min_count=5, oov="spell")
    with pytest.raises(ValueError, match="no token occurs min_count"):
        Seq2SeqTokenizer.build([("吃", "吃")], config).require_tokens()
