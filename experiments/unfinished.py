"""A file of lines that is written bit by bit, and goes on where it was stopped."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from attention_seq2seq.utils.files import file_lock, write_json


@contextlib.contextmanager
def unfinished(name: str, identity: dict) -> Iterator["Unfinished"]:
    """Within it lines are written; at its end, unless it fails, the file has its name.

    Args:
        name: of the file that is there at the end.
        identity: what must not change from run to run; plain values.

    Raises:
        ValueError: the file is there, another process is writing it, or a run with another
            identity was stopped here.
    """
    part = Path(f"{name}.part")
    _refuse_existing(name)
    with file_lock(part, name=part):
        try:
            # Another process may have finished it until it was locked.
            _refuse_existing(name)
            work = Unfinished(name, identity)
        except ValueError:
            if part.exists() and not part.stat().st_size:
                part.unlink()
            raise
        with work:
            yield work
        work.finish()


def _refuse_existing(name: str) -> None:
    if os.path.lexists(name):
        raise ValueError(f"{name} exists; remove it, or give another --replies.")


class Unfinished:
    """Lines to come, one for each prompt.

    Until the end the lines stand in NAME.part, and what is known of them in NAME.job: how many are
    whole, of which prompts, and by which options.

    Args:
        name: of the file that is there at the end.
        identity: see `unfinished`.

    Raises:
        ValueError: a run with another identity was stopped here.
    """

    def __init__(self, name: str, identity: dict):
        self.path, self.part, self.job = (Path(f"{name}{end}") for end in ("", ".part", ".job"))
        self.identity = json.loads(json.dumps(identity))
        self.num_done = self.bytes_done = 0
        self._before = hashlib.sha256().hexdigest()
        if self.part.stat().st_size:
            self._go_on()
        self._hash = hashlib.sha256()
        self._file = self.part.open("r+b")
        # A line that was being written when the run was stopped is written again.
        self._file.truncate(self.bytes_done)
        self._file.seek(self.bytes_done)

    def __enter__(self) -> "Unfinished":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def _go_on(self) -> None:
        if not self.job.exists():
            raise ValueError(
                f"{self.part} is there, but no {self.job} that tells what it is. Remove it, or "
                "give another --replies."
            )
        try:
            job = json.loads(self.job.read_text(encoding="utf-8"))
            identity = job["identity"]
            changed = [key for key, value in self.identity.items() if identity.get(key) != value]
            done = job["lines"], job["bytes"], job["prompts"]
            if [*map(type, done)] != [int, int, str] or min(done[:2]) < 0:
                raise ValueError(f"lines, bytes and prompts are {done}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{self.job} is damaged ({type(error).__name__}: {error}), so that nobody knows "
                f"what is in {self.part}. Remove both to begin anew."
            ) from None
        if changed:
            raise ValueError(
                f"{self.part} was begun with another {', '.join(changed)}. Run with the same, or "
                f"remove {self.part} to begin anew."
            )
        self.num_done, self.bytes_done, self._before = done
        if self.bytes_done > self.part.stat().st_size:
            raise ValueError(
                f"{self.part} is shorter than {self.job} says. Remove both to begin anew."
            )

    def skip(self, prompts: Iterator[str]) -> None:
        """Passes over the prompts that are done.

        Raises:
            ValueError: they are not those that were answered.
        """
        for _, prompt in zip(range(self.num_done), prompts):
            self._note(prompt)
        if self._hash.hexdigest() != self._before:
            raise ValueError(
                f"{self.part} answers other prompts than these. Give the same, or remove "
                f"{self.part} to begin anew."
            )

    def noted(self, prompts: Iterator[str]) -> Iterator[str]:
        """The prompts, each remembered when it is taken."""
        for prompt in prompts:
            self._note(prompt)
            yield prompt

    def write(self, lines: list[str]) -> None:
        """Writes the lines of the prompts taken since the last time."""
        if not self.num_done:
            # So that whatever is in the file is known to be this run's.
            self._note_done(hashlib.sha256())
        self._file.write("".join(lines).encode("utf-8", "backslashreplace"))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.num_done += len(lines)
        self.bytes_done = self._file.tell()
        self._note_done(self._hash)

    def _note_done(self, prompts) -> None:
        job = {
            "identity": self.identity,
            "lines": self.num_done,
            "bytes": self.bytes_done,
            "prompts": prompts.hexdigest(),
        }
        write_json(self.job, job, indent=None)

    def finish(self) -> None:
        """All is written."""
        self.part.replace(self.path)
        self.job.unlink(missing_ok=True)

    def _note(self, prompt: str) -> None:
        self._hash.update(prompt.encode("utf-8", "surrogatepass") + b"\n")
