"""`InGraphTokenizer` matches `Seq2SeqTokenizer` in ids and texts."""

import random

import pytest
import tensorflow as tf

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.spelling import BASIC_TOKENS

TEXTS = tf.TensorSpec([None], tf.string)
ODD_TEXTS = [
    b"",
    b" ",
    b"hello World 3.5%",
    b"\0\r",
    b"\xff\xfe",
    "　Ｃ＋＋，é".encode(),
    b"<turn> <unk> <eos>",
    "＃＋＜E9＞ 龘龘𠀀 Привет, мир!\u060cab\u0964x".encode(),
    "it's (really) non-stop 12km 한국어 ̀x".encode(),
]


@pytest.fixture(scope="module")
def pairs():
    corpus, _ = load_corpus((), False, 0.0, 1)
    return [(pair.prompt, pair.reply) for pair in corpus.training]


def make_prompts(pairs):
    """Returns prompts of up to five turns, some of them empty or odd."""
    rng = random.Random(1)
    turns = [side.encode() for pair in pairs for side in pair]
    lines = [
        [
            rng.choice([rng.choice(ODD_TEXTS), rng.choice(turns), rng.choice(turns)[:6]])
            for _ in range(n)
        ]
        for n in range(6)
        for _ in range(120)
    ]
    return [b"\n".join(turns) for turns in lines]


@pytest.mark.parametrize(
    ("segmentation", "context_turns", "oov"),
    [
        ("jieba", 2, "spell"),
        ("characters", 0, "unk"),
        ("whitespace", 0, "unk"),
        ("words", 0, "spell"),
        pytest.param("jieba", 2, "unk", marks=pytest.mark.slow),
        pytest.param("words", 2, "unk", marks=pytest.mark.slow),
        pytest.param("jieba", 0, "spell", marks=pytest.mark.slow),
        pytest.param("characters", 2, "spell", marks=pytest.mark.slow),
        pytest.param("whitespace", 2, "spell", marks=pytest.mark.slow),
        pytest.param("words", 2, "spell", marks=pytest.mark.slow),
    ],
)
def test_encoding_and_detokenizing_match_the_python_tokenizer(
    pairs, segmentation, context_turns, oov, tmp_path
):
    config = TextConfig(
        source_tokenizer=segmentation,
        target_tokenizer=segmentation,
        context_turns=context_turns,
        share_vocabulary=not context_turns,
        vocabulary_size=1000,
        oov=oov,
    )
    tokenizer = Seq2SeqTokenizer.build(pairs, config)
    graph = InGraphTokenizer(tokenizer, tmp_path)
    texts = make_prompts(pairs)
    for limit in (7, 60) if context_turns else (30,):
        encode = tf.function(lambda texts, limit=limit: graph.encode_prompts(texts, limit), [TEXTS])
        prompts = encode(tf.constant(texts))
        expected = [
            [part[:limit] for part in tokenizer.source.encode_with_tokens(text, limit)]
            for text in texts
        ]
        assert as_strings(unpad(prompts.tokens, prompts)) == [tokens for tokens, _ in expected]
        assert unpad(prompts.ids, prompts).to_list() == [ids for _, ids in expected]
        is_padding = ~tf.sequence_mask(prompts.length)
        assert set(prompts.ids[is_padding].numpy()) == {0}
        assert prompts.num_truncated.numpy().tolist() == [
            max(0, len(tokenizer.source.encode_with_tokens(text, limit)[0]) - limit)
            for text in texts
        ]
        if tokenizer.config.share_vocabulary or oov == "unk":
            assert set(prompts.target_ids[is_padding].numpy()) == {-1}
        expected_ids = [tokenizer.target_ids(*prompt) for prompt in expected]
        for row, ids in zip(prompts.target_ids.numpy().tolist(), expected_ids):
            assert row == ids + [-1] * (len(row) - len(ids))

    encode_replies = tf.function(
        lambda texts: (graph.tokenize_replies(texts), *graph.encode_replies(texts)), [TEXTS]
    )
    # In a batch, other texts could hide a fault.
    for text in [*ODD_TEXTS, *(c.encode() for c in "吃龘🤖z"), b"zw", "吃天".encode(), texts[-1]]:
        tokens, _, ids = encode_replies(tf.constant([text]))
        assert as_strings(tokens) == [tokenizer.target.tokenize(text)]
        assert ids.to_list() == [tokenizer.target.encode(text)]
        (detokenized,) = graph.detokenize_replies(tokens).numpy()
        assert detokenized.decode() == tokenizer.target.detokenize(as_strings(tokens)[0])
        assert (
            encode(tf.constant([text])).ids[0].numpy().tolist()
            == (tokenizer.source.encode_with_tokens(text, limit)[1][:limit])
        )

    tokens, tokens_with_eos, ids = encode_replies(tf.constant(texts))
    assert as_strings(tokens_with_eos) == [[*row, "<eos>"] for row in as_strings(tokens)]
    assert as_strings(tokens) == [tokenizer.target.tokenize(text) for text in texts]
    assert ids.to_list() == [tokenizer.target.encode(text) for text in texts]
    detokenized = tf.function(graph.detokenize_replies)(tokens)
    assert [text.decode() for text in detokenized.numpy()] == [
        tokenizer.target.detokenize(tokenizer.target.tokenize(text)) for text in texts
    ]


def test_any_spelling_of_a_reply_is_joined_as_by_the_python_tokenizer(pairs, tmp_path):
    config = TextConfig("words", "words", vocabulary_size=500, oov="spell")
    tokenizer = Seq2SeqTokenizer.build(pairs, config)
    graph = InGraphTokenizer(tokenizer, tmp_path)
    vocabulary, rng = tokenizer.target.vocabulary, random.Random(1)
    # Half of the tokens are marks or bytes.
    first_mark = len(vocabulary) - len(BASIC_TOKENS)
    rows = [
        rng.choices(range(5, first_mark), k=rng.randrange(6))
        + rng.choices([first_mark, first_mark + 1, *range(first_mark, len(vocabulary))], k=6)
        for _ in range(3000)
    ]
    for row in rows:
        rng.shuffle(row)
    tokens = [vocabulary.tokens(row) for row in rows]
    texts = tf.function(graph.detokenize_replies)(tf.ragged.constant(tokens, dtype=tf.string))
    assert [text.decode() for text in texts.numpy()] == list(
        map(tokenizer.target.detokenize, tokens)
    )


@pytest.mark.parametrize("oov", ["unk", "spell"])
def test_empty_batches(pairs, oov, tmp_path):
    config = TextConfig(context_turns=1, oov=oov)
    graph = InGraphTokenizer(Seq2SeqTokenizer.build(pairs, config), tmp_path)
    no_texts = tf.constant([], tf.string)
    assert graph.encode_prompts(no_texts, 5).ids.shape == [0, 1]
    assert graph.detokenize_replies(graph.tokenize_replies(no_texts)).shape == [0]


def as_strings(tokens):
    return [[token.decode() for token in row] for row in tokens.to_list()]


def unpad(column, prompts):
    return tf.RaggedTensor.from_tensor(column, prompts.length)
