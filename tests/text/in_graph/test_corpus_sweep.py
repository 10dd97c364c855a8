"""`InGraphTokenizer` matches `Seq2SeqTokenizer` on corpora and generated strings.

`CORPORA=folder make test-slow` reads all TSV files in that folder.
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
from helpers.result_rows import record_result

pytestmark = pytest.mark.slow

FRAGMENTS = [
    *"abcXYZ0189.%+-#&_ ,!~\n\r\t\0今天晚上吃什么的一是龘𠀀😀ＡＢ，。é한ß\u3000\ufeff",
    "\r\n",
    "1.5%",
]
MAX_LENGTH = 10_000


def corpus_texts() -> list[str]:
    """Returns the distinct prompts and replies of all corpora."""
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
            return "".join(rng.choices(FRAGMENTS, k=8000))
        choice = rng.random()
        if choice < 0.4:
            return "".join(rng.choices(FRAGMENTS, k=rng.randint(0, 60)))
        if choice < 0.7:
            return "".join(chr(rng.randint(0x4E00, 0x9FFF)) for _ in range(rng.randint(0, 40)))
        return "".join(
            chr(i)
            for i in (rng.randint(0, 0x10FFFF) for _ in range(rng.randint(0, 30)))
            if not 0xD800 <= i < 0xE000
        )

    return [generate_text(index) for index in range(num_texts)]


@pytest.mark.parametrize("has_user_words", [False, True], ids=["", "user words"])
@pytest.mark.parametrize("hmm", [True, False], ids=["hmm", "no hmm"])
def test_texts_are_encoded_as_by_the_tokenizer(hmm, has_user_words, tmp_path):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text(
        "今天晚上 1000000\n吃什么\nc++ 9\n的一是\n" * has_user_words, encoding="utf-8"
    )
    corpus = corpus_texts()
    config = TextConfig(
        jieba_hmm=hmm,
        vocabulary_size=8000,
        user_dictionary=str(dictionary) if has_user_words else "",
    )
    tokenizer = Seq2SeqTokenizer.build([(text, "") for text in corpus[::10]], config)
    graph = InGraphTokenizer(tokenizer, tmp_path)
    encode = tf.function(
        lambda texts: graph.encode_prompts(texts, MAX_LENGTH), [tf.TensorSpec([None], tf.string)]
    )
    for name, texts in (("real", corpus), ("generated", generated_texts(50_000))):
        num_different = 0
        texts = sorted(texts, key=len)
        for start in range(0, len(texts), 64):
            batch = texts[start : start + 64]
            prompts = encode(tf.constant(batch))
            rows = zip(batch, prompts.tokens.numpy(), prompts.ids.numpy(), prompts.length.numpy())
            for text, tokens, ids, length in rows:
                expected = tokenizer.source.encode_with_tokens(text, MAX_LENGTH)
                in_graph = [token.decode() for token in tokens[:length]], ids[:length].tolist()
                num_different += in_graph != expected
        setting = f"{'hmm' if hmm else 'no hmm'}{', user words' * has_user_words}"
        print(f"{setting}: {num_different} of {len(texts)} {name} texts are tokenized differently")
        record_result(
            "long_tests",
            test=f"tokenization of {name} texts",
            setting=setting,
            cases=len(texts),
            different=num_different,
        )
        assert num_different == 0
