"""An exported model answers any input, or rejects it with an error message."""

import errno
import random
import resource
from pathlib import Path

import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.serving import tflite
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.serving.tflite import export_tflite
from helpers.served_model import call_signature

pytestmark = pytest.mark.xdist_group("export")


def assert_rejected(saved_model, signature, message, **inputs):
    """Asserts that a call fails with this message."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call_signature(saved_model, signature, inputs)


@pytest.mark.parametrize("num_texts", [1_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_any_bytes_get_a_reply(saved_model, num_texts):
    """Sends random byte strings: some of them text, most of them not UTF-8."""
    rng = random.Random(1)
    pieces = [*("今天晚上吃什么的龘😀é\n\r\t\0 a1.%".encode()[i : i + 1] for i in range(40))]
    texts = [
        rng.randbytes(rng.randint(0, 60))
        if rng.random() < 0.5
        else b"".join(rng.choices(pieces, k=rng.randint(0, 60)))
        for _ in range(num_texts)
    ]
    num_replies = 0
    for start in range(0, len(texts), 512):
        batch = {"prompt": texts[start : start + 512]}
        outputs = call_signature(saved_model, "serving_default", batch)
        num_replies += len([text.decode() for text in outputs["reply"]])
        assert min(outputs["prompt_length"]) >= 1
    assert num_replies == num_texts


@pytest.mark.parametrize("batch_size", [0, 1, 512])
def test_any_batch_size_is_answered(saved_model, batch_size):
    prompt = ["今天晚上吃什么"] * batch_size
    expected = call_signature(saved_model, "serving_default", {"prompt": ["今天晚上吃什么"] * 2})[
        "reply"
    ][:1]
    for signature, inputs in (
        ("serving_default", {}),
        ("generate", {}),
        ("generate", {"method": "beam", "num_return_sequences": 2}),
        ("generate", {"method": "sample", "num_return_sequences": 2}),
        ("score", {"reply": expected * batch_size}),
        ("attribute", {"reply": expected * batch_size}),
        ("encode", {}),
    ):
        outputs = call_signature(saved_model, signature, {"prompt": prompt, **inputs})
        assert {len(values) for values in outputs.values()} == {batch_size}
        if signature == "serving_default":
            assert outputs["reply"] == expected * batch_size
    tokens = tf.constant([["今天", "晚上"]] * batch_size, shape=[batch_size, 2], dtype=tf.string)
    assert saved_model.generate_from_tokens(tokens)["reply"].shape == [batch_size]


def test_a_call_above_a_limit_is_rejected(saved_model):
    limits = ServingLimits()
    assert_rejected(
        saved_model,
        "serving_default",
        "1048576 bytes; the limit is 32768",
        prompt=["a" * 2**20],
    )
    assert_rejected(
        saved_model, "serving_default", "has 1025 prompts; the limit is 1024", prompt=["a"] * 1025
    )
    assert_rejected(
        saved_model, "generate", "have 300000 bytes in total", prompt=["a" * 30_000] * 10
    )
    assert_rejected(
        saved_model, "generate_from_tokens", "has 1048576 bytes", prompt_tokens=[["a" * 2**19] * 2]
    )
    assert_rejected(
        saved_model, "score", "A reply has 40000 bytes", prompt=["a"], reply=["a" * 40_000]
    )
    assert_rejected(
        saved_model, "score", "A reply has 1001 tokens", prompt=["a"], reply=["，" * 1001]
    )
    uneven = {"prompt": ["a"] * 300, "reply": ["，" * 999] + [""] * 299}
    assert_rejected(saved_model, "attribute", "have 300000 tokens .* the limit is 262144", **uneven)
    assert_rejected(
        saved_model,
        "score",
        "The replies of the call have 300000 bytes",
        prompt=["a"] * 10,
        reply=["a" * 30_000] * 10,
    )
    assert_rejected(
        saved_model, "score", "Got 1 prompts and 2 replies", prompt=["a"], reply=["a", "b"]
    )
    # At the limits, every call is answered.
    largest = "龘" * (limits.max_text_bytes // 3)
    outputs = call_signature(
        saved_model, "serving_default", {"prompt": [largest, "a" * limits.max_text_bytes]}
    )
    assert outputs["prompt_length"] == [20, 1]
    outputs = call_signature(saved_model, "score", {"prompt": ["a"], "reply": ["，" * 1000]})
    assert outputs["reply_length"] == [1000]


@pytest.mark.parametrize(
    "message, options",
    [
        (r"beam_width is 0; expected 1 to 100", {"beam_width": 0}),
        (r"beam_width is 10000; expected 1 to 100, or -1", {"beam_width": 10_000}),
        (r"beam_width is -2; expected", {"beam_width": -2}),
        (r'method is \\"viterbi\\"; choose one of greedy, beam, sample', {"method": "viterbi"}),
        (r"unk_policy is", {"unk_policy": "say"}),
        (r"temperature is 0; expected 0.01 to 100", {"temperature": 0.0}),
        (r"temperature is nan", {"temperature": float("nan")}),
        (r"top_p is inf", {"top_p": float("inf")}),
        (r"length_penalty is 11; expected -10", {"length_penalty": 11.0}),
        (r"max_length is 1001; expected 0 to 1000", {"max_length": 1001}),
        (r"min_length is 32, above max_length", {"min_length": 32}),
        (r"num_return_sequences is 2 and method is greedy", {"num_return_sequences": 2}),
        (
            r"num_return_sequences is 6 and beam_width is 5",
            {"method": "beam", "num_return_sequences": 6},
        ),
        (r"beam_width is 5 and num_beam_groups is 2", {"num_beam_groups": 2}),
        (r"target_prefix: .* not in the vocabulary", {"target_prefix": "龘"}),
        (
            r"target_prefix has 2 tokens, and a reply has at most 1",
            {"target_prefix": "我是", "max_length": 1, "min_length": 0},
        ),
        (r"10300 hypotheses; the limit is 4096", {"method": "beam", "beam_width": 100}),
    ],
)
def test_an_option_out_of_range_is_rejected(saved_model, message, options):
    batch_size = 103 if "hypotheses" in message else 1
    assert_rejected(saved_model, "generate", message, prompt=["你好"] * batch_size, **options)


def test_a_step_from_an_invalid_state_is_rejected(saved_model):
    state = saved_model.encode(tf.constant(["你好", "你是谁"]))
    names = [
        n for n in saved_model.signatures["decode_step"].structured_input_signature[1] if n != "ids"
    ]
    state, ids = {name: state[name] for name in names}, state["ids"]

    def assert_step_rejected(message, ids, **changes):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            saved_model.decode_step(tf.constant(ids), {**state, **changes})

    assert_step_rejected("expected token ids", [1, 1_000_000])
    assert_step_rejected("expected token ids", [-1, 1])
    assert_step_rejected("ids has 3 rows", [1, 1, 1])
    assert_step_rejected("memory_ tensors have", [1, 1], memory_keys=state["memory_keys"][:, :-1])
    sequences = tf.constant([[1_000_000]] * 2)
    assert_step_rejected("sequences is", [1, 1], sequences=sequences)
    assert_step_rejected("prompt_target_ids is", [1, 1], prompt_target_ids=sequences)
    assert_step_rejected("4097 rows; the limit is 4096", [1] * 4097)
    assert saved_model.decode_step(ids, state)["ids"].shape == [2]


def test_default_options_above_a_limit_are_rejected(talk_dir, tmp_path):
    with pytest.raises(
        ValueError, match="beam_width or num_return_sequences is 101, above max_beam_width"
    ):
        decoding = DecodingConfig(method="beam", beam_width=101)
        export_saved_model(talk_dir, tmp_path / "out", decoding, progress=False)
    with pytest.raises(ValueError, match="above max_reply_length 29"):
        export_saved_model(talk_dir, tmp_path / "out", limits=ServingLimits(max_reply_length=29))
    (tmp_path / "existing").mkdir()
    with pytest.raises(ValueError, match=r"exists\. Remove it"):
        export_saved_model(talk_dir, tmp_path / "existing")
    with pytest.raises(FileNotFoundError, match="no such directory"):
        export_saved_model(tmp_path / "missing", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["existing"]


def test_memory_stays_bounded(saved_model):
    """Sends the largest batch several times, which needs no more memory than once."""
    texts = ["今天晚上吃什么好呢" * 36] * 256
    assert 200_000 < sum(len(text.encode()) for text in texts) <= ServingLimits().max_batch_bytes
    call_signature(saved_model, "serving_default", {"prompt": texts})
    old_size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        call_signature(saved_model, "serving_default", {"prompt": texts})
    new_size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{old_size // 1024} MB, then {new_size // 1024} MB")
    assert new_size - old_size < 300 * 1024


DISK_FULL = "No space left on device"


@pytest.mark.parametrize(
    ("export", "target", "name", "error"),
    [
        (
            *(export_saved_model, tf.saved_model, "save"),
            tf.errors.ResourceExhaustedError(None, None, f"assets/words.txt; {DISK_FULL}"),
        ),
        (export_saved_model, Path, "write_bytes", OSError(errno.ENOSPC, DISK_FULL)),
        (export_tflite, Path, "write_bytes", OSError(errno.ENOSPC, DISK_FULL)),
    ],
    ids=["graph", "files", "tflite"],
)
def test_a_full_disk_is_reported_and_leaves_no_files(
    talk_dir, tmp_path, monkeypatch, export, target, name, error
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(tflite, "_convert", lambda *_: b"")
    monkeypatch.setattr(target, name, fail)
    with pytest.raises(OSError, match=f"Cannot write .*saved_model/1.*{DISK_FULL}"):
        export(talk_dir, tmp_path / "saved_model/1")
    assert not list((tmp_path / "saved_model").iterdir())
