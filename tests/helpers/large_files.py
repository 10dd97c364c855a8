"""Large corpora, and how much memory it takes to read them."""

import gzip
import itertools
import subprocess
import sys
from pathlib import Path

TURNS = [f"第{index}句话，" + f"说的是{index * 37 % 101}件事情，" * 6 for index in range(50)]
PAIR = "".join(f"{a}\t{b}\n" for a, b in itertools.pairwise(TURNS))
QUOTED = ", ".join(f'"{turn}"' for turn in TURNS)
MESSAGES = ", ".join(f'{{"%s": "{turn}"}}' for turn in TURNS)

# What a file begins with, what it repeats, what it ends with.
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
# The kernel's count of resources would begin with the memory of the process that started this one.
status = pathlib.Path("/proc/self/status").read_text()
print(num_pairs, int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) // 1000)
"""


def write_large_corpus(path: Path, name: str, num_bytes: int) -> None:
    """Writes a corpus of a format, as large as asked when unpacked; a name in .gz is packed."""
    head, body, tail = (piece.encode() for piece in FORMATS[name])
    repetitions = 64
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb") as file:
        file.write(head)
        for _ in range(-(-num_bytes // (repetitions * len(body)))):
            file.write(body * repetitions)
        file.write(tail)


def measure_reading(path: Path) -> tuple[int, int]:
    """How many pairs are in a corpus, and how many megabytes its reading takes."""
    done = subprocess.run(
        [sys.executable, "-c", READ_SCRIPT, str(path)], capture_output=True, text=True, check=True
    )
    num_pairs, megabytes = map(int, done.stdout.split())
    return num_pairs, megabytes
