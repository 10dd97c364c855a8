"""Exports that are moved, loaded side by side, or run from the command line."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training.api import train
from helpers.reply_comparison import count_different_replies, split_batches
from helpers.scripts import run_script
from helpers.served_model import call_signature

pytestmark = pytest.mark.xdist_group("export")


@pytest.fixture(scope="module")
def plain_dir(tmp_path_factory):
    """A model without attention and HMM, with a user dictionary."""
    folder = tmp_path_factory.mktemp("plain")
    dictionary = folder / "words.txt"
    dictionary.write_text("烤鸭吧 1000000\n", encoding="utf-8")
    config = Config(
        data=DataConfig(data=(str(folder / "secret.tsv"),)),
        text=TextConfig(
            jieba_hmm=False, user_dictionary=str(dictionary), share_vocabulary=False, min_count=2
        ),
        model=ModelConfig(units=32, attention="none"),
        training=TrainingConfig(
            epochs=6, learning_rate=0.01, batch_size=32, compute_dtype="float32"
        ),
    )
    train(meal_dialogues().training[::4], folder / "model", config, [], progress=False)
    return folder / "model"


@pytest.mark.slow
def test_two_models_in_one_process_and_one_of_them_moved(
    export_dir, plain_dir, saved_model, prompts, tmp_path
):
    moved_dir, plain_export_dir = tmp_path / "moved", tmp_path / "plain"
    shutil.copytree(export_dir, moved_dir)
    decoding = DecodingConfig(
        method="beam", num_return_sequences=3, suppress_tokens=("吃",), target_prefix="早上"
    )
    process = run_script(
        *(
            "export",
            f"--model_dir={plain_dir}",
            f"--export_dir={plain_export_dir}",
            "--method=beam",
        ),
        *("--num_return_sequences=3", "--suppress_tokens=吃", "--target_prefix=早上"),
    )
    assert process.returncode == 0, process.stderr
    assert f"{plain_export_dir}: " in process.stdout and process.stderr == ""
    assert "saved_model_cli run" in process.stdout.splitlines()[-1]
    moved = tf.saved_model.load(str(moved_dir))
    plain = tf.saved_model.load(str(plain_export_dir))
    chat = Chat.load(plain_dir)
    for batch in split_batches(prompts[:100]):
        outputs = call_signature(moved, "serving_default", {"prompt": batch})
        assert outputs == call_signature(saved_model, "serving_default", {"prompt": batch})
        outputs = call_signature(plain, "serving_default", {"prompt": batch})
        assert "attention_weights" not in outputs
        assert count_different_replies(outputs, chat.reply(batch, decoding)) == 0
    # A missing option has its exported value, and each exported option can be reset.
    prompt = "今天晚上吃什么"
    defaults = call_signature(plain, "generate", {"prompt": [prompt]})
    assert len(defaults["reply"][0]) == 3
    for options in (
        {"method": "greedy", "num_return_sequences": 1},
        {"target_prefix": " "},
        {"suppress_tokens": []},
    ):
        outputs = call_signature(plain, "generate", {"prompt": [prompt], **options})
        changes = (
            {"target_prefix": "", **options} if options.get("target_prefix") == " " else options
        )
        changed_decoding = dataclasses.replace(decoding, **changes)
        expected = [reply.text for reply in chat.generate([prompt], changed_decoding)[0]]
        assert [text.decode() for text in outputs["reply"][0]] == expected
        assert outputs != defaults
    inputs = {"prompt": [prompt], "reply": ["晚上吃烤鸭吧"]}
    attributions = call_signature(plain, "attribute", inputs)
    assert "attention_weights" not in attributions and np.any(attributions["contributions"])
    assert set(plain.encode(tf.constant([prompt]))) == {
        *("h", "c", "sequences", "prompt_target_ids", "ids"),
        *("prompt_tokens", "prompt_length", "prompt_truncated_tokens"),
    }
    greedy = dataclasses.replace(decoding, method="greedy", num_return_sequences=1)
    assert decode_step_by_step(plain, prompts[:20]) == [
        reply.text for reply in chat.reply(prompts[:20], greedy)
    ]
    config = (plain_export_dir / "assets" / "config.json").read_text(encoding="utf-8")
    assert '"secret.tsv"' in config and '"words.txt"' in config and str(tmp_path) not in config


def decode_step_by_step(saved_model, prompts) -> list[str]:
    """Returns the replies that repeated calls of `decode_step` give, of tokens without spaces."""
    outputs = saved_model.encode(tf.constant(prompts))
    names = saved_model.signatures["decode_step"].structured_input_signature[1].keys() - {"ids"}
    finished, replies = tf.fill([len(prompts)], False), [""] * len(prompts)
    while not tf.reduce_all(finished):
        outputs = saved_model.decode_step(outputs["ids"], {name: outputs[name] for name in names})
        finished |= outputs["finished"]
        tokens = tf.where(finished, "", outputs["tokens"]).numpy()
        replies = [reply + token.decode() for reply, token in zip(replies, tokens)]
    return replies


def test_metadata_and_notices_are_written(export_dir, talk_dir):
    assets = export_dir / "assets"
    metadata = json.loads((assets / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["format"] == 2
    assert metadata["made_with"].startswith("attention_seq2seq 0.")
    provenance = json.loads((talk_dir / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["training_pairs"] > 500 and len(provenance["sha256_of_training_pairs"]) == 64
    assert provenance.items() <= metadata["provenance"].items()
    assert (
        metadata["decoding"]["method"] == "greedy" and metadata["limits"]["max_hypotheses"] == 4096
    )
    notice = (assets / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Copyright (c) 2013 Sun Junyi" in notice and "Permission is hereby granted" in notice
    for name in ("config.json", "vocabulary.txt"):
        assert (assets / name).read_bytes() == (talk_dir / name).read_bytes()
    # No path of the machine of the export is written.
    graph = (export_dir / "saved_model.pb").read_bytes()
    assert str(export_dir.parent).encode() not in graph and str(talk_dir).encode() not in graph


@pytest.mark.slow
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
    inputs = 'prompt=["你好","今天晚上吃什么"];method="sample";num_return_sequences=2'
    run_text = command("run", "generate", "--input_exprs", inputs)
    for name in ("reply", "num_replies"):
        assert f"Result for output key {name}:" in run_text
