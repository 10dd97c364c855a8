"""The drop-in has the outputs, states, alignments and gradients of `tfa.seq2seq`."""

import functools

import numpy as np
import pytest

from attention_seq2seq import seq2seq
from helpers.reference_models import requires_tfa, tfa
from helpers.seq2seq_cases import make_cases
from helpers.seq2seq_outputs import (
    FILE,
    case_outputs,
    function_outputs,
    largest_difference,
    read_outputs,
)

CASES = make_cases()


def parametrize_cases(is_quick):
    """Parametrizes a test by all cases. Those that are not quick are slow tests."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case, id=case.name, marks=[] if is_quick(index, case) else [pytest.mark.slow]
            )
            for index, case in enumerate(CASES)
        ],
    )


stored_outputs = functools.cache(read_outputs)


def assert_close(outputs, expected, tolerance, name):
    difference = largest_difference(outputs, expected)
    print(f"{name}: largest difference {difference:.2g}")
    assert difference <= tolerance


# Every third case differs from its neighbors in most respects.
@parametrize_cases(lambda index, case: index % 3 == 0)
def test_outputs_are_those_of_tensorflow_addons(case):
    assert_close(case_outputs(seq2seq, case), stored_outputs()[case.name], 1e-5, case.name)


@parametrize_cases(lambda index, case: case.name == "decoding=greedy")
def test_outputs_in_a_graph_are_those_of_tensorflow_addons(case):
    expected = stored_outputs()[case.name]
    assert_close(case_outputs(seq2seq, case, compiled=True), expected, 1e-5, case.name)


@requires_tfa
@parametrize_cases(lambda index, case: False)
def test_outputs_equal_those_of_tensorflow_addons_in_the_same_process(case):
    expected = case_outputs(tfa.seq2seq, case)
    assert_close(expected, stored_outputs()[case.name], 1e-6, case.name)
    assert_close(case_outputs(seq2seq, case), expected, 1e-6, case.name)
    # TensorFlow Addons fails in a graph with a beam search of stacked cells. Outputs in a graph
    # may differ from eager ones by more than the tolerance.
    if not (case.cell == "stacked" and case.decoding == "beam"):
        expected = case_outputs(tfa.seq2seq, case, compiled=True)
    assert_close(case_outputs(seq2seq, case, compiled=True), expected, 1e-6, case.name)


def test_functions_have_the_results_of_tensorflow_addons():
    assert_close(function_outputs(seq2seq), stored_outputs()["functions"], 1e-5, "functions")


@requires_tfa
def test_the_stored_results_of_functions_are_those_of_tensorflow_addons():
    assert_close(function_outputs(tfa.seq2seq), stored_outputs()["functions"], 1e-6, "functions")


def test_the_cases_have_gradients_and_hypotheses_that_end():
    assert FILE.stat().st_size < 200_000
    outputs = stored_outputs()
    assert list(outputs) == [case.name for case in CASES] + ["functions"]
    for case in CASES:
        arrays = outputs[case.name]
        if case.decoding in ("training", "beam"):
            assert sum(name.startswith("gradient of") for name in arrays) >= 5
            assert np.abs(arrays["gradient of memory/0"]).max() > 1e-3
    # Whether each final beam has ended.
    finished = [outputs[case.name]["beams/1"] for case in CASES if case.decoding == "beam"]
    assert any(np.any(array) for array in finished)
    assert any(not np.all(array) for array in finished)
