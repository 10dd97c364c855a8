"""The TensorFlow Lite models give the replies of the full model."""

import json
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.serving.tflite import FLOAT_FILE, INT8_FILE, export_tflite
from helpers.result_rows import record_result

pytestmark = pytest.mark.xdist_group("export")


@pytest.fixture(scope="module")
def tflite_dir(talk_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite") / "talk"
    export_tflite(talk_dir, folder)
    return folder


@pytest.fixture(scope="module")
def tflite_spelled_dir(spelled_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite") / "spelled"
    export_tflite(spelled_dir, folder)
    return folder


@pytest.fixture(scope="module")
def tflite_meals_dir(meals_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite") / "meals"
    export_tflite(meals_dir, folder)
    return folder


def count_equal_replies(path, chat, prompts, decoding=None) -> int:
    """Counts the prompts to which TensorFlow Lite gives the reply of the model in memory."""
    interpreter = tf.lite.Interpreter(str(path))
    names = {operation["op_name"] for operation in interpreter._get_ops_details()}
    assert names and not {n for n in names if n.startswith("Flex") or n == "CUSTOM"}
    run = interpreter.get_signature_runner()
    limit = chat.config.data.max_source_length
    num_equal = 0
    for prompt, expected in zip(prompts, chat.reply(prompts, decoding)):
        ids = chat.tokenizer.source.encode(prompt, limit)[:limit]
        outputs = run(
            source_ids=np.array([ids + [0] * (limit - len(ids))], np.int32),
            source_length=np.array([len(ids)], np.int32),
        )
        length = outputs["reply_length"][0]
        assert not outputs["reply_ids"][0, length:].any()
        num_equal += (
            chat.tokenizer.target.decode(outputs["reply_ids"][0, :length].tolist()) == expected.text
        )
    return num_equal


@pytest.mark.parametrize(
    ("model_dir", "chat_name"),
    [("tflite_dir", "talk_chat"), ("tflite_spelled_dir", "spelled_chat")],
)
def test_float_weights_give_the_replies_of_the_full_model(model_dir, chat_name, prompts, request):
    folder, chat = map(request.getfixturevalue, (model_dir, chat_name))
    assert count_equal_replies(folder / FLOAT_FILE, chat, prompts) >= 0.995 * len(prompts)


@pytest.mark.slow
def test_texts_of_several_tokens_are_suppressed(spelled_dir, spelled_chat, prompts, tmp_path):
    replies = Counter(word for reply in spelled_chat.reply(prompts) for word in reply.words)
    words = [word for word, _ in replies.most_common(9) if len(word) > 1]
    decoding = DecodingConfig(suppress_tokens=tuple(words))
    export_tflite(spelled_dir, tmp_path / "lite", decoding)
    path = tmp_path / "lite" / FLOAT_FILE
    num_equal = count_equal_replies(path, spelled_chat, prompts, decoding)
    assert num_equal >= 0.995 * len(prompts)
    assert len(spelled_chat.decoding_params(decoding).suppressed_sequences) >= len(words) > 2


@pytest.mark.parametrize(
    ("model", "chat_name", "dir_name", "min_equal"),
    [
        ("small talk", "talk_chat", "tflite_dir", 0.8),
        pytest.param("meals", "chat", "tflite_meals_dir", 0.9, marks=pytest.mark.slow),
    ],
)
def test_int8_weights_give_nearly_the_same_replies(
    model, chat_name, dir_name, min_equal, prompts, request
):
    """The meals model is certain of its replies; those of the talk model differ more easily."""
    chat, folder = map(request.getfixturevalue, (chat_name, dir_name))
    num_equal = count_equal_replies(folder / INT8_FILE, chat, prompts)
    print(f"{model}: {num_equal} of {len(prompts)}")
    counts = {"replies": len(prompts), "equal_replies": num_equal}
    record_result("serving", table="tflite", model=model, file=INT8_FILE, **counts)
    assert num_equal >= min_equal * len(prompts)


def test_int8_weights_need_a_third_of_the_space(tflite_dir):
    sizes = [(tflite_dir / name).stat().st_size for name in (FLOAT_FILE, INT8_FILE)]
    print(f"sizes {sizes[1] / sizes[0]:.3f}")
    assert sizes[1] <= 0.35 * sizes[0]


def test_metadata_and_notices_are_written(tflite_dir, talk_dir):
    metadata = json.loads((tflite_dir / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["decoding"]["method"] == "greedy" and "limits" not in metadata
    assert "jieba" not in (tflite_dir / "NOTICE.txt").read_text(encoding="utf-8")
    for name in ("config.json", "vocabulary.txt"):
        assert (tflite_dir / name).read_bytes() == (talk_dir / name).read_bytes()


@pytest.mark.parametrize(
    "name, decoding, expectation",
    [
        ("method", DecodingConfig(method="beam"), "Expected 'greedy'"),
        ("unk_policy", DecodingConfig(unk_policy="replace"), "Expected 'forbid' or 'allow'"),
        (
            "prompt_bigram_penalty",
            DecodingConfig(prompt_bigram_penalty=2.0),
            "Omit prompt_bigram_penalty; only max_length, suppress_tokens, unk_policy can be set",
        ),
    ],
)
def test_unsupported_decoding_options_are_rejected(talk_dir, tmp_path, name, decoding, expectation):
    message = f"^{name} is .*, which TensorFlow Lite does not support. {expectation}.$"
    with pytest.raises(ValueError, match=message):
        export_tflite(talk_dir, tmp_path / "lite", decoding)
    assert not list(tmp_path.iterdir())
