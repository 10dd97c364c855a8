"""How training starts, resumes and ends: checks of inputs, a full disk, finished models."""

import dataclasses
import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.checkpoint_manager import CheckpointManager
from helpers.scripts import ROOT
from helpers.truncated_training import PAIRS, make_config, read_last_weights, train_until


def run_python(script, *arguments, **environment):
    """Runs a script that may import test helpers; returns the completed process."""
    paths = map(str, (ROOT / "tests", ROOT, ROOT / "experiments"))
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )


def test_a_model_dir_cannot_be_used_by_two_trainings(tmp_path):
    class StartSecondTraining(Callback):
        def on_step_end(self, info):
            train(PAIRS, tmp_path, make_config(), [], progress=False)

    callbacks = [StartSecondTraining()]
    with pytest.raises(ValueError, match="is in use by another process"):
        train(PAIRS, tmp_path, make_config(), [], progress=False, callbacks=callbacks)


@pytest.mark.parametrize("is_finished", [False, True])
def test_a_training_is_not_resumed_with_other_options_or_pairs(
    interrupted_copy, finished_dir, is_finished
):
    folder = finished_dir if is_finished else interrupted_copy
    with pytest.raises(ValueError, match=r"with batch_size 8; now it is 16\. Give another"):
        train(PAIRS, folder, make_config(batch_size=16), [], progress=False)
    with pytest.raises(ValueError, match="with other training pairs"):
        train(PAIRS[:-1], folder, make_config(), [], progress=False)


def test_a_finished_training_is_not_repeated_and_files_are_compared_by_content(
    tmp_path, monkeypatch
):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("吃什么 5\n", encoding="utf-8")
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("吃 " + "0.5 " * 8 + "\n", encoding="utf-8")

    def make_config_with_files(prefix):
        config = make_config(pretrained_embeddings=f"{prefix}vectors.txt")
        return dataclasses.replace(
            config,
            data=DataConfig((f"{prefix}big.tsv",)),
            text=TextConfig(user_dictionary=f"{prefix}words.txt"),
        )

    folder = tmp_path / "model"
    monkeypatch.chdir(tmp_path)
    history = train(PAIRS, folder, make_config_with_files(""), PAIRS[:3], progress=False)
    mtime = (folder / "last.npz").stat().st_mtime_ns
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    repeated = train(PAIRS, folder, make_config_with_files("../"), PAIRS[:3], progress=False)
    assert repeated == history
    assert (folder / "last.npz").stat().st_mtime_ns == mtime
    vectors.write_text("吃 " + "0.6 " * 8 + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="with other pretrained embeddings"):
        train(PAIRS, folder, make_config_with_files("../"), PAIRS[:3], progress=False)


@pytest.mark.slow
def test_differences_are_reported_in_a_fixed_order(finished_dir):
    script = """if True:
        import sys
        from helpers.truncated_training import PAIRS, make_config, train
        try:
            train(PAIRS[:9], sys.argv[1], make_config(), PAIRS[:3], progress=False)
        except ValueError as error:
            print(error)
    """
    for hash_seed in "01":
        process = run_python(script, finished_dir, PYTHONHASHSEED=hash_seed)
        assert "with other training pairs. Give another" in process.stdout, process.stderr


@pytest.mark.slow
def test_a_training_is_not_resumed_with_other_sample_prompts(tmp_path):
    prompts = [pair.prompt for pair in PAIRS[:9]]
    train_until(tmp_path, 11, sample_prompts=prompts)
    for changed_prompts in ((), ["今天晚上吃什么"]):
        with pytest.raises(ValueError, match="with other sample prompts"):
            train(
                PAIRS, tmp_path, make_config(), [], progress=False, sample_prompts=changed_prompts
            )
    history = train(PAIRS, tmp_path, make_config(), [], progress=False, sample_prompts=prompts)
    assert len(history["sample_most_common_ratio"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("step", [10, 8], ids=["at a checkpoint", "at the end of an epoch"])
def test_a_full_disk_is_reported_and_the_last_checkpoint_remains(tmp_path, step):
    """A limit of the file size simulates the full disk."""
    script = """if True:
        import resource, signal, sys
        from helpers.truncated_training import PAIRS, Callback, make_config, train
        class FillDisk(Callback):
            def on_step_end(self, info):
                if info.step == int(sys.argv[2]):
                    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            train(PAIRS, sys.argv[1], make_config(), [], progress=False, callbacks=[FillDisk()],
                  checkpoint_minutes=0)
        except OSError as error:
            print(error)
    """
    process = run_python(script, tmp_path, step)
    assert "cannot write the model files (File too large)" in process.stdout, process.stderr
    assert process.stdout.startswith(f"{tmp_path}: ")
    assert not list(tmp_path.rglob("*.part"))
    arrays, state = CheckpointManager(tmp_path / "checkpoints").restore_latest()
    assert state["step"] == step - 1
    assert all(np.all(np.isfinite(array)) for array in arrays.values())


def test_an_interrupted_training_resumes_despite_overwrite(interrupted_copy, caplog):
    with caplog.at_level(logging.INFO):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False, overwrite=True)
    assert "Resuming from step 10 of 24" in caplog.text


@pytest.mark.slow
def test_a_warm_start_resumes_without_the_initial_model(tmp_path):
    """The checkpoint has the weights, and the model folder has the vocabulary."""
    initial_dir = tmp_path / "initial"
    train(PAIRS[:40], initial_dir, make_config(), [], progress=False)
    config = make_config(init_from=str(initial_dir))
    train(PAIRS, tmp_path / "uninterrupted", config, [], progress=False)
    train_until(tmp_path / "interrupted", 11, init_from=str(initial_dir))
    for path in initial_dir.iterdir():
        path.unlink()
    train(PAIRS, tmp_path / "interrupted", config, [], progress=False)
    weights = read_last_weights(tmp_path / "interrupted")
    for name, value in read_last_weights(tmp_path / "uninterrupted").items():
        np.testing.assert_array_equal(weights[name], value)
