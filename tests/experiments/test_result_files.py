"""Commands write rows of measured numbers into files of results."""

import json
import sys

import numpy as np
import pytest

import console
from experiments.result_files import command_line_flags, update_results


@pytest.fixture
def arguments(monkeypatch):
    monkeypatch.setattr(console, "_arguments", ["--seed=2", "--results_json=a.json", "--out=b"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setattr(sys, "argv", ["study.py"])


def test_rows_of_several_commands_fill_one_file(tmp_path, arguments, monkeypatch):
    path = tmp_path / "results.json"
    update_results(path, [{"seed": 1, "bleu": 0.5, "minutes": 9.0}], ["seed"])
    monkeypatch.setattr(console, "_arguments", [])
    update_results(path, [{"seed": 2, "bleu": None}, {"seed": 1, "bleu": 0.25}], ["seed"])
    content = json.loads(path.read_text("utf-8"))
    assert content["commands"] == ["study.py --seed=2 --out=b", "study.py"]
    assert content["conditions"]["tensorflow"].startswith("2.")
    # A command that was repeated without training keeps the duration of the training.
    assert content["rows"] == [
        {"seed": 1, "bleu": 0.25, "minutes": 9.0},
        {"seed": 2, "bleu": None},
    ]


def test_each_row_is_a_line_with_short_numbers(tmp_path):
    path = tmp_path / "results.json"
    rate = {"value": np.float64(2 / 3), "low": np.float32(0.5), "high": np.int64(7)}
    update_results(path, [{"词": "晚上", "rate": rate, "rates": (1 / 3, 12345678)}], ["词"])
    line = (
        '    {"词": "晚上", "rate": {"value": 0.666667, "low": 0.5, "high": 7}, '
        '"rates": [0.333333, 12345678]}'
    )
    assert line in path.read_text("utf-8").splitlines()


def test_a_damaged_file_is_not_overwritten(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError):
        update_results(path, [{"seed": 1}], ["seed"])
    assert path.read_text("utf-8") == "{"


def test_no_file_is_written_without_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    update_results(None, [{"seed": 1}], ["seed"])
    assert not list(tmp_path.iterdir())


def test_command_line_flags_are_those_of_the_command_line(arguments):
    assert command_line_flags({"seed", "epochs"}) == "--seed=2"
