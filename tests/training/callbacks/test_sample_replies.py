"""Metrics of sample replies, and checks of sample prompts."""

import numpy as np
import pytest

from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.sample_replies import SampleReply, sample_metrics
from helpers.truncated_training import PAIRS, make_config


def test_metrics_of_sample_replies():
    uniform, one_hot = np.full([1, 2], 0.5), np.array([[1.0, 0.0]])
    replies = [("好 的", uniform), ("好 的", one_hot), ("好 吃", uniform), ("不", one_hot)]
    samples = [
        SampleReply(["吃", "什么"], reply.split(), reply, weights, ["_"])
        for reply, weights in replies
    ]
    assert sample_metrics(samples) == {
        "sample_most_common_ratio": 1 / 2,
        "sample_distinct_1": 4 / 7,
        "sample_distinct_2": 2 / 3,
        "attention_entropy": pytest.approx(1 / 2),
    }


def test_overlong_sample_prompts_are_refused_before_files_are_written(tmp_path):
    overlong_prompts = ["吃 " * 99]
    with pytest.raises(ValueError, match="All 1 sample prompts have more than"):
        train(PAIRS, tmp_path, make_config(), progress=False, sample_prompts=overlong_prompts)
    assert not [path for path in tmp_path.rglob("*") if path.stat().st_size]
