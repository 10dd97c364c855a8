"""Writes measured numbers of tests to results files, from which documents are rendered."""

import json
import os
from pathlib import Path

from experiments.result_files import RESULTS_DIR, update_results

KEY = ("table", "test", "setting", "model", "decoding", "seed", "compute_dtype", "file")


def record_result(name: str, **row) -> None:
    """Updates a row of the file `name` in RESULTS_DIR, if this variable is set.

    Args:
        name: name of the file without suffix.
        **row: fields, see `update_results`. Those in `KEY` identify the row.
    """
    folder = os.environ.get("RESULTS_DIR")
    if folder:
        update_results(Path(folder) / f"{name}.json", [row], KEY)


def assert_fields_are_complete(path: Path, name: str, ignored: tuple[str, ...] = ()) -> list[dict]:
    """Asserts that a new file has the fields of the committed file `name`, which pages use.

    Returns:
        The rows of the new file.
    """
    rows, committed_rows = (
        json.loads(file.read_text("utf-8"))["rows"] for file in (path, RESULTS_DIR / f"{name}.json")
    )
    assert rows
    for row in rows:
        field_sets = [
            field_names({field: committed[field] for field in committed if field not in ignored})
            for committed in committed_rows
            if committed.get("table") == row.get("table")
        ]
        assert any(fields <= field_names(row) for fields in field_sets), row
    return rows


def field_names(row: dict) -> set[str]:
    """Returns the names of all fields, also of nested ones."""
    nested_rows = [value for value in row.values() if isinstance(value, dict)]
    return set(row).union(*map(field_names, nested_rows))
