"""Corpora, logs and workers of the training benchmarks."""

import json
import sys

import pytest

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from experiments.benchmarks.baselines import common, joeynmt, opennmt
from experiments.benchmarks.training import write_corpora
from experiments.benchmarks.worker import worker_command, worker_environment
from helpers.prepared_corpora import write_numbered_corpus
from helpers.scripts import run_script


def test_invalid_arguments_fail_with_a_reason(tmp_path):
    data = f"--data={write_numbered_corpus(tmp_path / 'pairs.tsv')}"
    for arguments, message in [
        (("training",), "training needs corpus files. Set --data."),
        (("training", data, "--steps=5,5"), "the first must be from 1 to 4"),
        (("training", data, "--steps=a,b"), "expected two numbers, as in 100,400"),
        (("training", data, "--baselines_dir=x", "--steps=50,99"), "both must be multiples of 50"),
        (("time_to_quality", data), "time_to_quality needs OpenNMT-tf. Set --baselines_dir."),
    ]:
        result = run_script("benchmarks", *arguments)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert message in result.stderr


def test_all_systems_have_the_same_vocabulary_and_tokens(tmp_path):
    path = tmp_path / "pairs.tsv"
    lines = [f"吃什么{i}，ＯＫ？\tHello{i % 50}！\n" for i in range(1500)]
    path.write_text("".join(lines), encoding="utf-8")
    write_corpora([str(path)], 90, tmp_path)
    training, _ = read_pairs([str(tmp_path / "train.tsv")])
    tokenizer = Seq2SeqTokenizer.build(
        training, TextConfig("whitespace", "whitespace", vocabulary_size=90)
    )
    tokens = tokenizer.target.vocabulary.tokens(range(5, len(tokenizer.target.vocabulary)))
    for name, num_special in (("opennmt", 3), ("joey", 4)):
        lines = (tmp_path / f"vocabulary.{name}").read_text(encoding="utf-8").splitlines()
        assert lines[num_special:] == tokens
    for side, column in (("src", 0), ("tgt", 1)):
        lines = (tmp_path / f"dev.{side}").read_text(encoding="utf-8").splitlines()
        dev, _ = read_pairs([str(tmp_path / "dev.tsv")])
        assert [tokenizer.target.tokenize(pair[column]) for pair in dev] == [
            line.split() for line in lines
        ]


@pytest.mark.slow
def test_tokens_are_counted_across_epochs(tmp_path):
    write_corpora([str(write_numbered_corpus(tmp_path / "pairs.tsv"))], 50, tmp_path)
    lengths = [len(pair.reply.split()) + 1 for pair in read_pairs([str(tmp_path / "train.tsv")])[0]]
    flags = (
        f"--corpus_dir={tmp_path}",
        "--units=4",
        "--vocabulary_size=50",
        "--first_step=3",
        "--last_step=8",
    )
    command = worker_command("training_worker", *flags)
    # 300 pairs in five batches an epoch: two batches of the first and three of the second epoch.
    log, _ = common.run_process(command, tmp_path, environment=worker_environment())
    result = json.loads(log.splitlines()[-1])
    num_tokens = result["words"] * result["seconds"] * 5
    assert 4 * 64 * min(lengths) < num_tokens < 5 * 64 * max(lengths)


def test_logs_of_opennmt_and_joeynmt_are_parsed():
    line = "INFO: Step = 150 ; steps/s = 4.00, tokens/s = 9000 (5000 source, 4000 target) ; L"
    rates = opennmt.parse_rates(f"{line.replace('150', '50')}\n{line}", first_step=100)
    assert rates == [(4.0, 4000)]
    joeynmt_line = (
        "2026-01-01 23:59:50,500 - INFO - x - Epoch 1, Step: {}, Batch Loss: 5.0, Batch Acc: 0.1, "
        "Tokens per Sec: {}, Lr: 0.001"
    )
    lines = [
        joeynmt_line.format(100, 7),
        joeynmt_line.replace("50,500", "55,500").format(150, 1600),
    ]
    assert joeynmt.parse_rates("\n".join(lines), first_step=100) == [(10.0, 1600)]
    with pytest.raises(ValueError, match="Joey NMT stopped early"):
        common.average_speed("Joey NMT", "", [(10.0, 1600)], expected=2, megabytes=1.0)


def test_the_log_of_a_finished_process_is_returned(tmp_path):
    command = [sys.executable, "-c", "print('out of luck')"]
    log, megabytes = common.run_process(command, tmp_path, seconds=60)
    assert log == "out of luck\n"
    assert 1 < megabytes < 10_000
