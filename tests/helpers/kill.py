"""Kills a preparation at random moments, and runs it again until it is done."""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from attention_seq2seq.data.default_corpus import default_corpus
from helpers.scripts import ROOT


def write_corpus(path: Path, num_pairs: int) -> None:
    """Pairs of the default corpus again and again, each with its number."""
    pairs = default_corpus().training
    path.write_text(
        "".join(
            f"{pair.prompt} {index}\t{pair.reply}".replace("\n", " ") + "\n"
            for index, pair in ((i, pairs[i % len(pairs)]) for i in range(num_pairs))
        ),
        encoding="utf-8",
    )


class KillablePreprocessing:
    """A preparation that can be killed.

    Args:
        corpus: the file.
        folder: where to.
    """

    def __init__(self, corpus: Path, folder: Path):
        self._command = [
            *(sys.executable, str(ROOT / "experiments/prepare.py"), f"--data={corpus}"),
            *(f"--prepared_dir={folder}", "--num_workers=2", "--filters=duplicates"),
        ]

    def run(self, seconds: float | None = None) -> bool:
        """Runs it, at most so long, then kills it; returns whether it came to its end."""
        process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert has_process_group_ended(process.pid), "the processes that it had started live on"
            return False
        finally:
            process.stderr.close()
        assert process.returncode == 0, errors.decode()
        return True


def has_process_group_ended(group_id: int) -> bool:
    """Whether all processes of a group end within some seconds."""
    for _ in range(100):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group_id, 0)
            time.sleep(0.1)
            continue
        return True
    return False


def file_hashes(folder: Path) -> dict[str, str]:
    """Of each file of a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def kill_and_resume(folder: Path, num_pairs: int, num_kills: int, seed: int) -> None:
    """Kills a preparation so often, and compares what is there at last with a run never stopped."""
    corpus = folder / "corpus.tsv"
    write_corpus(corpus, num_pairs)
    start_time = time.monotonic()
    assert KillablePreprocessing(corpus, folder / "whole").run()
    duration = time.monotonic() - start_time
    expected = file_hashes(folder / "whole")
    rng, kill_count, run_index = random.Random(seed), 0, 0
    print(f"seed {seed}: never stopped it takes {duration:.1f} seconds")
    while kill_count < num_kills:
        prepared_dir, is_done = folder / str(run_index), False
        while not is_done and kill_count < num_kills:
            delay = rng.uniform(0.2, 0.9 * duration)
            is_done = KillablePreprocessing(corpus, prepared_dir).run(delay)
            kill_count += not is_done
            print(f"after {delay:.1f} seconds {'done' if is_done else 'killed'}", flush=True)
        assert is_done or KillablePreprocessing(corpus, prepared_dir).run()
        assert file_hashes(prepared_dir) == expected
        run_index += 1
    print(f"killed {kill_count} times, {run_index} preparations: all bytes as of the run", end="")
    print(" never stopped")
