"""Renders measured numbers in the documents from JSON files in experiments/results.

    python -m experiments.render_results
    python -m experiments.render_results --check

A comment above a table has the template of its rows, which are format strings of Python. Its first
line names a file, and the fields that select its rows. The title lines are written by hand:

    <!-- table: reversal[seconds=32]
    | {options:code} | {exact_match:.1%} |
    -->

    | options | exact match |
    |---|---:|

A template without a file selects a row for each number. Numbers in prose do the same:
<!-- {reversal[options=][exact_match]:.1%} -->99.6%<!-- end -->. Null is rendered as an empty text.
Further formats are "code" for options, ".1%-" for a percentage without its sign, and "p" for the
p-value of a metric, in italics if it is not significant. A range is rendered as 5.9% (5.8 to 6.1).
"""

import json
import re
import string
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags
from result_files import RESULTS_DIR

import console
from attention_seq2seq.utils import files

CHECK = flags.DEFINE_bool(
    "check", False, "whether to exit with 1 if a page is not up to date, instead of updating pages"
)
ROOT = Path(__file__).parents[1]
_TABLE = re.compile(
    r"(?P<head><!-- table:? *(?P<source>[^\n]*)\n(?P<template>(?:\|[^\n]*\n)+)-->\n\n"
    r"\|[^\n]*\n\|[-:| ]+\|\n)(?:\|[^\n]*\n)*"
)
# A comment at the start of a line would begin a new block.
_INLINE = re.compile(r"(?P<head>(?<=[^\n])<!-- (?P<template>\{[^\n]*?\}) -->).*?(?=<!-- end -->)")
# Values may have commas, as in "system=this project, float32".
_TERM_END = re.compile(r",(?=\w+=)")
_SOURCE = re.compile(r"(\w+)(?:\[(.*)\])?")


def main(_) -> None:
    """Renders all pages, or checks them."""
    outdated = outdated_pages(load_results(RESULTS_DIR))
    names = ", ".join(path.relative_to(ROOT).as_posix() for path in outdated)
    if CHECK.value and outdated:
        sys.exit(f"Not up to date: {names}. Run python -m experiments.render_results.")
    for path, text in outdated.items():
        files.write_text(path, text)
    print(f"updated: {names or 'no page'}")


def outdated_pages(results: Mapping[str, "Results"]) -> dict[Path, str]:
    """Returns the new text of all pages whose numbers are not up to date."""
    names = ("README.md", "README.zh.md", "experiments/README.md")
    outdated = {}
    for path in (*(ROOT / name for name in names), *sorted((ROOT / "docs").rglob("*.md"))):
        text = path.read_text("utf-8")
        try:
            rendered = render_page(text, results)
        except (ValueError, LookupError, AttributeError) as error:
            raise ValueError(f"{path.relative_to(ROOT)}: cannot render {error}.") from None
        if rendered != text:
            outdated[path] = rendered
    return outdated


class Results:
    """Rows of a results file, selected by their fields.

    Args:
        rows: the rows.

    Example:
        >>> results = Results([{"seed": 1, "exact_match": 0.5}])
        >>> ResultsFormatter().format("{reversal[seed=1][exact_match]:.1%}", reversal=results)
        '50.0%'
    """

    def __init__(self, rows: list[dict]):
        self.rows = rows

    def select(self, fields: str) -> list[dict]:
        """Returns the rows in which all fields have the values, as in "seed=1,method=beam"."""
        terms = [term.split("=", 1) for term in _TERM_END.split(fields)] if fields else []
        rows = [
            row
            for row in self.rows
            if all(name in row and str(row[name]) == value for name, value in terms)
        ]
        if not rows:
            raise ValueError(f"rows with {fields}: there are none")
        return rows

    def __getitem__(self, fields: str) -> dict:
        row, *further_rows = self.select(fields)
        if further_rows:
            raise ValueError(f"the row with {fields}: there are {1 + len(further_rows)}")
        return row


class ResultsFormatter(string.Formatter):
    """Formats options, missing numbers, ranges and p-values."""

    def get_field(self, field_name: str, args, kwargs) -> tuple[Any, Any]:
        """Returns None for a field of None, a metric that was not measured."""
        try:
            return super().get_field(field_name, args, kwargs)
        except TypeError as error:
            if "NoneType" in str(error):
                return None, field_name
            raise

    def format_field(self, value: Any, format_spec: str) -> str:
        """Formats a number, a text or a metric."""
        if value is None:
            return ""
        if isinstance(value, Mapping):
            return self._format_metric(value, format_spec)
        if isinstance(value, list):
            return ", ".join(self.format_field(element, format_spec) for element in value)
        if format_spec == "code":
            return f"`{value}`" if value else "none"
        if format_spec.endswith("%-"):
            return format(value, format_spec[:-1]).replace("%", "")
        return super().format_field(value, format_spec)

    def _format_metric(self, metric: Mapping[str, Any], format_spec: str) -> str:
        if format_spec == "p":
            if metric.get("p") is None:
                return ""
            return f"{metric['p']:.2g}" if metric["direction"] else f"*{metric['p']:.2g}*"
        value, *limits = (
            self.format_field(metric.get(name), format_spec) for name in ("value", "low", "high")
        )
        return f"{value} ({' to '.join(limits).replace('%', '')})" if all(limits) else value


def load_results(directory: Path) -> dict[str, Results]:
    """Returns all results files by name."""
    return {
        path.stem: Results(json.loads(path.read_text("utf-8"))["rows"])
        for path in sorted(directory.glob("*.json"))
    }


def render_page(text: str, results: Mapping[str, Results]) -> str:
    """Returns a page with the numbers of the results."""
    formatter = ResultsFormatter()

    def render_table(match: re.Match) -> str:
        selections = [results]
        if match["source"]:
            name, fields = _SOURCE.fullmatch(match["source"]).groups()
            selections = results[name].select(fields or "")
        rows = [formatter.vformat(match["template"], (), fields) for fields in selections]
        # A metric without a p-value has no brackets.
        return match["head"] + "".join(rows).replace(" ()", "").replace("|  ", "| ")

    def render_inline(match: re.Match) -> str:
        return match["head"] + formatter.vformat(match["template"], (), results)

    text, num_tables = _TABLE.subn(render_table, text)
    text, num_inline = _INLINE.subn(render_inline, text)
    if (num_tables, num_inline) != (text.count("<!-- table"), text.count("<!-- {")):
        raise ValueError("a comment: its table or its end is missing, or it starts a line")
    return text


if __name__ == "__main__":
    console.run_main(main)
