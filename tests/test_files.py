"""Files that are written whole, and locks."""

import errno
import fcntl

import pytest

from attention_seq2seq import files
from attention_seq2seq.files import locked, write_json


def test_two_do_not_lock_one_file(tmp_path):
    path = tmp_path / "lock"
    path.write_bytes(b"mine")
    with (
        locked(path),
        pytest.raises(ValueError, match=f"{tmp_path}: another process is at work here"),
        locked(path),
    ):
        pass
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_no_other_process(tmp_path, monkeypatch, caplog, code):
    def unsupported(*_):
        raise OSError(code, "not supported here")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with locked(tmp_path / "lock"):
        pass
    assert f"{tmp_path} cannot be locked (not supported here): make sure that no" in caplog.text


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    path.write_text("old", encoding="utf-8")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_json(path, {"a": "\ud83d"})
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["old"]
    write_json(path, {"a": "\ud83d吃"}, indent=None)
    assert path.read_text(encoding="utf-8") == '{"a": "\\ud83d吃"}\n'
