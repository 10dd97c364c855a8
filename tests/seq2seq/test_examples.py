"""The examples in `docs/migration.md` print the numbers that the page shows."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from attention_seq2seq import seq2seq
from helpers.reference_models import requires_tfa, tfa

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text("utf-8")
EXAMPLES = re.findall(
    r"^### (.+?)\n(?:(?!^###).)*?^```python\n(.*?)^```\n\n```text\n(.*?)^```",
    PAGE,
    re.MULTILINE | re.DOTALL,
)
IMPORT = "from attention_seq2seq import seq2seq"
FLOAT = re.compile(r"-?\d+\.\d+")
each_example = pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(
            *(code, text),
            id=title.replace(" ", "_"),
            # Those that train.
            marks=[pytest.mark.slow] if "GradientTape" in code else [],
        )
        for title, code, text in EXAMPLES
    ],
)


def assert_prints(code, expected, library):
    assert IMPORT in code
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code.replace(IMPORT, ""), {"seq2seq": library})
    text = printed.getvalue()
    assert FLOAT.sub("#", text) == FLOAT.sub("#", expected)
    numbers, expected_numbers = (
        np.array(FLOAT.findall(string), np.float64) for string in (text, expected)
    )
    difference = np.abs(numbers - expected_numbers).max()
    print(f"largest difference {difference:.1g}\n{text}")
    assert difference <= 1.01e-4


def test_the_page_has_four_examples():
    assert len(EXAMPLES) == 4


@each_example
def test_examples_print_the_numbers_of_the_page(code, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_prints(code, expected, seq2seq)


@requires_tfa
@each_example
def test_tensorflow_addons_prints_the_numbers_of_the_page(code, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_prints(code, expected, tfa.seq2seq)
