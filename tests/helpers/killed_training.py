"""Kills trainings at random moments, resumes them, and compares their files."""

import json
import random
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.scripts import RunningScript, start_script

# Options of all configurations: many short epochs, a checkpoint every tenth of a second.
COMMON = [
    "--epochs=10",
    "--batch_size=8",
    "--units=64",
    "--learning_rate=0.01",
    "--compute_dtype=float32",
    "--patience=0",
    "--checkpoint_minutes=0.002",
    "--source_tokenizer=characters",
    "--target_tokenizer=characters",
]

# Each feature whose state must be restored, and all of them.
CONFIGURATIONS = {
    "plain": [],
    "dropout": ["--dropout=0.3"],
    "scheduled sampling": ["--scheduled_sampling_probability=0.5"],
    "accumulated batches": ["--gradient_accumulation_steps=3", "--epochs=20"],
    "moving average": ["--averaging=ema"],
    "mean of epochs": ["--averaging=last", "--average_last_epochs=3"],
    "early stopping": ["--patience=2", "--epochs=40"],
    "everything": [
        "--dropout=0.2",
        "--scheduled_sampling_probability=0.3",
        "--gradient_accumulation_steps=2",
        "--patience=6",
        "--averaging=ema",
        "--optimizer=adam",
        "--learning_rate_schedule=cosine",
        "--prompt_dropout=0.1",
        "--label_smoothing=0.1",
        "--warmup_steps=20",
    ],
}


class KillCounts(NamedTuple):
    """Numbers of kills by the moment of the kill.

    Attributes:
        kills: all kills.
        random_kills: kills at a random moment, start and end of the process included. All other
            kills come after a new checkpoint.
        write_kills: kills while a checkpoint was written.
        mid_epoch_kills: kills whose latest checkpoint was written within an epoch.
        finished_trainings: trainings that finished, with the files of an uninterrupted one.
    """

    kills: int
    random_kills: int
    write_kills: int
    mid_epoch_kills: int
    finished_trainings: int


def write_pairs(path: Path, num_pairs: int = 320) -> None:
    """Writes pairs of random characters; the replies are the reversed prompts."""
    rng = random.Random(1)
    characters = [chr(0x4E00 + i) for i in range(400)]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(num_pairs):
            prompt = rng.choices(characters[: rng.choice([20, 400])], k=rng.randint(2, 9))
            file.write(f"{''.join(prompt)}\t{''.join(reversed(prompt))}\n")


def read_model_files(folder: Path) -> dict[str, bytes]:
    """Returns the files of a finished model, without the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def kill_and_compare(
    tmp_path: Path,
    options: list[str],
    num_kills: int,
    num_write_kills: int,
    num_random_kills: int,
    seed: int,
) -> KillCounts:
    """Kills and resumes trainings, and compares their files with an uninterrupted one.

    Args:
        tmp_path: folder of all files.
        options: flags of train.py.
        num_kills: minimum number of kills after a new checkpoint.
        num_write_kills: minimum number of kills while a checkpoint is written.
        num_random_kills: additional kills, before all others, at a random moment of the training.
        seed: seed of the moments.
    """
    data = tmp_path / "pairs.tsv"
    write_pairs(data)

    def start_training(folder: Path) -> RunningScript:
        return start_script(tmp_path, "train", f"--data={data}", f"--model_dir={folder}", *options)

    options = [*COMMON, *options]
    reference_dir = tmp_path / "uninterrupted"
    print(f"seed {seed}")
    start_time = time.monotonic()
    reference = start_training(reference_dir)
    assert reference.wait() == 0, reference.errors
    duration = time.monotonic() - start_time
    expected_files = read_model_files(reference_dir)
    if "--patience=2" in options:
        assert expected_files["log.csv"].count(b"\n") <= 40, "it did not stop early"
    rng = random.Random(seed)
    kills = random_kills = write_kills = mid_epoch_kills = finished_trainings = 0
    num_kills += num_random_kills
    while kills < num_kills or write_kills < num_write_kills or not finished_trainings:
        assert finished_trainings < 2 * num_kills, (
            f"{finished_trainings} trainings finished before they were killed"
        )
        folder = tmp_path / f"killed{finished_trainings}"
        is_enough = kills >= num_kills and write_kills >= num_write_kills
        script = start_training(folder)
        if random_kills < num_random_kills:
            was_killed = kill_after_delay(script, rng.uniform(0, duration))
            random_kills += was_killed
        else:
            is_during_write = write_kills < num_write_kills and kills % 2 == 0
            was_killed = not is_enough and kill_after_checkpoint(
                script, folder, rng, is_during_write
            )
        script.wait()
        if was_killed:
            kills += 1
            write_kills += any((folder / "checkpoints").glob("*.part"))
            mid_epoch_kills += has_mid_epoch_checkpoint(folder)
            continue
        assert script.returncode == 0, script.errors
        model_files = read_model_files(folder)
        assert model_files.keys() == expected_files.keys()
        for name, content in expected_files.items():
            assert model_files[name] == content, f"{name} differs after {kills} kills, seed {seed}"
        finished_trainings += 1
    return KillCounts(kills, random_kills, write_kills, mid_epoch_kills, finished_trainings)


def kill_after_checkpoint(
    script: RunningScript, folder: Path, rng: random.Random, is_during_write: bool
) -> bool:
    """Kills a training after its first new checkpoint. Returns False if it ended before."""
    old_checkpoints = set((folder / "checkpoints").glob("*.npz"))
    while old_checkpoints >= set((folder / "checkpoints").glob("*.npz")):
        if script.poll(0.005) is not None:
            return False
    delay = rng.uniform(0, 0.4)
    if is_during_write:
        script.poll(delay)
        while script.poll() is None and not any((folder / "checkpoints").glob("*.part")):
            pass
        delay = 0
    return kill_after_delay(script, delay)


def kill_after_delay(script: RunningScript, seconds: float) -> bool:
    """Kills a training after `seconds`. Returns False if it ended before."""
    script.poll(seconds)
    script.kill()
    return script.returncode == -9


def has_mid_epoch_checkpoint(folder: Path) -> bool:
    """Returns whether the latest checkpoint was written within an epoch."""
    checkpoints = list((folder / "checkpoints").glob("*.npz"))
    if not checkpoints:
        return False
    latest = max(checkpoints)
    with np.load(latest) as archive:
        return json.loads(archive["state.json"].tobytes())["num_tokens"] > 0
