"""The notebooks run from beginning to end, and are committed with what they print."""

import os
import re
import time
from pathlib import Path

import nbclient
import nbformat
import pytest

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Seconds that all of them may take together, one after the other, with the machine to themselves.
ALLOWED = 300
NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs_of(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed(cell) -> str:
    """What a cell prints, and what it ends with."""
    told = (o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell["outputs"])
    return " ".join("".join(told).split())


def assert_reproduced(found, committed) -> None:
    """Words and numbers are the same; the last digit printed after a point may be one off.

    Of a cell tagged "time" the numbers are those of a machine.
    """
    assert NUMBER.sub("#", printed(found)) == NUMBER.sub("#", printed(committed))
    if "time" in committed.metadata.get("tags", ()):
        return
    for number, expected in zip(*(NUMBER.findall(printed(cell)) for cell in (found, committed))):
        digits = len(expected.partition(".")[2])
        allowed = 1.5 * 10.0**-digits if digits else 0.5
        assert abs(float(number) - float(expected)) < allowed, (number, expected)


def number_of_pictures(notebook) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs_of(notebook))


@pytest.fixture
def seconds(tmp_path_factory):
    """A file of what each notebook took, of all processes that run the tests."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "seconds_of_notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch, seconds):
    # The kernel is the Python that runs the tests, whatever kernels are installed beside it.
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(path, as_version=4)
    committed = [cell.get("outputs", []) for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(outputs) for outputs in committed) >= len(committed) - 2
    fresh = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    begin = time.monotonic()
    nbclient.NotebookClient(fresh, timeout=ALLOWED, resources=resources).execute()
    with seconds.open("a", encoding="ascii") as file:
        file.write(f"{time.monotonic() - begin}\n")
    taken = sum(map(float, seconds.read_text(encoding="ascii").split()))
    assert taken < ALLOWED * max(1.0, os.getloadavg()[0] / os.cpu_count())
    assert not [output for output in outputs_of(fresh) if output.get("name") == "stderr"]
    for cells in zip(fresh.cells, notebook.cells):
        if cells[0].cell_type == "code":
            assert_reproduced(*cells)
    assert number_of_pictures(fresh) == number_of_pictures(notebook) > 0


def test_there_are_notebooks():
    assert NOTEBOOKS
