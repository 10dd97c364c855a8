"""An exported model gives the same replies with the newest TensorFlow on a newer Python.

`NEWER_PYTHON=path make test-slow` selects the Python; by default the PATH is searched.
"""

import os
import subprocess

import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.serving.saved_model.export import export_saved_model
from helpers.reply_comparison import count_different_replies, split_batches
from helpers.result_rows import record_result

pytestmark = pytest.mark.slow

PYTHON_NAMES = ("python3.13", "python3.12")


def find_newer_python() -> str:
    """Returns the path of a working Python 3.12 or later; a shim on the PATH may fail."""
    check = "import sys, venv, ensurepip; sys.version_info < (3, 12) and sys.exit(1)"
    check += "; print(sys.executable)"
    for python in filter(None, (os.environ.get("NEWER_PYTHON"), *PYTHON_NAMES)):
        for version in (None, python.removeprefix("python")):
            # A shim of pyenv runs only if PYENV_VERSION names a version.
            environment = {**os.environ, "PYENV_VERSION": version} if version else None
            try:
                result = subprocess.run([python, "-c", check], capture_output=True, env=environment)
            except OSError:
                continue
            if result.returncode == 0:
                return os.fsdecode(result.stdout).strip()
    raise AssertionError("no Python 3.12 or later; expected its path in NEWER_PYTHON")


def test_the_newest_tensorflow_gives_the_same_replies(
    tmp_path, talk_dir, prompts, run_in_subprocess
):
    environment = tmp_path / "environment"
    subprocess.run([find_newer_python(), "-m", "venv", environment], check=True)
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
        setting = f"TensorFlow {'.'.join(version.split('.')[:2])}, {method}"
        counts = {"cases": len(prompts), "different": num_different}
        record_result("long_tests", test="exported model", setting=setting, **counts)
        assert num_different <= 1
