"""The cache of jieba's dictionary, and jieba's logger."""

import logging
import os
import pwd
import stat
import subprocess
import sys

from attention_seq2seq.text import jieba_dictionary
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.segmentation import segment_by_jieba


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


SEGMENT = "from attention_seq2seq.text.segmentation import *; print(segment_by_jieba('吃什么'))"


def test_jieba_cache_is_in_a_private_folder_and_logs_are_silent(tmp_path):
    result = run_python(SEGMENT, XDG_CACHE_HOME=str(tmp_path), TMPDIR=str(tmp_path / "none"))
    assert (result.stdout, result.stderr) == ("['吃', '什么']\n", "")
    folder = tmp_path / "attention_seq2seq"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.glob("jieba-*.cache"))) == 1


def test_a_cache_that_others_can_write_is_not_trusted(tmp_path):
    folder = tmp_path / "attention_seq2seq"
    run_python(SEGMENT, XDG_CACHE_HOME=str(tmp_path))
    (poisoned,) = folder.glob("jieba-*.cache")
    poisoned.write_bytes(b"")
    folder.chmod(0o777)
    result = run_python(SEGMENT, XDG_CACHE_HOME=str(tmp_path))
    assert result.stdout == "['吃', '什么']\n"
    assert poisoned.read_bytes() == b"", "the cache is neither read nor written"


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    """Many containers run with a user ID that has no entry."""

    def raise_key_error(_):
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", raise_key_error)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert jieba_dictionary._private_cache_dir() is None
    monkeypatch.setattr(
        jieba_dictionary, "_jieba_counts", jieba_dictionary._load_jieba_counts.__wrapped__
    )
    assert segment_by_jieba("吃什么") == ["吃", "什么"]


def test_an_unwritable_cache_is_ignored(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    limit += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    result = run_python(limit + SEGMENT, XDG_CACHE_HOME=str(tmp_path))
    assert (result.stdout, result.stderr) == ("['吃', '什么']\n", "")


def test_log_level_of_jieba_is_unchanged():
    level = logging.getLogger("jieba").level
    segment_by_jieba("吃什么", JiebaDictionary(["一个新词"]))
    assert logging.getLogger("jieba").level == level
