"""A worker of versions.py: prints CPU times and memory of this Python as a line of JSON."""

import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.training import TrainingConfig
from experiments.benchmarks.serving import write_random_model
from experiments.benchmarks.vocabulary_size import make_train_step

UNITS, VOCABULARY_SIZE = 256, 8000
PROMPT = "今天晚上吃什么"
NUM_STEPS, NUM_REPLIES = 15, 51


def main() -> None:
    """Measures updates and replies."""
    options = TrainingConfig(compute_dtype="float32")
    step_ms = median_cpu_ms(make_train_step(UNITS, VOCABULARY_SIZE, options), NUM_STEPS)
    with tempfile.TemporaryDirectory() as directory:
        write_random_model(Path(directory) / "model", UNITS, VOCABULARY_SIZE)
        chat = Chat.load(Path(directory) / "model")
    reply_ms = median_cpu_ms(lambda: chat.reply([PROMPT]), NUM_REPLIES)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    costs = {
        "tensorflow": tf.__version__,
        "keras": version("keras"),
        "step_ms": round(step_ms, 2),
        "reply_ms": round(reply_ms, 2),
        "megabytes": int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1000,
    }
    print(json.dumps(costs))


def median_cpu_ms(run: Callable, repeats: int) -> float:
    """Returns the median CPU time of a call [ms], without the first two calls, which trace."""
    times = []
    for _ in range(repeats + 2):
        start_time = time.process_time()
        run()
        times.append(1000 * (time.process_time() - start_time))
    return statistics.median(times[2:])


if __name__ == "__main__":
    main()
