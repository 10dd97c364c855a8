"""The model reproduces outputs of TensorFlow Addons, with any TensorFlow."""

import numpy as np
import pytest

from helpers.reference_models import requires_tfa
from helpers.tfa_outputs import (
    ATTENTION,
    EOS_ID,
    FILE,
    package_outputs,
    random_weights,
    read_outputs,
    tfa_outputs,
)


def assert_equal(numbers, expected):
    assert numbers.keys() == expected.keys()
    for name, array in numbers.items():
        if name.endswith("ids"):
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
        else:
            np.testing.assert_allclose(array, expected[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("attention", ATTENTION)
def test_the_model_reproduces_the_outputs(attention):
    weights, expected = read_outputs(attention)
    assert_equal(package_outputs(attention, weights), expected)


@requires_tfa
@pytest.mark.parametrize("attention", ATTENTION)
def test_the_outputs_are_those_of_tensorflow_addons(attention):
    weights, expected = read_outputs(attention)
    assert_equal(random_weights(attention), weights)
    assert_equal(tfa_outputs(attention, weights), expected)


def test_the_file_is_small_and_some_of_its_replies_are_truncated():
    assert FILE.stat().st_size < 200_000
    for name in ("greedy_ids", "beam_ids"):
        all_ids = np.concatenate([read_outputs(attention)[1][name] for attention in ATTENTION])
        num_ended = np.sum(np.any(all_ids == EOS_ID, axis=1))
        assert len(all_ids) / 4 < num_ended < len(all_ids)
