"""The served model spells words as the model in memory."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.serving.saved_model.module import ServingModule
from attention_seq2seq.serving.saved_model.request import default_inputs
from helpers.reply_comparison import assert_equal_reply

pytestmark = pytest.mark.xdist_group("spelling")

DECODING = DecodingConfig(suppress_tokens=("什么",), method="beam")


@pytest.fixture(scope="module")
def module(spelled_chat, tmp_path_factory):
    directory = tmp_path_factory.mktemp("dictionary")
    return ServingModule(spelled_chat, DECODING, ServingLimits(), directory, lambda: None)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "greedy", "suppress_tokens": ("烤鸭", "龘靐"), "unk_policy": "allow"},
        {"num_return_sequences": 3, "target_prefix": "龘吃ok"},
        {
            "method": "sample",
            "suppress_tokens": ("吃", "火龙果"),
            "prompt_bigram_penalty": 9.0,
            "top_k": 5,
        },
    ],
)
def test_replies_and_their_tokens_are_equal(module, spelled_chat, prompts, options):
    batch = prompts[::16] + prompts[-9:]
    decoding = dataclasses.replace(DECODING, **options)
    outputs = module.generate(
        tf.constant(batch),
        {name: tf.constant(_to_input(value)) for name, value in vars(decoding).items()},
    )
    outputs = {name: values.numpy().tolist() for name, values in outputs.items()}
    num_replies = outputs.pop("num_replies")
    for row, expected in enumerate(spelled_chat.generate(batch, decoding)):
        assert num_replies[row] == len(expected)
        for rank, reply in enumerate(expected):
            reply_outputs = {
                name: values[row] if name.startswith("prompt") else values[row][rank]
                for name, values in outputs.items()
            }
            assert reply_outputs["reply"].decode() == reply.text
            assert_equal_reply(reply_outputs, reply)
            assert "<unk>" not in reply.tokens


@pytest.mark.parametrize("prompt", ["吃天", "zw", "龘", "🤖", "", "今天 🤖 zw"])
def test_single_prompts_and_replies(module, spelled_chat, prompt):
    """In a batch, other texts could hide a fault."""
    (reply,) = spelled_chat.reply([prompt], DECODING)
    outputs = module.serving_default(tf.constant([prompt]))
    assert outputs["reply"][0].numpy().decode() == reply.text
    attributed = module.attribute(tf.constant([prompt]), tf.constant([prompt or "吃天"]))
    assert [word.decode() for word in attributed["prompt_words"][0].numpy()] == reply.prompt_words
    assert attributed["word_contributions"].shape[2] == len(reply.prompt_words)
    encoded = module.encode(tf.constant([prompt]))
    (specs,) = module.decode_step.input_signature[1:]
    outputs = module.decode_step(encoded["ids"], {name: encoded[name] for name in specs})
    assert outputs["tokens"].shape == [1]


def test_suppressed_texts_of_the_export_and_of_a_call_are_combined(module, spelled_chat, prompts):
    batch = prompts[:16]
    default_replies = spelled_chat.reply(batch, DECODING)
    vocabulary = spelled_chat.tokenizer.target.vocabulary
    words = (word for reply in default_replies for word in reply.words)
    word = next(word for word in words if len(word) > 1 and word in vocabulary)
    outputs = module.generate(
        tf.constant(batch), {**default_inputs(), "suppress_tokens": tf.constant(["", word, " "])}
    )
    decoding = dataclasses.replace(DECODING, suppress_tokens=("什么", word))
    expected = [reply.text for reply in spelled_chat.reply(batch, decoding)]
    assert [row[0].decode() for row in outputs["reply"].numpy()] == expected
    assert expected != [reply.text for reply in default_replies]


def test_tokens_get_the_reply_to_their_text(module, prompts):
    batch = tf.constant(prompts[::16] + prompts[-9:])
    from_text = module.serving_default(batch)
    from_tokens = module.generate_from_tokens(from_text["prompt_tokens"])
    for name in ("reply", "prompt_tokens", "reply_tokens", "score"):
        assert from_tokens[name].numpy().tolist() == from_text[name].numpy().tolist()


def test_tables_of_words_are_equal(module, spelled_chat, prompts):
    batch = prompts[::32] + prompts[-9:]
    by_prompt = {
        prompt: reply
        for prompt, reply in zip(batch, spelled_chat.reply(batch))
        if is_canonical(reply, spelled_chat)
    }
    assert len(by_prompt) > 20
    outputs = module.attribute(
        tf.constant(list(by_prompt)), tf.constant([reply.text for reply in by_prompt.values()])
    )
    outputs = {name: values.numpy() for name, values in outputs.items()}
    for row, reply in enumerate(by_prompt.values()):
        for name, labels in (
            ("prompt_words", reply.prompt_words),
            ("reply_words", reply.word_row_labels),
        ):
            assert [word.decode() for word in outputs[name][row] if word] == labels
        # Rounding errors are large relative to a small sum of a row.
        has_drop = reply._sum_words(reply._drops).sum(axis=1) > 0.05
        for name, expected, mask in (
            ("word_contributions", reply.word_contributions, has_drop),
            ("word_attention_weights", reply.word_attention_weights, ...),
        ):
            table = outputs[name][row]
            num_rows, num_columns = expected.shape
            np.testing.assert_allclose(
                table[:num_rows, :num_columns][mask], expected[mask], atol=1e-3
            )
            assert not table[num_rows:].any() and not table[:, num_columns:].any()
    num_tokens = sum(len(reply.prompt_tokens) for reply in by_prompt.values())
    assert num_tokens > sum(len(reply.prompt_words) for reply in by_prompt.values()) + 20


def is_canonical(reply, chat) -> bool:
    """Returns whether a reply is finished, and has the tokens that its text is encoded as."""
    return reply.finished and chat.tokenizer.target.tokenize(reply.text) == reply.tokens


def _to_input(value):
    return list(value) or [""] if isinstance(value, tuple) else value
