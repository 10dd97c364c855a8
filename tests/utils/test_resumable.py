"""Resumable files; tests/cli/test_generate.py kills and resumes a script."""

import pytest

from attention_seq2seq.utils import resumable
from attention_seq2seq.utils.resumable import resumable_file


def test_a_stopped_run_is_resumed(tmp_path):
    path = tmp_path / "out.txt"
    with pytest.raises(RuntimeError), resumable_file(str(path), {"seed": 1}) as writer:
        list(writer.track(iter(["a", "b"])))
        writer.write(["A\n", "B\n"])
        raise RuntimeError
    assert not path.exists()
    with (
        pytest.raises(ValueError, match="started with other values of seed"),
        resumable_file(str(path), {"seed": 2}),
    ):
        pass
    with resumable_file(str(path), {"seed": 1}) as writer:
        prompts = iter(["a", "b", "c"])
        writer.skip(prompts)
        assert list(writer.track(prompts)) == ["c"]
        writer.write(["C\n"])
    assert path.read_text(encoding="utf-8") == "A\nB\nC\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_a_file_that_another_run_completed_meanwhile_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    monkeypatch.setattr(resumable, "ResumableWriter", None)
    calls = []

    def exists_at_second_call(name):
        # The file does not exist at first, but does once the lock is acquired.
        calls.append(name)
        if len(calls) == 2:
            raise ValueError(f"{name} exists")

    monkeypatch.setattr(resumable, "_refuse_existing", exists_at_second_call)
    with pytest.raises(ValueError, match="exists"), resumable_file(str(path), {}):
        pass
    assert not list(tmp_path.iterdir())
