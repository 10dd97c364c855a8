"""The notebooks run from beginning to end, and are committed with what they print."""

from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def printed(notebook) -> list[str]:
    """What the cells print, without the numbers, whose last digits depend on the processor."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(o.get("text") or o["data"].get("text/plain", "") for o in outputs)
    return "".join(c for c in text if not c.isdigit()).split()


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
    outputs = [output for cell in fresh.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for o in outputs) == sum(
        "image/png" in o.get("data", {}) for cell in committed for o in cell
    )


def test_there_are_notebooks():
    assert NOTEBOOKS
