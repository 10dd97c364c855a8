"""JSON files of measured numbers, from which `render_results.py` renders tables.

A file of `experiments/results` has the `commands` that wrote it, the `conditions` of the latest
one, and `rows` with raw numbers: fractions, seconds, bytes. Several commands may fill one file.
"""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

import console
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.utils import files
from attention_seq2seq.utils.parallel import available_cpus

# The flag belongs to the script that calls `define_results_flag`.
flags.disclaim_key_flags()

RESULTS_DIR = Path(__file__).parent / "results"


def define_results_flag() -> flags.FlagHolder:
    """Defines --results_json."""
    return cli_flags.define_path(
        "results_json",
        None,
        "results file to update with the rows of this run, as in experiments/results [path]",
    )


def update_results(
    path: str | Path | None,
    rows: Iterable[Mapping[str, Any]],
    key: Sequence[str],
) -> None:
    """Writes rows to a results file. A row replaces the row with the same key.

    Args:
        path: file, which is created if it does not exist; None writes nothing.
        rows: field to number, text, None, or a nested mapping.
        key: fields that identify a row.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "reversal.json"
        >>> update_results(path, [{"seed": 1, "exact_match": 0.5}], ["seed"])
        >>> update_results(path, [{"seed": 1, "exact_match": 0.75}], ["seed"])
        >>> files.read_json(path)["rows"]
        [{'seed': 1, 'exact_match': 0.75}]
    """
    if not path:
        return
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"commands": [], "conditions": {}, "rows": []}
    if path.is_file():
        content |= json.loads(path.read_text("utf-8"))
    if (command := current_command()) not in content["commands"]:
        content["commands"].append(command)
    content["conditions"] = {"tensorflow": version("tensorflow"), "cores": available_cpus()}
    rows_by_key = {tuple(map(row.get, key)): row for row in content["rows"]}
    for row in map(_round, rows):
        row_key = tuple(map(row.get, key))
        rows_by_key[row_key] = rows_by_key.get(row_key, {}) | row
    lines = [json.dumps(row, ensure_ascii=False) for row in rows_by_key.values()]
    header = json.dumps(content | {"rows": []}, ensure_ascii=False, indent=2)
    text = "[\n    " + ",\n    ".join(lines) + "\n  ]"
    files.write_text(path, header.removesuffix("[]\n}") + text + "\n}\n")


def current_command() -> str:
    """Returns the command line of this script."""
    spec = sys.modules["__main__"].__spec__
    program = ["python", "-m", spec.name.removesuffix(".__main__")] if spec else sys.argv[:1]
    # Pytest does not run `console`.
    arguments = console.command_arguments() or sys.argv[1:]
    return shlex.join([*program, *(a for a in arguments if not a.startswith("--results_json="))])


def command_line_flags(names: Iterable[str]) -> str:
    """Returns the flags with these names on the command line, without the content of --config."""
    arguments = console.command_arguments()
    return " ".join(a for a in arguments if a.removeprefix("--").partition("=")[0] in names)


def _round(value: Any) -> Any:
    """Rounds all numbers to six significant digits, for readable differences."""
    if isinstance(value, Mapping):
        return {name: _round(nested) for name, nested in value.items()}
    if isinstance(value, list | tuple):
        return [_round(nested) for nested in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.6g}") if isinstance(value, float) else value
