"""The package works on systems without the features of POSIX, such as Windows."""

import os
import subprocess
import sys

import pytest

# Hides what Windows lacks, before the package is imported. sacrebleu detects the system
# itself.
HIDE = """
import errno, fcntl, os, signal, sys
import sacrebleu

def sync_writable_file(descriptor, sync=os.fsync):
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "the file is not open for writing")
    sync(descriptor)

os.fsync = sync_writable_file
sys.modules["fcntl"] = sys.modules["readline"] = sys.modules["resource"] = None
for module, names in (
    (os, ["getuid", "geteuid", "O_DIRECTORY", "sched_getaffinity", "fork"]),
    (signal, ["pthread_sigmask", "SIGKILL", "SIGHUP", "SIGALRM"]),
):
    for name in names:
        vars(module).pop(name, None)
"""
USE = """
import importlib, pkgutil
from pathlib import Path
import attention_seq2seq
from attention_seq2seq.text import jieba_dictionary
from attention_seq2seq.utils import files, parallel

for module in pkgutil.walk_packages(attention_seq2seq.__path__, "attention_seq2seq."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

def fail(path, *args):
    raise PermissionError(f"a directory cannot be opened: {path}")

os.open = fail
directory = Path(sys.argv[1])
with files.locked_dir(directory / "locked"):
    files.write_text(directory / "locked" / "text", "晚上")
assert (directory / "locked" / "text").read_text(encoding="utf-8") == "晚上"
assert list(parallel.parallel_map(len, [("晚上",)], 2)) == [2]
assert parallel.available_cpus() == os.cpu_count()
assert jieba_dictionary._private_cache_dir() == directory / "cache" / "attention_seq2seq"
"""
TRAIN = """
from attention_seq2seq.cli.main import main

directory = sys.argv[1]
sys.argv = ["attention-seq2seq", *sys.argv[2:]]
sys.exit(main())
"""


def run(code, directory, *args):
    environment = {**os.environ, "XDG_CACHE_HOME": str(directory / "cache")}
    return subprocess.run(
        [sys.executable, "-c", HIDE + code, str(directory), *map(str, args)],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_all_modules_import_and_files_are_written(tmp_path):
    result = run(USE, tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("cannot be locked (this system has no file locks)") == 1


@pytest.mark.slow
def test_the_commands_prepare_and_train(tmp_path):
    corpus = tmp_path / "pairs.tsv"
    corpus.write_text("你好\t你好\n今天晚上吃什么\t晚上吃烤鸭\n" * 20, encoding="utf-8")
    prepared, model = tmp_path / "prepared", tmp_path / "model"
    for args in (
        ["prepare", f"--data={corpus}", f"--prepared_dir={prepared}"],
        ["train", f"--data={prepared}", f"--model_dir={model}", "--epochs=1", "--units=8"],
    ):
        result = run(TRAIN, tmp_path, *args)
        assert result.returncode == 0, result.stderr
        assert "cannot be locked" in result.stderr
    assert (model / "config.json").is_file()
