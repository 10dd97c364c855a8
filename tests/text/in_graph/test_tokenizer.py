"""`InGraphTokenizer` matches `Seq2SeqTokenizer` in ids and texts."""

import random

import pytest
import tensorflow as tf

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import UNK

TEXTS = tf.TensorSpec([None], tf.string)
ODD_TEXTS = [
    b"",
    b" ",
    b"hello World 3.5%",
    b"\0\r",
    b"\xff\xfe",
    "　Ｃ＋＋，é".encode(),
    b"<turn> <unk> <eos>",
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
    ("segmentation", "context_turns"),
    [
        ("jieba", 2),
        ("characters", 0),
        ("whitespace", 0),
        pytest.param("jieba", 0, marks=pytest.mark.slow),
        pytest.param("characters", 2, marks=pytest.mark.slow),
        pytest.param("whitespace", 2, marks=pytest.mark.slow),
    ],
)
def test_encoding_and_detokenizing_match_the_python_tokenizer(
    pairs, segmentation, context_turns, tmp_path
):
    config = TextConfig(
        source_tokenizer=segmentation,
        target_tokenizer=segmentation,
        context_turns=context_turns,
        share_vocabulary=not context_turns,
        vocabulary_size=1000,
    )
    tokenizer = Seq2SeqTokenizer.build(pairs, config)
    graph = InGraphTokenizer(tokenizer, tmp_path)
    texts = make_prompts(pairs)
    for limit in (7, 60):
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
        assert set(prompts.target_ids[is_padding].numpy()) == {-1}
        assert prompts.num_truncated.numpy().tolist() == [
            max(0, len(tokenizer.source.encode_with_tokens(text, limit)[0]) - limit)
            for text in texts
        ]
        assert unpad(prompts.target_ids, prompts).to_list() == [
            [-1 if i == UNK else i for i in tokenizer.target.vocabulary.ids(tokens)]
            for tokens, _ in expected
        ]

    encode_replies = tf.function(
        lambda texts: (graph.tokenize_replies(texts), *graph.encode_replies(texts)), [TEXTS]
    )
    tokens, tokens_with_eos, ids = encode_replies(tf.constant(texts))
    assert as_strings(tokens_with_eos) == [[*row, "<eos>"] for row in as_strings(tokens)]
    assert as_strings(tokens) == [tokenizer.target.tokenize(text) for text in texts]
    assert ids.to_list() == [tokenizer.target.encode(text) for text in texts]
    detokenized = tf.function(graph.detokenize_replies)(tokens)
    assert [text.decode() for text in detokenized.numpy()] == [
        tokenizer.target.detokenize(tokenizer.target.tokenize(text)) for text in texts
    ]


def test_empty_batches(pairs, tmp_path):
    graph = InGraphTokenizer(Seq2SeqTokenizer.build(pairs, TextConfig(context_turns=1)), tmp_path)
    no_texts = tf.constant([], tf.string)
    assert graph.encode_prompts(no_texts, 5).ids.shape == [0, 1]
    assert graph.detokenize_replies(graph.tokenize_replies(no_texts)).shape == [0]


def as_strings(tokens):
    return [[token.decode() for token in row] for row in tokens.to_list()]


def unpad(column, prompts):
    return tf.RaggedTensor.from_tensor(column, prompts.length)
