"""`Chat.stream` yields the tokens of `Chat.reply`."""

import dataclasses

import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.text.spelling import num_final_tokens

QUESTION = "今天晚上吃什么"

DECODING_CONFIGS = {
    "default": DecodingConfig(),
    "constrained": DecodingConfig(
        min_length=3,
        max_length=6,
        no_repeat_ngram_size=2,
        repetition_penalty=1.5,
        prompt_bigram_penalty=2.0,
        suppress_tokens=("吃",),
        target_prefix="我",
    ),
    "copying": DecodingConfig(unk_policy="replace"),
    "unknown": DecodingConfig(unk_policy="allow"),
}


@pytest.mark.parametrize("decoding", DECODING_CONFIGS.values(), ids=DECODING_CONFIGS.keys())
@pytest.mark.parametrize("fixture_name", ["chat", "talk_chat", "spelled_chat"])
def test_streamed_tokens_concatenate_to_the_reply(fixture_name, decoding, prompts, request):
    chat_model = request.getfixturevalue(fixture_name)
    if fixture_name == "chat":
        decoding = dataclasses.replace(decoding, target_prefix="")
    batch = prompts[:20] + prompts[-30:]
    streams = [list(chat_model.stream(prompt, decoding)) for prompt in batch]
    expected = chat_model.reply(batch, decoding)
    assert ["".join(texts) for texts in streams] == [reply.text for reply in expected]
    assert [len(texts) for texts in streams] == [
        num_pieces(chat_model.tokenizer.target, reply.tokens) for reply in expected
    ]


def num_pieces(tokenizer, tokens) -> int:
    """Returns the number of tokens that complete a text. Bytes of a character are one piece."""
    prefixes = [tokens[:length] for length in range(1, len(tokens) + 1)]
    texts = {tokenizer.detokenize(prefix[: num_final_tokens(prefix)]) for prefix in prefixes}
    # Bytes of an unfinished character at the end of a reply are an additional piece.
    return len((texts | {tokenizer.detokenize(tokens)}) - {""})


@pytest.mark.parametrize("fixture_name", ["meals_dir", "spelled_dir"])
def test_ensembles_stream(fixture_name, request):
    model_dir = request.getfixturevalue(fixture_name)
    ensemble = Chat.load(model_dir, model_dir)
    assert "".join(ensemble.stream(QUESTION)) == ensemble.reply([QUESTION])[0].text


@pytest.mark.parametrize(
    ("prompt", "decoding", "error", "message"),
    [
        ([QUESTION], None, TypeError, r"prompts\[0\] is \['今天晚上吃什么'\]; expected a string"),
        (QUESTION, DecodingConfig(method="beam"), ValueError, "method is 'beam'"),
        (QUESTION, DecodingConfig(mmi_weight=0.5), ValueError, "mmi_weight 0.5"),
    ],
)
def test_stream_raises_before_the_first_token(chat, prompt, decoding, error, message):
    with pytest.raises(error, match=message):
        chat.stream(prompt, decoding)
