"""Text file that is written in chunks, and resumed by the next run after an interruption."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from attention_seq2seq.utils.files import PARTIAL_SUFFIX, file_lock, write_json

_STATE_SUFFIX = ".job"


@contextlib.contextmanager
def resumable_file(name: str, fingerprint: dict) -> Iterator["ResumableWriter"]:
    """Locks a file, yields its writer, and renames the file if the block succeeds.

    Args:
        name: path of the complete file.
        fingerprint: JSON-serializable values that must be equal in all runs.

    Raises:
        ValueError: the file exists, another process writes to it, or the interrupted run had
            another fingerprint.
    """
    partial_path = Path(f"{name}{PARTIAL_SUFFIX}")
    _refuse_existing(name)
    with file_lock(partial_path, name=partial_path):
        try:
            # Another process may have completed the file before the lock was acquired.
            _refuse_existing(name)
            writer = ResumableWriter(name, fingerprint)
        except ValueError:
            if partial_path.exists() and not partial_path.stat().st_size:
                partial_path.unlink()
            raise
        try:
            yield writer
        finally:
            writer.file.close()
        writer.finish()


def _refuse_existing(name: str) -> None:
    if os.path.lexists(name):
        raise ValueError(f"{name} exists. Remove it, or write to another file.")


class ResumableWriter:
    """Writes one line for each prompt.

    Lines are written to NAME.part until the file is complete. NAME.job holds the state: the number
    of complete lines, the hash of their prompts, and the fingerprint of the run.

    Args:
        name: path of the complete file.
        fingerprint: JSON-serializable values that must be equal in all runs.

    Raises:
        ValueError: the interrupted run had another fingerprint, or its state is damaged.
    """

    def __init__(self, name: str, fingerprint: dict):
        self.path = Path(name)
        self.partial_path = Path(f"{name}{PARTIAL_SUFFIX}")
        self.state_path = Path(f"{name}{_STATE_SUFFIX}")
        self.fingerprint = json.loads(json.dumps(fingerprint))
        self.num_lines = self.num_bytes = 0
        self._resumed_hash = hashlib.sha256().hexdigest()
        if self.partial_path.stat().st_size:
            self._resume()
        self._prompt_hash = hashlib.sha256()
        self.file = self.partial_path.open("r+b")
        # An incomplete line of the interrupted run is written again.
        self.file.truncate(self.num_bytes)
        self.file.seek(self.num_bytes)

    def _resume(self) -> None:
        if not self.state_path.exists():
            raise ValueError(
                f"{self.partial_path} exists without {self.state_path}, so it cannot be resumed. "
                "Remove it, or write to another file."
            )
        try:
            state = json.loads(self.state_path.read_text(encoding="utf-8"))
            fingerprint = state["fingerprint"]
            changed = [
                key for key, value in self.fingerprint.items() if fingerprint.get(key) != value
            ]
            progress = state["lines"], state["bytes"], state["prompts"]
            if [*map(type, progress)] != [int, int, str] or min(progress[:2]) < 0:
                raise ValueError(f"lines, bytes and prompts are {progress}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{self.state_path} is damaged ({type(error).__name__}: {error}), so "
                f"{self.partial_path} cannot be resumed. Remove both to start again."
            ) from None
        if changed:
            raise ValueError(
                f"{self.partial_path} was started with other values of {', '.join(changed)}. Use "
                f"the same values, or remove {self.partial_path} to start again."
            )
        self.num_lines, self.num_bytes, self._resumed_hash = progress
        if self.num_bytes > self.partial_path.stat().st_size:
            raise ValueError(
                f"{self.partial_path} is shorter than {self.state_path} records. Remove both "
                "to start again."
            )

    def skip(self, prompts: Iterator[str]) -> None:
        """Consumes the prompts whose lines are complete.

        Raises:
            ValueError: the prompts differ from those of the interrupted run.
        """
        for _, prompt in zip(range(self.num_lines), prompts):
            self._add_to_hash(prompt)
        if self._prompt_hash.hexdigest() != self._resumed_hash:
            raise ValueError(
                f"{self.partial_path} has replies to other prompts. Give the same prompts, or "
                f"remove {self.partial_path} to start again."
            )

    def track(self, prompts: Iterator[str]) -> Iterator[str]:
        """Yields the prompts, and adds each consumed prompt to the hash."""
        for prompt in prompts:
            self._add_to_hash(prompt)
            yield prompt

    def write(self, lines: list[str]) -> None:
        """Writes the lines of the prompts that were consumed since the last call."""
        if not self.num_lines:
            # Marks any content of the file as written by this run.
            self._write_state(hashlib.sha256())
        self.file.write("".join(lines).encode("utf-8", "backslashreplace"))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.num_lines += len(lines)
        self.num_bytes = self.file.tell()
        self._write_state(self._prompt_hash)

    def _write_state(self, prompt_hash) -> None:
        state = {
            "fingerprint": self.fingerprint,
            "lines": self.num_lines,
            "bytes": self.num_bytes,
            "prompts": prompt_hash.hexdigest(),
        }
        write_json(self.state_path, state, indent=None)

    def finish(self) -> None:
        """Renames the file to its final name, and deletes the state."""
        self.partial_path.replace(self.path)
        self.state_path.unlink(missing_ok=True)

    def _add_to_hash(self, prompt: str) -> None:
        self._prompt_hash.update(prompt.encode("utf-8", "surrogatepass") + b"\n")
