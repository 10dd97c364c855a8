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
from helpers.scripts import script
from helpers.served_model import call_signature

pytestmark = pytest.mark.xdist_group("export")

METHODS = {
    "greedy": DecodingConfig(),
    "beam": DecodingConfig(method="beam"),
    "sample": DecodingConfig(method="sample", sampling_seed=3),
}


def test_replies_equal_those_in_memory_where_only_tensorflow_is_installed(
    export_dir, run_in_subprocess, talk_chat, prompts
):
    """Sends 1,000 prompts by each method; at most one reply in a thousand may differ."""
    batches = split_batches(prompts)
    calls = [("serving_default", {"prompt": batch}) for batch in batches]
    for method, decoding in METHODS.items():
        params = {"method": method, "sampling_seed": decoding.sampling_seed}
        calls += [("generate", {"prompt": batch, **params}) for batch in batches]
    results = run_in_subprocess(export_dir, calls)
    assert results["unknown_ops"] == []
    assert not {"jieba", "tensorflow_addons", "attention_seq2seq"} & set(results["modules"])

    all_outputs = iter(results["outputs"])
    in_memory = {method: talk_chat.reply(prompts, METHODS[method]) for method in METHODS}
    for method in ("greedy", *METHODS):
        expected = in_memory[method]
        assert len({reply.text for reply in expected}) >= 300
        num_different = 0
        for batch in split_batches(expected):
            outputs = next(all_outputs)
            if "num_replies" in outputs:
                assert set(outputs.pop("num_replies")) == {1}
                outputs = {name: first_reply(name, values) for name, values in outputs.items()}
            num_different += count_different_replies(outputs, batch)
        print(f"{method}: {num_different} of {len(prompts)} replies differ")
        assert num_different <= 1


def first_reply(name, values):
    """Returns the values of the first of num_best replies, or those of the prompts as they are."""
    return values if name.startswith("prompt") else [n_best[0] for n_best in values]


def test_tokens_get_the_reply_to_their_text(saved_model, prompts):
    num_truncated_tokens = 0
    for batch in split_batches(prompts, 100):
        from_text = call_signature(saved_model, "serving_default", {"prompt": batch})
        inputs = {"prompt_tokens": from_text["prompt_tokens"]}
        from_tokens = call_signature(saved_model, "generate_from_tokens", inputs)
        num_truncated_tokens += sum(from_text.pop("prompt_truncated_tokens"))
        assert set(from_tokens.pop("prompt_truncated_tokens")) == {0}
        assert from_tokens == from_text
    assert num_truncated_tokens > 0


def test_every_option_has_the_effect_that_it_has_in_memory(saved_model, talk_chat, prompts):
    rng = random.Random(1)
    methods, num_n_best = set(), 0
    for _ in range(40):
        decoding = random_decoding(rng)
        batch = rng.sample(prompts, 4)
        inputs = {"prompt": batch, **dataclasses.asdict(decoding)}
        outputs = call_signature(saved_model, "generate", inputs)
        methods.add(decoding.method)
        for row, expected in enumerate(talk_chat.generate(batch, decoding)):
            assert outputs["num_replies"][row] == len(expected), decoding
            num_n_best += len(expected) > 1
            for rank, reply in enumerate(expected):
                reply_outputs = {
                    name: values[row] if name.startswith("prompt") else values[row][rank]
                    for name, values in outputs.items()
                    if name != "num_replies"
                }
                assert reply_outputs["reply"].decode() == reply.text, decoding
                assert_equal_reply(reply_outputs, reply)
            # Missing replies are empty.
            assert not any(outputs["reply"][row][len(expected) :])
            assert not any(outputs["score"][row][len(expected) :])
    assert methods == {"greedy", "beam", "sample"} and num_n_best > 20


def random_decoding(rng) -> DecodingConfig:
    method = rng.choice(("greedy", "beam", "sample"))
    num_groups = rng.choice((1, 1, 2, 3))
    width = num_groups * rng.choice((1, 2, 4))

    def mostly(usual, rare):
        return usual if rng.random() < 0.7 else rare

    num_best = {"greedy": 1, "beam": rng.randint(1, width), "sample": rng.randint(1, 4)}[method]
    return DecodingConfig(
        method=method,
        num_best=num_best,
        beam_width=width,
        beam_groups=num_groups,
        minimum_length=mostly(0, 3),
        maximum_length=mostly(0, 6),
        diversity=rng.choice((0.0, 0.5, 2.0)),
        length_penalty=rng.choice((0.0, 1.0, -0.5)),
        coverage_penalty=mostly(0.0, 0.3),
        temperature=rng.choice((1.0, 0.7)),
        top_k=mostly(0, 10),
        top_p=mostly(1.0, 0.9),
        sampling_seed=rng.randint(0, 1000),
        no_repeat_ngram=mostly(0, 2),
        repetition_penalty=mostly(1.0, 1.5),
        echo_penalty=mostly(1.0, 4.0),
        forbidden_words=mostly((), ("的", "是", "不")),
        prefix=mostly("", "我是"),
        unknown=rng.choice(("forbid", "allow", "replace")),
        anti_language_model=mostly(0.0, 0.5),
        anti_language_model_words=rng.choice((2, 5)),
        rerank_anti_language_model=mostly(0.0, 0.5),
        rerank_length_bonus=mostly(0.0, 0.25),
    )


def test_given_replies_are_scored_and_attributed(saved_model, talk_chat, prompts):
    replies = [reply.text for reply in talk_chat.reply(prompts[:24])]
    batch, replies = [*prompts[:24], prompts[0], ""], [*replies, "龘不知道", ""]
    scores = call_signature(saved_model, "score", {"prompt": batch, "reply": replies})
    attributions = call_signature(saved_model, "attribute", {"prompt": batch, "reply": replies})
    expected = talk_chat.score(batch, replies, DecodingConfig(length_penalty=0.0))
    np.testing.assert_allclose(scores["log_probability"], expected, rtol=1e-5, atol=1e-5)
    for name, values in scores.items():
        assert attributions[name] == values
    for row, (prompt, reply) in enumerate(zip(batch, replies)):
        ids = talk_chat.tokenizer.target.encode(reply)
        source_ids = talk_chat.tokenizer.source.encode(prompt, 20)[:20]
        token_log_probs = np.array(scores["token_log_probabilities"][row])
        np.testing.assert_allclose(token_log_probs.sum(), expected[row], **TOLERANCE)
        np.testing.assert_allclose(
            scores["perplexity"][row], np.exp(-expected[row] / len(ids)), rtol=1e-4
        )
        tokens = [*talk_chat.tokenizer.target.tokenize(reply), "<eos>"]
        reply_tokens = [token.decode() for token in scores["reply_tokens"][row]]
        assert reply_tokens == tokens + [""] * (len(reply_tokens) - len(tokens))
        table = np.array(attributions["contributions"][row])
        np.testing.assert_allclose(
            table[: len(ids), : len(source_ids)],
            talk_chat.attribute(source_ids, ids),
            atol=1e-3,
        )
        assert not table[len(ids) :].any() and not table[:, len(source_ids) :].any()


def test_a_reply_can_be_decoded_step_by_step(saved_model, prompts):
    for batch in (prompts[:1], prompts[500:508], []):
        batch = tf.constant(batch, tf.string)
        expected = saved_model.serving_default(batch)
        state = saved_model.encode(batch)
        names = saved_model.signatures["decode_step"].structured_input_signature[1]
        target_time = expected["reply_tokens"].shape[1]
        for position in range(target_time):
            state = saved_model.decode_step(
                state["ids"], {n: state[n] for n in names if n != "ids"}
            )
            is_token = position < (expected["reply_length"] + tf.cast(expected["ended"], tf.int32))
            tokens = tf.where(is_token, state["tokens"], "")
            tf.debugging.assert_equal(tokens, expected["reply_tokens"][:, position])
            log_probs = tf.gather(state["log_probabilities"], state["ids"], batch_dims=1)
            np.testing.assert_allclose(
                tf.where(is_token, log_probs, 0.0),
                expected["token_log_probabilities"][:, position],
                **TOLERANCE,
            )
            np.testing.assert_allclose(
                tf.where(is_token[:, tf.newaxis], state["attention_weights"], 0.0),
                expected["attention_weights"][:, position],
                **TOLERANCE,
            )


@pytest.fixture(scope="module")
def plain_dir(tmp_path_factory):
    """A model of other options: no attention, no hidden Markov model, a user dictionary."""
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
    moved_dir, plain_export_dir = tmp_path / "moved", tmp_path / "plain"
    shutil.copytree(export_dir, moved_dir)
    decoding = DecodingConfig(method="beam", num_best=3, forbidden_words=("吃",), prefix="早上")
    process = script(
        *(
            "export",
            f"--model_dir={plain_dir}",
            f"--export_dir={plain_export_dir}",
            "--method=beam",
        ),
        *("--num_best=3", "--forbidden_words=吃", "--prefix=早上"),
    )
    assert process.returncode == 0, process.stderr
    assert f"{plain_export_dir}: " in process.stdout and process.stderr == ""
    assert "saved_model_cli run" in process.stdout.splitlines()[-1]
    moved = tf.saved_model.load(str(moved_dir))
    plain = tf.saved_model.load(str(plain_export_dir))
    chat = Chat.load(plain_dir)
    for batch in split_batches(prompts[:200]):
        outputs = call_signature(moved, "serving_default", {"prompt": batch})
        assert outputs == call_signature(saved_model, "serving_default", {"prompt": batch})
        outputs = call_signature(plain, "serving_default", {"prompt": batch})
        assert "attention_weights" not in outputs
        assert count_different_replies(outputs, chat.reply(batch, decoding)) == 0
    # A missing option has its exported value, and each exported option can be reset.
    prompt = "今天晚上吃什么"
    defaults = call_signature(plain, "generate", {"prompt": [prompt]})
    assert len(defaults["reply"][0]) == 3
    for options in ({"method": "greedy", "num_best": 1}, {"prefix": " "}, {"forbidden_words": []}):
        outputs = call_signature(plain, "generate", {"prompt": [prompt], **options})
        changes = {"prefix": "", **options} if options.get("prefix") == " " else options
        changed_decoding = dataclasses.replace(decoding, **changes)
        expected = [reply.text for reply in chat.generate([prompt], changed_decoding)[0]]
        assert [text.decode() for text in outputs["reply"][0]] == expected
        assert outputs != defaults
    inputs = {"prompt": [prompt], "reply": ["晚上吃烤鸭吧"]}
    attributions = call_signature(plain, "attribute", inputs)
    assert "attention_weights" not in attributions and np.any(attributions["contributions"])
    assert set(plain.encode(tf.constant([prompt]))) == {
        *("h", "c", "ids", "prompt_tokens", "prompt_length", "prompt_truncated_tokens")
    }
    config = (plain_export_dir / "assets" / "config.json").read_text(encoding="utf-8")
    assert '"secret.tsv"' in config and '"words.txt"' in config and str(tmp_path) not in config


def test_eight_threads_get_the_replies_of_one_thread(saved_model, prompts):
    signature = saved_model.signatures["serving_default"]

    def reply(index):
        prompt = prompts[index % len(prompts)]
        return {n: x.numpy().tolist() for n, x in signature(prompt=tf.constant([prompt])).items()}

    expected = [reply(index) for index in range(1000)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(reply, range(1000))) == expected


def test_metadata_and_notices_are_written(export_dir, talk_dir):
    assets = export_dir / "assets"
    metadata = json.loads((assets / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["format"] == 2
    assert metadata["made_with"].startswith("attention_seq2seq 0.")
    provenance = json.loads((talk_dir / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["training_pairs"] > 500 and len(provenance["sha256_of_training_pairs"]) == 64
    assert provenance.items() <= metadata["provenance"].items()
    assert metadata["decoding"]["method"] == "greedy" and metadata["caps"]["max_rows"] == 4096
    notice = (assets / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Copyright (c) 2013 Sun Junyi" in notice and "Permission is hereby granted" in notice
    for name in ("config.json", "vocabulary.txt"):
        assert (assets / name).read_bytes() == (talk_dir / name).read_bytes()
    # No path of the machine of the export is written.
    graph = (export_dir / "saved_model.pb").read_bytes()
    assert str(export_dir.parent).encode() not in graph and str(talk_dir).encode() not in graph


def test_saved_model_cli_shows_and_runs_the_export(export_dir):
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

    shown_text = command("show", "serving_default")
    for name in ("inputs['prompt']", "outputs['reply']", "outputs['attention_weights']"):
        assert name in shown_text
    # A missing option has its exported value.
    inputs = 'prompt=["你好","今天晚上吃什么"];method="sample";num_best=2'
    run_text = command("run", "generate", "--input_exprs", inputs)
    for name in ("reply", "num_replies"):
        assert f"Result for output key {name}:" in run_text
