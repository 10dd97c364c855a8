"""Kills prepare.py at random moments, and resumes it until it is finished."""

import contextlib
import hashlib
import os
import random
import time
from pathlib import Path

from attention_seq2seq.data.default_corpus import default_corpus
from helpers.scripts import start_script


def write_corpus(path: Path, num_pairs: int) -> None:
    """Writes numbered pairs of the default corpus, which is repeated."""
    pairs = default_corpus().training
    path.write_text(
        "".join(
            f"{pair.prompt} {index}\t{pair.reply}".replace("\n", " ") + "\n"
            for index, pair in ((i, pairs[i % len(pairs)]) for i in range(num_pairs))
        ),
        encoding="utf-8",
    )


def run_prepare(corpus: Path, prepared_dir: Path, seconds: float = 300) -> bool:
    """Runs prepare.py, kills it after `seconds`, and returns whether it finished before."""
    script = start_script(
        corpus.parent,
        "prepare",
        f"--data={corpus}",
        f"--prepared_dir={prepared_dir}",
        "--num_workers=2",
        "--filters=duplicates",
        new_session=True,
    )
    if script.poll(seconds) is None:
        script.kill()
        assert has_process_group_ended(script.pid), "child processes survived"
        return False
    assert script.returncode == 0, script.errors
    return True


def has_process_group_ended(group_id: int) -> bool:
    """Returns whether all processes of a group end within 10 seconds."""
    for _ in range(100):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group_id, 0)
            time.sleep(0.1)
            continue
        return True
    return False


def file_hashes(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 hash of each file in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def kill_and_resume(folder: Path, num_pairs: int, num_kills: int, seed: int) -> None:
    """Kills and resumes prepare.py, and compares its files with those of an uninterrupted run."""
    corpus = folder / "corpus.tsv"
    write_corpus(corpus, num_pairs)
    start_time = time.monotonic()
    assert run_prepare(corpus, folder / "uninterrupted")
    duration = time.monotonic() - start_time
    expected = file_hashes(folder / "uninterrupted")
    rng, kill_count, run_index = random.Random(seed), 0, 0
    print(f"seed {seed}: the uninterrupted run takes {duration:.1f} seconds")
    while kill_count < num_kills:
        prepared_dir, is_done = folder / str(run_index), False
        while not is_done and kill_count < num_kills:
            delay = rng.uniform(0.2, 0.9 * duration)
            is_done = run_prepare(corpus, prepared_dir, delay)
            kill_count += not is_done
            print(f"after {delay:.1f} seconds {'done' if is_done else 'killed'}", flush=True)
        assert is_done or run_prepare(corpus, prepared_dir)
        assert file_hashes(prepared_dir) == expected
        run_index += 1
    print(f"killed {kill_count} times, {run_index} runs: all files are bit-identical")
