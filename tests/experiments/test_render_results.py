"""Pages have the numbers of the files of results."""

import copy
import json

import pytest

from experiments import render_results
from experiments.render_results import Results, load_results, outdated_pages, render_page
from experiments.result_files import RESULTS_DIR
from helpers.scripts import run_script

RESULTS = load_results(RESULTS_DIR)
# Numbers in the brackets of templates.
SELECTORS = ("seed", "batch", "units", "threads", "prompts", "pairs", "workers")
PAGE = """Of the strings, <!-- {reversal[seed=1][exact]:.1%} -->0%<!-- end --> are correct.

<!-- table: reversal[task=a, b]
| {options:code} | {exact:.1%} | {bleu:.1%-} ({bleu:p}) | {rates:.1f} |
-->

| options | exact | BLEU | rates |
|---|---:|---:|---:|
| old | row |

<!-- table
| both | {reversal[seed=1][exact]:.0%} and {reversal[seed=2][exact]:.0%} |
-->

| seeds | exact |
|---|---:|
"""
ROWS = [
    {
        "seed": 1,
        "task": "a, b",
        "options": "",
        "exact": 0.996,
        "bleu": {"value": 0.339, "low": 0.338, "high": 0.34},
        "rates": [1.04, 2.06],
    },
    {
        "seed": 2,
        "task": "a, b",
        "options": "--seed=2",
        "exact": 0.5,
        "bleu": {"value": 0.3, "low": None, "high": None, "p": 0.18, "direction": ""},
        "rates": None,
    },
    {"seed": 3, "task": "c"},
]
RENDERED = """Of the strings, <!-- {reversal[seed=1][exact]:.1%} -->99.6%<!-- end --> are correct.

<!-- table: reversal[task=a, b]
| {options:code} | {exact:.1%} | {bleu:.1%-} ({bleu:p}) | {rates:.1f} |
-->

| options | exact | BLEU | rates |
|---|---:|---:|---:|
| none | 99.6% | 33.9 (33.8 to 34.0) | 1.0, 2.1 |
| `--seed=2` | 50.0% | 30.0 (*0.18*) | |

<!-- table
| both | {reversal[seed=1][exact]:.0%} and {reversal[seed=2][exact]:.0%} |
-->

| seeds | exact |
|---|---:|
| both | 100% and 50% |
"""


def test_tables_and_sentences_are_rendered():
    results = {"reversal": Results(ROWS)}
    assert render_page(PAGE, results) == RENDERED
    assert render_page(RENDERED, results) == RENDERED


def test_a_significant_p_value_is_not_in_italics():
    text = " <!-- {a[x=1][bleu]:p} --><!-- end -->"
    rows = [{"x": 1, "bleu": {"value": 0.3, "p": 0.0005, "direction": "lower"}}]
    assert "-->0.0005<!--" in render_page(text, {"a": Results(rows)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" <!-- {reversal[seed=4][exact]} --><!-- end -->", "rows with seed=4: there are none"),
        (" <!-- {reversal[task=a, b][exact]} --><!-- end -->", "there are 2"),
        (" <!-- {reversal[seed=1][rank]} --><!-- end -->", "rank"),
        (" <!-- {missing[seed=1][rank]} --><!-- end -->", "missing"),
        (" <!-- {reversal[seed=1][exact]} -->", "its end is missing"),
        ("\n<!-- {reversal[seed=1][exact]} --><!-- end -->", "starts a line"),
        ("<!-- table: reversal\n| {exact} |\n-->\n| title |\n|---|\n", "its table"),
    ],
)
def test_references_to_missing_results_fail(text, message):
    with pytest.raises((ValueError, LookupError), match=message):
        render_page(text, {"reversal": Results(ROWS)})


def test_pages_are_up_to_date():
    pages = [path.relative_to(render_results.ROOT).as_posix() for path in outdated_pages(RESULTS)]
    assert not pages, "Run python -m experiments.render_results."


@pytest.mark.parametrize("name", RESULTS)
def test_a_changed_number_changes_a_page(name):
    assert outdated_pages(RESULTS | {name: Results(changed_numbers(RESULTS[name].rows))})


@pytest.mark.parametrize(
    ("name", "fields", "column", "pages"),
    [
        (
            "reversal",
            "options=--attention=none",
            "exact_match",
            ["README.md", "README.zh.md", "experiments/README.md", "docs/results/reversal.md"],
        ),
        ("decoding", "decoding=greedy,batch=1", "ms", ["docs/performance.md"]),
        (
            "corpora",
            "corpus=lccc",
            "pairs",
            ["docs/evaluation.md", "docs/results/response_diversity.md"],
        ),
    ],
)
def test_a_number_is_rendered_on_all_pages_that_have_it(name, fields, column, pages):
    results = copy.deepcopy(RESULTS)
    results[name][fields][column] *= 2
    outdated = [
        path.relative_to(render_results.ROOT).as_posix() for path in outdated_pages(results)
    ]
    assert sorted(outdated) == sorted(pages)


def changed_numbers(value):
    """Returns the value with other numbers; fields that select rows are kept."""
    match value:
        case bool():
            return value
        case int() | float():
            return 2 * value + 7
        case list():
            return [changed_numbers(nested) for nested in value]
        case dict():
            return {
                key: nested if key in SELECTORS else changed_numbers(nested)
                for key, nested in value.items()
            }
    return value


def test_check_names_the_outdated_pages(tmp_path, monkeypatch):
    result = run_script("render_results", "--check")
    assert (result.returncode, result.stderr) == (0, "")
    outdated = {render_results.ROOT / "docs" / "performance.md": ""}
    monkeypatch.setattr(render_results, "outdated_pages", lambda results: outdated)
    monkeypatch.setattr(render_results.flags.FLAGS["check"], "_value", True)
    monkeypatch.setattr(render_results, "CHECK", type("Flag", (), {"value": True}))
    with pytest.raises(SystemExit, match=r"Not up to date: docs/performance\.md\. Run python -m"):
        render_results.main(None)


def test_files_of_results_have_commands_without_paths_of_a_machine():
    for path in RESULTS_DIR.glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        assert content["commands"] and content["rows"], path
        assert not [command for command in content["commands"] if "=/" in command], path
