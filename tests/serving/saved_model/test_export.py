"""What an exported model answers is what the model in memory answers."""

import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import (
    Config,
    DataConfig,
    ModelConfig,
    TextConfig,
    TrainingConfig,
)
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training.api import train
from helpers.reply_comparison import (
    TOLERANCE,
    assert_equal_reply,
    count_different_replies,
    split_batches,
)
from helpers.scripts import run_script
from helpers.served_model import call_signature

pytestmark = pytest.mark.xdist_group("export")

METHODS = {
    "greedy": DecodingConfig(),
    "beam": DecodingConfig(method="beam"),
    "sample": DecodingConfig(method="sample", sampling_seed=3),
}


def test_it_answers_where_there_is_nothing_but_tensorflow(
    export_dir, run_in_subprocess, talk_chat, prompts
):
    """1,000 prompts, each method; at most one reply in a thousand may be another."""
    batches = split_batches(prompts)
    calls = [("serving_default", {"prompt": batch}) for batch in batches]
    for method, decoding in METHODS.items():
        params = {"method": method, "sampling_seed": decoding.sampling_seed}
        calls += [("reply", {"prompt": batch, **params}) for batch in batches]
    found = run_in_subprocess(export_dir, calls)
    assert found["foreign_ops"] == []
    assert not {"jieba", "tensorflow_addons", "attention_seq2seq"} & set(found["imported"])

    outputs = iter(found["outputs"])
    in_memory = {method: talk_chat.reply(prompts, METHODS[method]) for method in METHODS}
    for method in ("greedy", *METHODS):
        expected = in_memory[method]
        assert len({reply.text for reply in expected}) >= 300
        different = 0
        for batch in split_batches(expected):
            found = next(outputs)
            if "num_replies" in found:
                assert set(found.pop("num_replies")) == {1}
                found = {name: first(name, values) for name, values in found.items()}
            different += count_different_replies(found, batch)
        print(f"{method}: {different} of {len(prompts)} replies differ")
        assert different <= 1


def first(name, values):
    """Of `num_best` replies to each prompt the first; what is of the prompts as it is."""
    return values if name.startswith("prompt") else [several[0] for several in values]


def test_ready_tokens_are_answered_as_their_text(saved_model, prompts):
    num_unread = 0
    for batch in split_batches(prompts, 100):
        from_text = call_signature(saved_model, "serving_default", {"prompt": batch})
        tokens = call_signature(
            saved_model, "tokens", {"prompt_tokens": from_text["prompt_tokens"]}
        )
        num_unread += sum(from_text.pop("prompt_unread"))
        assert set(tokens.pop("prompt_unread")) == {0}
        assert tokens == from_text
    assert num_unread > 0


def test_every_knob_does_what_it_does_in_memory(saved_model, talk_chat, prompts):
    draw = random.Random(1)
    methods, num_several = set(), 0
    for _ in range(40):
        decoding = random_decoding(draw)
        batch = draw.sample(prompts, 4)
        outputs = call_signature(
            saved_model, "reply", {"prompt": batch, **dataclasses.asdict(decoding)}
        )
        methods.add(decoding.method)
        for row, expected in enumerate(talk_chat.generate(batch, decoding)):
            assert outputs["num_replies"][row] == len(expected), decoding
            num_several += len(expected) > 1
            for number, reply in enumerate(expected):
                found = {
                    name: values[row] if name.startswith("prompt") else values[row][number]
                    for name, values in outputs.items()
                    if name != "num_replies"
                }
                assert found["reply"].decode() == reply.text, decoding
                assert_equal_reply(found, reply)
            # Where there are fewer, the rest is empty.
            assert not any(outputs["reply"][row][len(expected) :])
            assert not any(outputs["score"][row][len(expected) :])
    assert methods == {"greedy", "beam", "sample"} and num_several > 20


def random_decoding(draw) -> DecodingConfig:
    method = draw.choice(("greedy", "beam", "sample"))
    groups = draw.choice((1, 1, 2, 3))
    width = groups * draw.choice((1, 2, 4))
    best = {"greedy": 1, "beam": draw.randint(1, width), "sample": draw.randint(1, 4)}[method]
    often = lambda usual, other: usual if draw.random() < 0.7 else other  # noqa: E731
    return DecodingConfig(
        method=method,
        num_best=best,
        beam_width=width,
        beam_groups=groups,
        minimum_length=often(0, 3),
        maximum_length=often(0, 6),
        diversity=draw.choice((0.0, 0.5, 2.0)),
        length_penalty=draw.choice((0.0, 1.0, -0.5)),
        coverage_penalty=often(0.0, 0.3),
        temperature=draw.choice((1.0, 0.7)),
        top_k=often(0, 10),
        top_p=often(1.0, 0.9),
        sampling_seed=draw.randint(0, 1000),
        no_repeat_ngram=often(0, 2),
        repetition_penalty=often(1.0, 1.5),
        echo_penalty=often(1.0, 4.0),
        forbidden_words=often((), ("的", "是", "不")),
        prefix=often("", "我是"),
        unknown=draw.choice(("forbid", "allow", "replace")),
        anti_language_model=often(0.0, 0.5),
        anti_language_model_words=draw.choice((2, 5)),
        rerank_anti_language_model=often(0.0, 0.5),
        rerank_length_bonus=often(0.0, 0.25),
    )


def test_given_replies_are_scored_and_explained(saved_model, talk_chat, prompts):
    replies = [reply.text for reply in talk_chat.reply(prompts[:24])]
    batch, replies = [*prompts[:24], prompts[0], ""], [*replies, "龘不知道", ""]
    scored = call_signature(saved_model, "score", {"prompt": batch, "reply": replies})
    explained = call_signature(saved_model, "explain", {"prompt": batch, "reply": replies})
    expected = talk_chat.score(batch, replies, DecodingConfig(length_penalty=0.0))
    np.testing.assert_allclose(scored["log_probability"], expected, rtol=1e-5, atol=1e-5)
    for name, values in scored.items():
        assert explained[name] == values
    for row, (prompt, reply) in enumerate(zip(batch, replies)):
        ids = talk_chat.tokenizer.target.encode(reply)
        source_ids = talk_chat.tokenizer.source.encode(prompt, 20)[:20]
        steps = np.array(scored["token_log_probabilities"][row])
        np.testing.assert_allclose(steps.sum(), expected[row], **TOLERANCE)
        np.testing.assert_allclose(
            scored["perplexity"][row], np.exp(-expected[row] / len(ids)), rtol=1e-4
        )
        tokens = [*talk_chat.tokenizer.target.tokenize(reply), "<eos>"]
        found = [token.decode() for token in scored["reply_tokens"][row]]
        assert found == tokens + [""] * (len(found) - len(tokens))
        table = np.array(explained["contributions"][row])
        np.testing.assert_allclose(
            table[: len(ids), : len(source_ids)],
            talk_chat.attribute(source_ids, ids),
            atol=1e-3,
        )
        assert not table[len(ids) :].any() and not table[:, len(source_ids) :].any()


def test_a_reply_can_be_streamed(saved_model, prompts):
    for batch in (prompts[:1], prompts[500:508], []):
        batch = tf.constant(batch, tf.string)
        whole = saved_model.serving_default(batch)
        state = saved_model.encode(batch)
        names = saved_model.signatures["step"].structured_input_signature[1]
        time = whole["reply_tokens"].shape[1]
        for position in range(time):
            state = saved_model.step(state["ids"], {n: state[n] for n in names if n != "ids"})
            real = position < (whole["reply_length"] + tf.cast(whole["ended"], tf.int32))
            said = tf.where(real, state["tokens"], "")
            tf.debugging.assert_equal(said, whole["reply_tokens"][:, position])
            chosen = tf.gather(state["log_probabilities"], state["ids"], batch_dims=1)
            np.testing.assert_allclose(
                tf.where(real, chosen, 0.0),
                whole["token_log_probabilities"][:, position],
                **TOLERANCE,
            )
            np.testing.assert_allclose(
                tf.where(real[:, tf.newaxis], state["attention_weights"], 0.0),
                whole["attention_weights"][:, position],
                **TOLERANCE,
            )


@pytest.fixture(scope="module")
def plain_dir(tmp_path_factory):
    """A model of other options: no attention, no guessed words, a dictionary of the user's."""
    folder = tmp_path_factory.mktemp("plain")
    dictionary = folder / "words.txt"
    dictionary.write_text("烤鸭吧 1000000\n", encoding="utf-8")
    config = Config(
        data=DataConfig(data=(str(folder / "secret.tsv"),)),
        text=TextConfig(
            jieba_hmm=False, user_dictionary=str(dictionary), shared_vocabulary=False, min_count=2
        ),
        model=ModelConfig(units=32, attention="none"),
        training=TrainingConfig(epochs=10, learning_rate=0.01, batch_size=32, dtype="float32"),
    )
    train(meal_dialogues().training, folder / "model", config, [], progress=False)
    return folder / "model"


def test_two_models_in_one_process_and_one_of_them_moved(
    export_dir, plain_dir, saved_model, prompts, tmp_path
):
    moved, other = tmp_path / "moved", tmp_path / "other"
    shutil.copytree(export_dir, moved)
    decoding = DecodingConfig(method="beam", num_best=3, forbidden_words=("吃",), prefix="早上")
    done = run_script(
        *("export", f"--model_dir={plain_dir}", f"--export_dir={other}", "--method=beam"),
        *("--num_best=3", "--forbidden_words=吃", "--prefix=早上"),
    )
    assert done.returncode == 0, done.stderr
    assert f"{other}: " in done.stdout and done.stderr == ""
    assert "saved_model_cli run" in done.stdout.splitlines()[-1]
    both = tf.saved_model.load(str(moved)), tf.saved_model.load(str(other))
    chat = Chat.load(plain_dir)
    for batch in split_batches(prompts[:200]):
        found = call_signature(both[0], "serving_default", {"prompt": batch})
        assert found == call_signature(saved_model, "serving_default", {"prompt": batch})
        found = call_signature(both[1], "serving_default", {"prompt": batch})
        assert "attention_weights" not in found
        assert count_different_replies(found, chat.reply(batch, decoding)) == 0
    # What is unset is what was exported, and each knob can be taken back.
    prompt = "今天晚上吃什么"
    as_exported = call_signature(both[1], "reply", {"prompt": [prompt]})
    assert len(as_exported["reply"][0]) == 3
    for asked in ({"method": "greedy", "num_best": 1}, {"prefix": " "}, {"forbidden_words": []}):
        found = call_signature(both[1], "reply", {"prompt": [prompt], **asked})
        taken_back = {"prefix": "", **asked} if asked.get("prefix") == " " else asked
        other_way = dataclasses.replace(decoding, **taken_back)
        expected = [reply.text for reply in chat.generate([prompt], other_way)[0]]
        assert [text.decode() for text in found["reply"][0]] == expected
        assert found != as_exported
    explained = call_signature(both[1], "explain", {"prompt": [prompt], "reply": ["晚上吃烤鸭吧"]})
    assert "attention_weights" not in explained and np.any(explained["contributions"])
    assert set(both[1].encode(tf.constant([prompt]))) == {
        *("h", "c", "ids", "prompt_tokens", "prompt_length", "prompt_unread")
    }
    config = (other / "assets" / "config.json").read_text(encoding="utf-8")
    assert '"secret.tsv"' in config and '"words.txt"' in config and str(tmp_path) not in config


def test_eight_threads_get_the_answers_of_one(saved_model, prompts):
    signature = saved_model.signatures["serving_default"]

    def reply(number):
        prompt = prompts[number % len(prompts)]
        return {n: x.numpy().tolist() for n, x in signature(prompt=tf.constant([prompt])).items()}

    alone = [reply(number) for number in range(1000)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(reply, range(1000)))
    assert together == alone


def test_the_folder_says_what_it_is(export_dir, talk_dir):
    assets = export_dir / "assets"
    about = json.loads((assets / "metadata.json").read_text(encoding="utf-8"))
    assert about["made_with"].startswith("attention_seq2seq 0.")
    trained_on = json.loads((talk_dir / "provenance.json").read_text(encoding="utf-8"))
    assert trained_on["training_pairs"] > 500 and len(trained_on["sha256_of_training_pairs"]) == 64
    assert trained_on.items() <= about["provenance"].items()
    assert about["decoding"]["method"] == "greedy" and about["caps"]["max_rows"] == 4096
    notice = (assets / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Copyright (c) 2013 Sun Junyi" in notice and "Permission is hereby granted" in notice
    for name in ("config.json", "vocabulary.txt"):
        assert (assets / name).read_bytes() == (talk_dir / name).read_bytes()
    # Where it was made concerns nobody.
    graph = (export_dir / "saved_model.pb").read_bytes()
    assert str(export_dir.parent).encode() not in graph and str(talk_dir).encode() not in graph


def test_the_command_line_of_tensorflow_shows_and_runs_it(export_dir):
    def command(action, *arguments):
        return subprocess.run(
            [
                *(Path(sys.executable).with_name("saved_model_cli"), action, "--dir", export_dir),
                *("--tag_set", "serve", "--signature_def", *arguments),
            ],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        ).stdout

    shown = command("show", "serving_default")
    for name in ("inputs['prompt']", "outputs['reply']", "outputs['attention_weights']"):
        assert name in shown
    # A knob that is not given is unset.
    asked = 'prompt=["你好","今天晚上吃什么"];method="sample";num_best=2'
    ran = command("run", "reply", "--input_exprs", asked)
    assert "Result for output key reply:" in ran and "Result for output key num_replies" in ran
