"""Checks before a training starts or resumes: same options, data and sample prompts."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from helpers.truncated_training import PAIRS, make_config, train_until


def test_two_at_once_are_refused(tmp_path):
    class Another(Callback):
        def on_step_end(self, info):
            train(PAIRS, tmp_path, make_config(), [], progress=False)

    with pytest.raises(ValueError, match="is in use by another process"):
        train(PAIRS, tmp_path, make_config(), [], progress=False, callbacks=[Another()])


@pytest.mark.parametrize("finished", [False, True])
def test_other_options_are_refused_by_name(interrupted_copy, finished_dir, finished):
    folder = finished_dir if finished else interrupted_copy
    with pytest.raises(ValueError, match=r"with batch_size 8; now it is 16\. Give another"):
        train(PAIRS, folder, make_config(batch_size=16), [], progress=False)
    with pytest.raises(ValueError, match="on other training pairs"):
        train(PAIRS[:-1], folder, make_config(), [], progress=False)


def test_an_empty_name_is_not_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="model_dir is empty; expected the path of a directory"):
        train(PAIRS, "", make_config(), [], progress=False)
    assert not list(tmp_path.iterdir())


def test_a_config_of_another_kind_is_refused(tmp_path):
    with pytest.raises(TypeError, match="config is a TrainingConfig; expected a Config"):
        train(PAIRS, tmp_path, make_config().training, [], progress=False)
    with pytest.raises(TypeError, match=r"training is ModelConfig.*expected a TrainingConfig"):
        Config(training=ModelConfig())


def test_the_same_content_elsewhere_is_the_same_training(tmp_path, interrupted_copy, monkeypatch):
    """Resumed from another folder, or after a file was moved."""
    words = tmp_path / "words.txt"
    words.write_text("吃什么 5\n", encoding="utf-8")
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("吃 " + "0.5 " * 8 + "\n", encoding="utf-8")
    first = tmp_path / "first"
    train(PAIRS[:8], first, make_config(epochs=1), [], progress=False)

    def options(folder):
        plain = make_config(pretrained_embeddings=f"{folder}vectors.txt")
        return dataclasses.replace(
            plain,
            data=DataConfig((f"{folder}big.tsv",)),
            text=TextConfig(user_dictionary=f"{folder}words.txt"),
        )

    monkeypatch.chdir(tmp_path)
    whole = train(PAIRS, tmp_path / "model", options(""), [], progress=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert train(PAIRS, tmp_path / "model", options("../"), [], progress=False) == whole
    vectors.write_text("吃 " + "0.6 " * 8 + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="on other pretrained embeddings"):
        train(PAIRS, tmp_path / "model", options("../"), [], progress=False)


def test_differences_are_named_in_a_fixed_order(tmp_path, finished_dir):
    script = """if True:
        import sys
        from helpers.truncated_training import PAIRS, make_config, train
        try:
            train(PAIRS[:9], sys.argv[1], make_config(), PAIRS[:3], progress=False)
        except ValueError as error:
            print(error)
    """
    here = Path(__file__).parents[1]
    for seed in "01":
        paths = ":".join(map(str, (here, here.parent, here.parent / "experiments")))
        done = subprocess.run(
            [sys.executable, "-c", script, str(finished_dir)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
        )
        assert "on other training pairs. Give another" in done.stdout, done.stderr


def test_other_sample_prompts_are_refused(tmp_path):
    prompts = [pair.prompt for pair in PAIRS[:9]]
    train_until(tmp_path, 11, sample_prompts=prompts)
    for other in ((), ["今天晚上吃什么"]):
        with pytest.raises(ValueError, match="on other sample prompts"):
            train(PAIRS, tmp_path, make_config(), [], progress=False, sample_prompts=other)
    history = train(PAIRS, tmp_path, make_config(), [], progress=False, sample_prompts=prompts)
    assert len(history["sample_most_common_ratio"]) == 3


def test_prompts_that_are_all_too_long_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(ValueError, match="All 1 sample prompts have more than"):
        train(
            PAIRS,
            tmp_path,
            make_config(),
            progress=False,
            sample_prompts=["吃 " * 99],
        )
    train(PAIRS, tmp_path, make_config(epochs=1), progress=False)
