"""Arguments of `Chat`: accepted sequences and rejected types."""

import numpy as np
import pytest

QUESTION = "今天晚上吃什么"


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (QUESTION, r"prompts is a single str, .*expected a list of strings"),
        (b"abc", "prompts is a single bytes"),
        (
            (text for text in [QUESTION]),
            r"prompts is a generator; .*Convert an iterable with list",
        ),
        ({QUESTION}, "prompts is a set"),
        ({QUESTION: 1}, "prompts is a dict"),
        (None, "prompts is a NoneType"),
        ([QUESTION, 3], r"prompts\[1\] is 3; expected a string"),
        ([[QUESTION]], r"prompts\[0\] is \["),
    ],
    ids=lambda value: type(value).__name__,
)
def test_prompts_other_than_lists_of_strings_raise(chat, prompts, message):
    for method in (chat.reply, chat.generate, lambda texts: chat.score(texts, [QUESTION])):
        with pytest.raises(TypeError, match=message):
            method(prompts)


def test_lists_tuples_arrays_and_bytes_are_accepted(chat):
    assert chat.reply([]) == chat.score([], []) == []
    expected = chat.reply([QUESTION])[0].text
    for prompts in ((QUESTION,), np.array([QUESTION]), [QUESTION.encode()]):
        assert chat.reply(prompts)[0].text == expected


def test_score_requires_one_reply_for_each_prompt(chat):
    with pytest.raises(ValueError, match="2 prompts and 1 replies; expected one reply for each"):
        chat.score([QUESTION] * 2, ["吃"])
    with pytest.raises(TypeError, match="replies is a single str"):
        chat.score(["吃"], "吃")
    with pytest.raises(TypeError, match="decoding is 'beam'; expected a DecodingConfig"):
        chat.reply([QUESTION], "beam")
