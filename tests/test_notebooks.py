"""The notebooks run without errors and reproduce their committed outputs."""

import os
import re
import time
from pathlib import Path

import nbclient
import nbformat
import pytest

from helpers.reference_models import HAS_TFA

NUMBER_PATTERN = re.compile(r"-?\d+(?:\.\d+)?")
# Maximum total duration of all notebooks on an idle machine [s].
MAX_SECONDS = 200
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def cell_outputs(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed_text(cell) -> str:
    """Returns the printed text of a cell and its last value."""
    texts = (o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell["outputs"])
    return " ".join("".join(texts).split())


def assert_reproduced(executed_cell, committed) -> None:
    """Asserts equal texts, and equal numbers up to one unit of the last decimal.

    Numbers of cells with the tag "time" depend on the machine and are ignored.
    """
    assert NUMBER_PATTERN.sub("#", printed_text(executed_cell)) == NUMBER_PATTERN.sub(
        "#", printed_text(committed)
    )
    if "time" in committed.metadata.get("tags", ()):
        return
    for value, expected in zip(
        *(NUMBER_PATTERN.findall(printed_text(cell)) for cell in (executed_cell, committed))
    ):
        num_decimals = len(expected.partition(".")[2])
        tolerance = 1.5 * 10.0**-num_decimals if num_decimals else 0.5
        assert abs(float(value) - float(expected)) < tolerance, (value, expected)


def count_pictures(notebook) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell_outputs(notebook))


@pytest.fixture
def durations_path(tmp_path_factory):
    """File with the duration of each notebook, shared by all test processes."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "seconds_of_notebooks"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_reproduce_their_outputs(path, monkeypatch, durations_path):
    # Silences a warning of the debugger in the kernel.
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(path, as_version=4)
    committed = [cell.get("outputs", []) for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(outputs) for outputs in committed) >= len(committed) - 2
    executed = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    start_time = time.monotonic()
    nbclient.NotebookClient(executed, timeout=MAX_SECONDS, resources=resources).execute()
    with durations_path.open("a", encoding="ascii") as file:
        file.write(f"{time.monotonic() - start_time}\n")
    total_seconds = sum(map(float, durations_path.read_text(encoding="ascii").split()))
    assert total_seconds < MAX_SECONDS * max(1.0, os.getloadavg()[0] / os.cpu_count())
    assert not [output for output in cell_outputs(executed) if output.get("name") == "stderr"]
    for cells in zip(executed.cells, notebook.cells):
        # The outputs are those of Keras 2. With Keras 3, a seed gives different initial weights.
        if cells[0].cell_type == "code" and HAS_TFA:
            assert_reproduced(*cells)
    assert count_pictures(executed) == count_pictures(notebook) > 0


def test_notebooks_exist():
    assert NOTEBOOKS
