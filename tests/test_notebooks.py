"""The notebooks run from beginning to end, and are committed with what they print."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def outputs_of(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed(notebook) -> list[str]:
    """The words the cells print; the last digits of the numbers depend on the processor."""
    text = "\n".join(output.get("text", "") for output in outputs_of(notebook))
    return [word for word in text.split() if not any(c.isdigit() for c in word)]


def number_of_pictures(notebook) -> int:
    return sum("image/png" in output.get("data", {}) for output in outputs_of(notebook))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, monkeypatch):
    # The kernel is the Python that runs the tests, whatever kernels are installed beside it.
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(path, as_version=4)
    committed = [cell.get("outputs", []) for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(outputs) for outputs in committed) >= len(committed) - 2
    fresh = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(fresh, timeout=300, resources=resources).execute()
    assert not [output for output in outputs_of(fresh) if output.get("name") == "stderr"]
    assert printed(fresh) == printed(notebook)
    assert number_of_pictures(fresh) == number_of_pictures(notebook) > 0


def test_there_are_notebooks():
    assert NOTEBOOKS
