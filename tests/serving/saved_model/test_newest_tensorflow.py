"""An exported model under the newest TensorFlow on a newer Python, with nothing else installed.

NEWER_PYTHON=path make test-slow   names the Python; by default one is looked for.
"""

import os
import subprocess

import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.serving.saved_model.export import export_saved_model
from helpers.reply_comparison import count_different_replies, split_batches

pytestmark = pytest.mark.slow

CANDIDATES = ("python3.13", "python3.12")


def newer_python() -> str:
    """A Python of 3.12 or later that runs: one on the PATH may be a shim that fails."""
    wanted = "import sys, venv, ensurepip; sys.version_info < (3, 12) and sys.exit(1)"
    wanted += "; print(sys.executable)"
    for python in filter(None, (os.environ.get("NEWER_PYTHON"), *CANDIDATES)):
        for version in (None, python.removeprefix("python")):
            # A shim of pyenv runs only if PYENV_VERSION names a version.
            environment = {**os.environ, "PYENV_VERSION": version} if version else None
            try:
                done = subprocess.run([python, "-c", wanted], capture_output=True, env=environment)
            except OSError:
                continue
            if done.returncode == 0:
                return os.fsdecode(done.stdout).strip()
    raise AssertionError("no Python 3.12 or later; name one, NEWER_PYTHON=path make test-slow")


def test_the_newest_tensorflow_gives_the_same_replies(
    tmp_path, talk_dir, prompts, run_in_subprocess
):
    environment = tmp_path / "environment"
    subprocess.run([newer_python(), "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "tensorflow"], check=True)
    export_saved_model(talk_dir, tmp_path / "saved_model", progress=False)
    methods = ("greedy", "beam", "sample")
    batches = split_batches(prompts)
    calls = [("generate", {"prompt": b, "method": method}) for method in methods for b in batches]
    results = run_in_subprocess(tmp_path / "saved_model", calls, python=python)
    assert results["unknown_ops"] == [] and results["tensorflow"] >= "2.16"
    outputs, chat = iter(results["outputs"]), Chat.load(talk_dir)
    for method in methods:
        num_different = 0
        for batch in split_batches(chat.reply(prompts, DecodingConfig(method=method))):
            batch_outputs = next(outputs)
            batch_outputs.pop("num_replies")
            batch_outputs = {
                name: values if name.startswith("prompt") else [n_best[0] for n_best in values]
                for name, values in batch_outputs.items()
            }
            num_different += count_different_replies(batch_outputs, batch)
        version = results["tensorflow"]
        print(f"TensorFlow {version}, {method}: {num_different} of {len(prompts)} differ")
        assert num_different <= 1
