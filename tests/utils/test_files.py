"""Atomic writes, locks and text lines."""

import errno
import fcntl
import gzip
import os
import threading

import pytest

from attention_seq2seq.utils import files
from attention_seq2seq.utils.files import file_lock, iter_text_lines, write_json


def test_a_locked_file_cannot_be_locked_again(tmp_path):
    path = tmp_path / "lock"
    path.write_bytes(b"mine")
    with (
        file_lock(path),
        pytest.raises(ValueError, match=f"{tmp_path} is in use by another process"),
        file_lock(path),
    ):
        pass
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_causes_a_warning(tmp_path, monkeypatch, caplog, code):
    def unsupported(*_):
        raise OSError(code, "not supported here")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with file_lock(tmp_path / "lock"):
        pass
    assert f"{tmp_path} cannot be locked (not supported here): make sure that no" in caplog.text


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    path.write_text("old", encoding="utf-8")

    def raise_disk_full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", raise_disk_full)
        with pytest.raises(OSError, match="No space left"):
            write_json(path, {"a": "\ud83d"})
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["old"]
    write_json(path, {"a": "\ud83d吃"}, indent=None)
    assert path.read_text(encoding="utf-8") == '{"a": "\\ud83d吃"}\n'


def test_a_link_is_followed_and_the_mode_of_a_file_is_kept(tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    write_json(link, 1)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "1\n"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_to_itself(tmp_path):
    pipe, contents = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: contents.append(pipe.read_bytes()))
    reader.start()
    write_json(pipe, 1)
    reader.join(10)
    assert contents == [b"1\n"]
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def read_lines(path):
    with path.open("rb") as file:
        return list(iter_text_lines(file, "in.txt"))


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_lines_of_a_text_file(tmp_path, compress):
    path = tmp_path / "in.txt"
    path.write_bytes(compress("\ufeff今天\r\n\n a\u2028b\x0c\n吃".encode()))
    assert read_lines(path) == ["今天", "", " a\u2028b\x0c", "吃"]
    path.write_bytes(compress(b""))
    assert read_lines(path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("吃\n你好\n".encode("gbk"), "line 1: not UTF-8 text; byte 0xb3 at position 1"),
        (b"hello\n" + "\tok你".encode("gbk"), "line 2: not UTF-8 text; byte 0xc4 at position 4"),
        ("今天\n".encode("utf-16"), "line 1: not UTF-8 text; byte 0xff at position 1"),
        ("hi\n".encode("utf-16-le"), "line 1: not UTF-8 text; byte 0x00 at position 2"),
        ("\ufeff吃\n".encode() + b"\xff", "line 2: not UTF-8 text; byte 0xff at position 1"),
        (b"\xef\xbb\xbf\xff\n", "line 1: not UTF-8 text; byte 0xff at position 4"),
        (gzip.compress("今天\n".encode() * 999)[:-9], "line 1000: the file is damaged"),
        (gzip.compress("吃\n".encode("gbk")), "line 1: not UTF-8 text; byte 0xb3"),
    ],
    ids=[
        "GBK",
        "later",
        "UTF-16",
        "no mark",
        "mark",
        "in a mark's line",
        "cut gzip",
        "GBK in gzip",
    ],
)
def test_wrong_encodings_raise_with_file_line_and_byte(tmp_path, content, message):
    path = tmp_path / "in.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"in.txt, {message}"):
        read_lines(path)
