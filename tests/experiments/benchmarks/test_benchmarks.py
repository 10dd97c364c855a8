"""The benchmarks print their tables. The numbers are meaningful on an idle machine only."""

import re

import pytest

from helpers.prepared_corpora import write_numbered_corpus
from helpers.scripts import run_script

pytestmark = pytest.mark.slow

SMALL = "--units=8", "--vocabulary_size=50"


def test_training_prints_rates_of_all_implementations(tmp_path):
    result = run_script(
        "benchmarks",
        *("training", f"--data={write_numbered_corpus(tmp_path / 'pairs.tsv')}", *SMALL),
        *("--steps=1,3", "--repeats=1"),
    )
    assert result.returncode == 0, result.stderr
    rows = re.findall(
        r"^(tfa.seq2seq, tutorial|ours|ours, bfloat16) +([\d,]+) ", result.stdout, re.M
    )
    assert [name for name, _ in rows] == ["tfa.seq2seq, tutorial", "ours", "ours, bfloat16"]
    assert all(int(rate.replace(",", "")) > 0 for _, rate in rows)


def test_decoding_prints_times_of_both_implementations():
    result = run_script("benchmarks", "decoding", *SMALL, "--length=3", "--repeats=1")
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("greedy", "greedy, explained", "beam 5"):
        assert (
            len(re.findall(rf"^{name} +(?:1|64) +[\d.]+ +[\d.]+ +[\d.]+$", result.stdout, re.M))
            == 2
        )


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
