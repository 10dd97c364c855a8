"""The benchmarks print tables and write rows. Numbers need an idle machine."""

import re
import sys

import pytest

from helpers.prepared_corpora import write_numbered_corpus
from helpers.reference_models import requires_tfa
from helpers.result_rows import assert_fields_are_complete
from helpers.scripts import run_script

pytestmark = pytest.mark.slow

SMALL = "--units=8", "--vocabulary_size=50"


@requires_tfa
def test_training_prints_rates_of_all_implementations(tmp_path):
    result = run_script(
        "benchmarks",
        *("training", f"--data={write_numbered_corpus(tmp_path / 'pairs.tsv')}", *SMALL),
        *("--steps=1,3", "--repeats=1", f"--results_json={tmp_path / 'results.json'}"),
    )
    assert result.returncode == 0, result.stderr
    rows = re.findall(
        r"^(tfa.seq2seq, tutorials|this project, (?:bfloat16|float32)) +([\d,]+) ",
        result.stdout,
        re.M,
    )
    assert [name for name, _ in rows] == [
        "tfa.seq2seq, tutorials",
        "this project, float32",
        "this project, bfloat16",
    ]
    assert all(int(rate.replace(",", "")) > 0 for _, rate in rows)
    json_rows = assert_fields_are_complete(tmp_path / "results.json", "training")
    assert [row["system"] for row in json_rows] == [name for name, _ in rows]


@requires_tfa
def test_decoding_prints_times_of_both_implementations():
    result = run_script("benchmarks", "decoding", *SMALL, "--length=3", "--repeats=1")
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("greedy", "greedy, explained", "beam 5"):
        assert (
            len(re.findall(rf"^{name} +(?:1|64) +[\d.]+ +[\d.]+ +[\d.]+$", result.stdout, re.M))
            == 2
        )


@requires_tfa
def test_ops_prints_times_of_all_parts():
    result = run_script("benchmarks", "ops", *SMALL, "--repeats=1")
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("encoder", "decoder", "logits and loss", "clipping", "update", "total"):
        assert re.search(rf"^{name} +[\d.]+ +[\d.]+ +[\d.]+ ", result.stdout, re.M)


def test_scaling_prints_measured_and_estimated_rates(tmp_path):
    corpus = write_numbered_corpus(tmp_path / "pairs.tsv", 12_000)
    result = run_script("benchmarks", "scaling", f"--data={corpus}", "--units=8")
    assert (result.returncode, result.stderr) == (0, "")
    rows = re.findall(
        r"^ +([12]) +(64|128) +[\d,]+ +[\d.]+ +\d+ +[\d.]+ +[\d.]+%$", result.stdout, re.M
    )
    assert rows == [("1", "64"), ("1", "128"), ("2", "64"), ("2", "128")]
    assert len(re.findall(r"^ +(?:8,000|100,000)  as (?:rows|tables) ", result.stdout, re.M)) == 4


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        pytest.param("decoding", ["--length=3", "--repeats=1"], marks=requires_tfa),
        pytest.param("ops", ["--repeats=1"], marks=requires_tfa),
        ("vocabulary_size", ["--repeats=1"]),
        ("input_pipeline", ["--data={corpus}"]),
        ("preprocessing", ["--data={corpus}", "--num_pairs=3000"]),
        ("scaling", ["--data={corpus}"]),
        ("serving", ["--length=3"]),
        ("latency", ["--model_dir={model}"]),
        ("versions", [f"--second_python={sys.executable}", "--repeats=1"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_have_the_fields_that_pages_use(name, flags, tmp_path, meals_dir):
    corpus, path = tmp_path / "pairs.tsv", tmp_path / "results.json"
    write_numbered_corpus(corpus, 12_000)
    flags = [flag.format(corpus=corpus, model=meals_dir) for flag in flags]
    result = run_script("benchmarks", name, *flags, *SMALL, f"--results_json={path}")
    assert result.returncode == 0, result.stderr
    # Ranges over several runs are edited by hand.
    assert_fields_are_complete(path, name, ignored=("four_runs", "batching_ratio"))
