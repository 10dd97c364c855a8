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
            f"{pair.prompt} {number}\t{pair.reply}".replace("\n", " ") + "\n"
            for number, pair in ((i, pairs[i % len(pairs)]) for i in range(num_pairs))
        ),
        encoding="utf-8",
    )


class Preparation:
    """A preparation that can be killed.

    Args:
        corpus: the file.
        folder: where to.
    """

    def __init__(self, corpus: Path, folder: Path):
        self._command = [
            *(sys.executable, str(ROOT / "experiments/prepare.py"), f"--data={corpus}"),
            *(f"--prepared_dir={folder}", "--processes=2", "--clean=duplicates"),
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
            assert is_over(process.pid), "the processes that it had started live on"
            return False
        finally:
            process.stderr.close()
        assert process.returncode == 0, errors.decode()
        return True


def is_over(group: int) -> bool:
    """Whether all processes of a group end within some seconds."""
    for _ in range(100):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, 0)
            time.sleep(0.1)
            continue
        return True
    return False


def hashes_in(folder: Path) -> dict[str, str]:
    """Of each file of a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def kill_and_go_on(folder: Path, num_pairs: int, num_kills: int, seed: int) -> None:
    """Kills a preparation so often, and compares what is there at last with a run never stopped."""
    corpus = folder / "corpus.tsv"
    write_corpus(corpus, num_pairs)
    begin = time.monotonic()
    assert Preparation(corpus, folder / "whole").run()
    whole = time.monotonic() - begin
    expected = hashes_in(folder / "whole")
    draw, kills, number = random.Random(seed), 0, 0
    print(f"seed {seed}: never stopped it takes {whole:.1f} seconds")
    while kills < num_kills:
        target, done = folder / str(number), False
        while not done and kills < num_kills:
            moment = draw.uniform(0.2, 0.9 * whole)
            done = Preparation(corpus, target).run(moment)
            kills += not done
            print(f"after {moment:.1f} seconds {'done' if done else 'killed'}", flush=True)
        assert done or Preparation(corpus, target).run()
        assert hashes_in(target) == expected
        number += 1
    print(f"killed {kills} times, {number} preparations: all bytes as of the run never stopped")
