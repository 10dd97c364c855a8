"""What the TensorFlow Lite models answer, beside the full one."""

import json

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.serving.tflite import FLOAT_FILE, INT8_FILE, export_lite

pytestmark = pytest.mark.xdist_group("export")


@pytest.fixture(scope="module")
def lite_dir(talk_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite") / "talk"
    export_lite(talk_dir, folder)
    return folder


@pytest.fixture(scope="module")
def lite_meals_dir(meals_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite") / "meals"
    export_lite(meals_dir, folder)
    return folder


def same_replies(path, chat, prompts) -> int:
    """How many prompts are answered as in memory, by the interpreter of TensorFlow Lite."""
    interpreter = tf.lite.Interpreter(str(path))
    names = {operation["op_name"] for operation in interpreter._get_ops_details()}
    assert names and not {n for n in names if n.startswith("Flex") or n == "CUSTOM"}
    reply = interpreter.get_signature_runner()
    limit = chat.config.data.max_source_length
    same = 0
    for prompt, expected in zip(prompts, chat.reply(prompts)):
        ids = chat.tokenizer.source.encode(prompt, limit)[:limit]
        found = reply(
            source_ids=np.array([ids + [0] * (limit - len(ids))], np.int32),
            source_length=np.array([len(ids)], np.int32),
        )
        length = found["reply_length"][0]
        assert not found["reply_ids"][0, length:].any()
        same += (
            chat.tokenizer.target.decode(found["reply_ids"][0, :length].tolist()) == expected.text
        )
    return same


def test_floats_answer_as_the_full_model(lite_dir, talk_chat, prompts):
    assert same_replies(lite_dir / FLOAT_FILE, talk_chat, prompts) >= 0.995 * len(prompts)


def test_bytes_answer_nearly_so(lite_meals_dir, chat, lite_dir, talk_chat, prompts):
    """Of a model that has learnt its task; a restless one changes its mind more easily."""
    same = same_replies(lite_meals_dir / INT8_FILE, chat, prompts)
    restless = same_replies(lite_dir / INT8_FILE, talk_chat, prompts)
    sizes = [(lite_dir / name).stat().st_size for name in (FLOAT_FILE, INT8_FILE)]
    print(f"{same}, restless {restless} of {len(prompts)}; sizes {sizes[1] / sizes[0]:.3f}")
    assert same >= 0.9 * len(prompts) and restless >= 0.8 * len(prompts)
    assert sizes[1] <= 0.35 * sizes[0]


def test_the_folder_says_what_it_is(lite_dir, talk_dir):
    about = json.loads((lite_dir / "metadata.json").read_text(encoding="utf-8"))
    assert about["decoding"]["method"] == "greedy" and "caps" not in about
    assert "jieba" not in (lite_dir / "NOTICE.txt").read_text(encoding="utf-8")
    for name in ("config.json", "vocabulary.txt"):
        assert (lite_dir / name).read_bytes() == (talk_dir / name).read_bytes()


@pytest.mark.parametrize(
    "name, decoding",
    [
        ("method", DecodingConfig(method="beam")),
        ("unknown", DecodingConfig(unknown="replace")),
        ("echo_penalty", DecodingConfig(echo_penalty=2.0)),
    ],
)
def test_what_it_cannot_do_is_refused(talk_dir, tmp_path, name, decoding):
    with pytest.raises(ValueError, match=f"^{name}: a TensorFlow Lite model answers greedily"):
        export_lite(talk_dir, tmp_path / "lite", decoding)
    assert not list(tmp_path.iterdir())
