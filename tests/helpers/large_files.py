"""Large corpora, and the memory that reading them takes."""

import gzip
import itertools
import subprocess
import sys
from pathlib import Path

TURNS = [f"第{index}句话，" + f"说的是{index * 37 % 101}件事情，" * 6 for index in range(50)]
PAIR = "".join(f"{a}\t{b}\n" for a, b in itertools.pairwise(TURNS))
QUOTED = ", ".join(f'"{turn}"' for turn in TURNS)
MESSAGES = ", ".join(f'{{"%s": "{turn}"}}' for turn in TURNS)

# Head, repeated body and tail of a file.
FORMATS = {
    "TSV": ("", PAIR, ""),
    "JSONL": ("", f"[{QUOTED}]\n", ""),
    "conv": ("", "E\n" + "".join(f"M {turn}\n" for turn in TURNS), ""),
    "conv with slashes": ("", "E\n" + "".join(f"M {'/'.join(turn)}\n" for turn in TURNS), ""),
    "LCCC": ('{"train": [\n', f"[{QUOTED}],\n", f"[{QUOTED}]\n]}}"),
    "KdConv": ("[\n", f'{{"messages": [{MESSAGES % (("message",) * 50)}]}},\n', '["a", "b"]]'),
    "CrossWOZ": (
        "{\n",
        f'"1": {{"messages": [{MESSAGES % (("content",) * 50)}]}},\n',
        '"2": {"messages": [{"content": "a"}, {"content": "b"}]}}',
    ),
    "LCCC in one line": ("[", f"[{QUOTED}],", f"[{QUOTED}]]"),
}

READ_SCRIPT = """
import pathlib, re, sys
from attention_seq2seq.data.readers import PairReader
num_pairs = sum(1 for _ in PairReader(sys.argv[1]))
# getrusage() would include the peak memory of the parent process.
status = pathlib.Path("/proc/self/status").read_text()
print(num_pairs, int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) // 1000)
"""


def write_large_corpus(path: Path, name: str, num_bytes: int) -> None:
    """Writes a corpus of at least `num_bytes`, compressed if the name ends in .gz."""
    head, body, tail = (text.encode() for text in FORMATS[name])
    repetitions = 64
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb") as file:
        file.write(head)
        for _ in range(-(-num_bytes // (repetitions * len(body)))):
            file.write(body * repetitions)
        file.write(tail)


def measure_reading(path: Path) -> tuple[int, int]:
    """Returns the number of pairs in a corpus, and the peak memory of reading it [MB]."""
    result = subprocess.run(
        [sys.executable, "-c", READ_SCRIPT, str(path)], capture_output=True, text=True, check=True
    )
    num_pairs, megabytes = map(int, result.stdout.split())
    return num_pairs, megabytes
