"""What TensorFlow ops make of a text is what the codec makes of it."""

import random

import pytest
import tensorflow as tf

from attention_seq2seq.config.config import TextConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.text.in_graph.tokenizer import CodecGraph
from attention_seq2seq.text.seq2seq_tokenizer import Codec
from attention_seq2seq.text.vocabulary import UNK

TEXTS = tf.TensorSpec([None], tf.string)
ODD = [
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


def texts_of(pairs):
    """Prompts of several turns, empty and odd ones among them."""
    draw = random.Random(1)
    turns = [side.encode() for pair in pairs for side in pair]
    lines = [
        [
            draw.choice([draw.choice(ODD), draw.choice(turns), draw.choice(turns)[:6]])
            for _ in range(n)
        ]
        for n in range(6)
        for _ in range(120)
    ]
    return [b"\n".join(turns) for turns in lines]


@pytest.mark.parametrize("context_turns", [0, 2])
@pytest.mark.parametrize("segmentation", ["jieba", "characters", "blanks"])
def test_both_read_and_write_the_same(pairs, segmentation, context_turns, tmp_path):
    config = TextConfig(
        source_segmentation=segmentation,
        target_segmentation=segmentation,
        context_turns=context_turns,
        shared_vocabulary=not context_turns,
        vocabulary_size=1000,
    )
    codec = Codec.build(pairs, config)
    graph = CodecGraph(codec, tmp_path)
    texts = texts_of(pairs)
    for limit in (7, 60):
        read = tf.function(lambda texts, limit=limit: graph.read_prompts(texts, limit), [TEXTS])
        found = read(tf.constant(texts))
        expected = [[part[:limit] for part in codec.read_prompt(text, limit)] for text in texts]
        assert as_strings(real(found.words, found)) == [words for words, _ in expected]
        assert real(found.ids, found).to_list() == [ids for _, ids in expected]
        padding = ~tf.sequence_mask(found.length)
        assert set(found.ids[padding].numpy()) == {0} and set(found.said_as[padding].numpy()) == {
            -1
        }
        assert found.num_unread.numpy().tolist() == [
            max(0, len(codec.read_prompt(text, limit)[0]) - limit) for text in texts
        ]
        assert real(found.said_as, found).to_list() == [
            [-1 if i == UNK else i for i in codec.target_vocabulary.ids(words)]
            for words, _ in expected
        ]

    written = tf.function(
        lambda texts: (graph.reply_words(texts), *graph.encode_replies(texts)), [TEXTS]
    )
    words, with_end, ids = written(tf.constant(texts))
    assert as_strings(with_end) == [[*row, "<eos>"] for row in as_strings(words)]
    assert as_strings(words) == [codec.reply_words(text) for text in texts]
    assert ids.to_list() == [codec.encode_reply(text) for text in texts]
    joined = tf.function(graph.join_replies)(words)
    assert [text.decode() for text in joined.numpy()] == [
        codec.join_reply(codec.reply_words(text)) for text in texts
    ]


def test_of_no_text_at_all(pairs, tmp_path):
    graph = CodecGraph(Codec.build(pairs, TextConfig(context_turns=1)), tmp_path)
    nothing = tf.constant([], tf.string)
    assert graph.read_prompts(nothing, 5).ids.shape == [0, 1]
    assert graph.join_replies(graph.reply_words(nothing)).shape == [0]


def as_strings(words):
    return [[word.decode() for word in row] for row in words.to_list()]


def real(column, found):
    return tf.RaggedTensor.from_tensor(column, found.length)
