"""Keras 2 with a newer TensorFlow, and other backends, are refused in one sentence."""

import os
import re
import subprocess
import sys

import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.utils.keras_check import check_keras
from helpers.scripts import ROOT

VARIABLES = {"TF_USE_LEGACY_KERAS": "1", "KERAS_BACKEND": "jax"}


@pytest.mark.parametrize("name", VARIABLES)
def test_unsupported_configurations_are_refused(name, monkeypatch):
    monkeypatch.setenv(name, VARIABLES[name])
    monkeypatch.setattr(tf, "__version__", "2.21.0")
    with pytest.raises(ImportError, match=rf"^[^.]*(2\.21\.0)?[^.]* is not supported\. .*{name}"):
        check_keras()


def test_this_configuration_is_supported():
    check_keras()


@pytest.mark.skipif(not hasattr(keras, "ops"), reason="TensorFlow 2.15 ignores these variables")
@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("arguments", [("-m", "attention_seq2seq", "train"), ("-c", "{import}")])
def test_programs_print_one_sentence(name, arguments, tmp_path):
    arguments = [
        argument.replace("{import}", "import attention_seq2seq.models.encoder")
        for argument in arguments
    ]
    if arguments[0] == "-m":
        arguments.append(f"--model_dir={tmp_path}/model")
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, name: VARIABLES[name]},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    last_line = result.stderr.splitlines()[-1]
    assert re.fullmatch(rf"(Import)?Error: .* is not supported\. [^.]*{name}[^.]*\.", last_line)
    if arguments[0] == "-m":
        assert result.stderr == f"{last_line}\n"
