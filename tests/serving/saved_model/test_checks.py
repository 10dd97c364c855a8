"""Nothing that is sent breaks an exported model: it answers, or refuses with a sentence."""

import errno
import random
import resource
from pathlib import Path

import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import Caps
from attention_seq2seq.serving import tflite
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.serving.tflite import export_lite
from helpers.served_model import call_signature

pytestmark = pytest.mark.xdist_group("export")


def refused(saved_model, signature, sentence, **inputs):
    """Asserts that a call is refused, with this sentence."""
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        call_signature(saved_model, signature, inputs)


def test_any_bytes_get_a_reply(saved_model):
    """20,000 random byte strings: some of them text, most of them not UTF-8."""
    draw = random.Random(1)
    pieces = [*("今天晚上吃什么的龘😀é\n\r\t\0 a1.%".encode()[i : i + 1] for i in range(40))]
    texts = [
        draw.randbytes(draw.randint(0, 60))
        if draw.random() < 0.5
        else b"".join(draw.choices(pieces, k=draw.randint(0, 60)))
        for _ in range(20_000)
    ]
    told = 0
    for first in range(0, len(texts), 512):
        found = call_signature(
            saved_model, "serving_default", {"prompt": texts[first : first + 512]}
        )
        told += len([text.decode() for text in found["reply"]])
        assert min(found["prompt_length"]) >= 1
    assert told == 20_000


@pytest.mark.parametrize("size", [0, 1, 512])
def test_any_size_of_batch_is_answered(saved_model, size):
    prompt = ["今天晚上吃什么"] * size
    expected = call_signature(saved_model, "serving_default", {"prompt": ["今天晚上吃什么"] * 2})[
        "reply"
    ][:1]
    for signature, inputs in (
        ("serving_default", {}),
        ("reply", {}),
        ("reply", {"method": "beam", "num_best": 2}),
        ("reply", {"method": "sample", "num_best": 2}),
        ("score", {"reply": expected * size}),
        ("explain", {"reply": expected * size}),
        ("encode", {}),
    ):
        found = call_signature(saved_model, signature, {"prompt": prompt, **inputs})
        assert {len(values) for values in found.values()} == {size}
        if signature == "serving_default":
            assert found["reply"] == expected * size
    tokens = tf.constant([["今天", "晚上"]] * size, shape=[size, 2], dtype=tf.string)
    assert saved_model.tokens(tokens)["reply"].shape == [size]


def test_what_is_over_a_cap_is_refused(saved_model):
    caps = Caps()
    refused(
        saved_model, "serving_default", "has 1048576 bytes; at most 32768", prompt=["a" * 2**20]
    )
    refused(
        saved_model, "serving_default", "brought 1025 prompts; at most 1024", prompt=["a"] * 1025
    )
    refused(saved_model, "reply", "have 300000 bytes together", prompt=["a" * 30_000] * 10)
    refused(saved_model, "tokens", "has 1048576 bytes", prompt_tokens=[["a" * 2**19] * 2])
    refused(saved_model, "score", "A reply has 40000 bytes", prompt=["a"], reply=["a" * 40_000])
    refused(saved_model, "score", "A reply has 1001 words", prompt=["a"], reply=["，" * 1001])
    uneven = {"prompt": ["a"] * 300, "reply": ["，" * 999] + [""] * 299}
    refused(saved_model, "explain", "have 300000 words, .* at most 262144 are scored", **uneven)
    refused(
        saved_model,
        "score",
        "The replies of a call have 300000 bytes",
        prompt=["a"] * 10,
        reply=["a" * 30_000] * 10,
    )
    refused(saved_model, "score", "Got 1 prompts and 2 replies", prompt=["a"], reply=["a", "b"])
    # Right below it, everything is answered.
    largest = "龘" * (caps.max_text_bytes // 3)
    found = call_signature(
        saved_model, "serving_default", {"prompt": [largest, "a" * caps.max_text_bytes]}
    )
    assert found["prompt_length"] == [20, 1]
    scored = call_signature(saved_model, "score", {"prompt": ["a"], "reply": ["，" * 1000]})
    assert scored["reply_length"] == [1000]


@pytest.mark.parametrize(
    "sentence, asked",
    [
        (r"beam_width is 0; expected 1 to 100", {"beam_width": 0}),
        (r"beam_width is 10000; expected 1 to 100, or -1", {"beam_width": 10_000}),
        (r"beam_width is -2; expected", {"beam_width": -2}),
        (r'method is \\"viterbi\\"; choose one of greedy, beam, sample', {"method": "viterbi"}),
        (r"unknown is", {"unknown": "say"}),
        (r"temperature is 0; expected 0.01 to 100", {"temperature": 0.0}),
        (r"temperature is nan", {"temperature": float("nan")}),
        (r"top_p is inf", {"top_p": float("inf")}),
        (r"length_penalty is 11; expected -10", {"length_penalty": 11.0}),
        (r"maximum_length is 1001; expected 0 to 1000", {"maximum_length": 1001}),
        (r"minimum_length is 32, more than the longest", {"minimum_length": 32}),
        (r"num_best is 2 and method greedy", {"num_best": 2}),
        (r"num_best is 6 and beam_width 5", {"method": "beam", "num_best": 6}),
        (r"beam_width is 5 and beam_groups 2", {"beam_groups": 2}),
        (r"prefix: .* does not know", {"prefix": "龘"}),
        (r"forbidden_words: .* not one word", {"forbidden_words": ["今天晚上"]}),
        (r"forbidden_words: .* not one word", {"forbidden_words": [" "]}),
        (r"10300 hypotheses at once; at most 4096", {"method": "beam", "beam_width": 100}),
    ],
)
def test_a_knob_out_of_range_is_refused(saved_model, sentence, asked):
    size = 103 if "hypotheses" in sentence else 1
    refused(saved_model, "reply", sentence, prompt=["你好"] * size, **asked)


def test_a_step_from_nonsense_is_refused(saved_model):
    state = saved_model.encode(tf.constant(["你好", "你是谁"]))
    names = [n for n in saved_model.signatures["step"].structured_input_signature[1] if n != "ids"]
    state, ids = {name: state[name] for name in names}, state["ids"]

    def steps(sentence, ids, **changed):
        with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
            saved_model.step(tf.constant(ids), {**state, **changed})

    steps("expected ids of words", [1, 1_000_000])
    steps("expected ids of words", [-1, 1])
    steps("ids has 3 rows", [1, 1, 1])
    steps("memory_ is for", [1, 1], memory_keys=state["memory_keys"][:, :-1])
    steps("4097 rows; at most 4096", [1] * 4097)
    assert saved_model.step(ids, state)["ids"].shape == [2]


def test_the_caps_are_those_of_the_export(talk_dir, tmp_path):
    with pytest.raises(ValueError, match="beam_width or num_best is 101, more than max_beam_width"):
        wide = DecodingConfig(method="beam", beam_width=101)
        export_saved_model(talk_dir, tmp_path / "out", wide, progress=False)
    with pytest.raises(ValueError, match="more than max_reply_words 29"):
        export_saved_model(talk_dir, tmp_path / "out", caps=Caps(max_reply_words=29))
    (tmp_path / "there").mkdir()
    with pytest.raises(ValueError, match="exists; remove it"):
        export_saved_model(talk_dir, tmp_path / "there")
    with pytest.raises(FileNotFoundError, match="no trained model here"):
        export_saved_model(tmp_path / "nothing", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_memory_stays_bounded(saved_model):
    """The largest batches that are taken, again and again: no more memory than the first time."""
    texts = ["今天晚上吃什么好呢" * 36] * 256
    assert 200_000 < sum(len(text.encode()) for text in texts) <= Caps().max_batch_bytes
    call_signature(saved_model, "serving_default", {"prompt": texts})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(4):
        call_signature(saved_model, "serving_default", {"prompt": texts})
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{before // 1024} MB, then {after // 1024} MB")
    assert after - before < 300 * 1024


FULL = "No space left on device"


@pytest.mark.parametrize(
    ("export", "target", "name", "error"),
    [
        (
            *(export_saved_model, tf.saved_model, "save"),
            tf.errors.ResourceExhaustedError(None, None, f"assets/words.txt; {FULL}"),
        ),
        (export_saved_model, Path, "write_bytes", OSError(errno.ENOSPC, FULL)),
        (export_lite, Path, "write_bytes", OSError(errno.ENOSPC, FULL)),
    ],
    ids=["graph", "words", "lite"],
)
def test_a_full_disk_is_said_and_leaves_nothing(
    talk_dir, tmp_path, monkeypatch, export, target, name, error
):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(tflite, "_converted", lambda *_: b"")
    monkeypatch.setattr(target, name, full)
    with pytest.raises(OSError, match=f"served/1 cannot be written.*{FULL}"):
        export(talk_dir, tmp_path / "served/1")
    assert not list((tmp_path / "served").iterdir())
