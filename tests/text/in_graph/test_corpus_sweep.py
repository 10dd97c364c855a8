"""`InGraphTokenizer` on every sentence of some corpora, and on 50,000 generated strings.

CORPORA=folder make test-slow   sweeps over all files of pairs in that folder.
"""

import os
import random
from pathlib import Path

import pytest
import tensorflow as tf

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer

pytestmark = pytest.mark.slow

PIECES = [
    *"abcXYZ0189.%+-#&_ ,!~\n\r\t\0今天晚上吃什么的一是龘𠀀😀ＡＢ，。é한ß\u3000\ufeff",
    "\r\n",
    "1.5%",
]
LIMIT = 10_000


def sentences() -> list[str]:
    """Both sides of every pair, each once."""
    files = sorted(Path(os.environ["CORPORA"]).glob("*.tsv")) if "CORPORA" in os.environ else []
    pairs = [
        pair
        for paths in ([(str(file),) for file in files] or [()])
        for pair in load_corpus(paths, True, 0.0, 1)[0].training
    ]
    return sorted({side for pair in pairs for side in (pair.prompt, pair.reply)})


def generated_texts(num_texts: int) -> list[str]:
    rng = random.Random(1)

    def generate_text(index):
        if index % 5000 == 0:
            return "".join(rng.choices(PIECES, k=8000))
        kind = rng.random()
        if kind < 0.4:
            return "".join(rng.choices(PIECES, k=rng.randint(0, 60)))
        if kind < 0.7:
            return "".join(chr(rng.randint(0x4E00, 0x9FFF)) for _ in range(rng.randint(0, 40)))
        return "".join(
            chr(i)
            for i in (rng.randint(0, 0x10FFFF) for _ in range(rng.randint(0, 30)))
            if not 0xD800 <= i < 0xE000
        )

    return [generate_text(index) for index in range(num_texts)]


@pytest.mark.parametrize("user_words", [False, True], ids=["", "user words"])
@pytest.mark.parametrize("hmm", [True, False], ids=["hmm", "no hmm"])
def test_texts_are_encoded_as_by_the_tokenizer(hmm, user_words, tmp_path):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text(
        "今天晚上 1000000\n吃什么\nc++ 9\n的一是\n" * user_words, encoding="utf-8"
    )
    corpus = sentences()
    config = TextConfig(
        jieba_hmm=hmm, vocabulary_size=8000, user_dictionary=str(dictionary) if user_words else ""
    )
    tokenizer = Seq2SeqTokenizer.build([(text, "") for text in corpus[::10]], config)
    graph = InGraphTokenizer(tokenizer, tmp_path)
    encode = tf.function(
        lambda texts: graph.encode_prompts(texts, LIMIT), [tf.TensorSpec([None], tf.string)]
    )
    for name, texts in (("real", corpus), ("generated", generated_texts(50_000))):
        different = 0
        texts = sorted(texts, key=len)
        for start in range(0, len(texts), 64):
            batch = texts[start : start + 64]
            prompts = encode(tf.constant(batch))
            rows = zip(batch, prompts.tokens.numpy(), prompts.ids.numpy(), prompts.length.numpy())
            for text, tokens, ids, length in rows:
                expected = tokenizer.source.encode_with_tokens(text, LIMIT)
                in_graph = [token.decode() for token in tokens[:length]], ids[:length].tolist()
                different += in_graph != expected
        print(
            f"{'hmm' if hmm else 'no hmm'}{', user words' * user_words}: {different} of "
            f"{len(texts)} {name} texts are read differently"
        )
        assert different == 0
