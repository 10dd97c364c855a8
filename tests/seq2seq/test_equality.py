"""The drop-in has the outputs, states, alignments and gradients of `tfa.seq2seq`."""

import functools

import numpy as np
import pytest

from attention_seq2seq import seq2seq
from helpers.reference_models import requires_tfa, tfa
from helpers.seq2seq_cases import (
    FILE,
    case_outputs,
    largest_difference,
    make_cases,
    read_outputs,
)

CASES = make_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
# Cases whose compiled version is quick to trace, one of each kind of decoder.
COMPILED_CASES = [case for case in CASES if case.name in ("default", "decoding=greedy")]

stored_outputs = functools.cache(read_outputs)


def assert_close(outputs, expected, tolerance, name):
    difference = largest_difference(outputs, expected)
    print(f"{name}: largest difference {difference:.2g}")
    assert difference <= tolerance


@each_case
def test_outputs_are_those_of_tensorflow_addons(case):
    assert_close(case_outputs(seq2seq, case), stored_outputs()[case.name], 1e-5, case.name)


@pytest.mark.parametrize("case", COMPILED_CASES, ids=[case.name for case in COMPILED_CASES])
def test_outputs_in_a_graph_are_those_of_tensorflow_addons(case):
    expected = stored_outputs()[case.name]
    assert_close(case_outputs(seq2seq, case, compiled=True), expected, 1e-5, case.name)


@requires_tfa
@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "graph"])
@each_case
def test_outputs_equal_those_of_tensorflow_addons_in_the_same_process(case, compiled):
    # In a graph, TensorFlow Addons fails in a beam search of stacked cells.
    has_graph = not (case.cell == "stacked" and case.decoding == "beam")
    expected = case_outputs(tfa.seq2seq, case, compiled and has_graph)
    assert_close(case_outputs(seq2seq, case, compiled), expected, 1e-6, case.name)
    if not compiled:
        assert_close(expected, stored_outputs()[case.name], 1e-6, case.name)


def test_the_cases_differ_and_have_what_they_are_named_for():
    assert FILE.stat().st_size < 200_000
    outputs = stored_outputs()
    assert list(outputs) == [case.name for case in CASES]
    for case in CASES:
        arrays = outputs[case.name]
        if case.decoding != "beam" and "gradient of memory/0" in arrays:
            num_gradients = sum(name.startswith("gradient of") for name in arrays)
            assert num_gradients >= 5
            assert np.abs(arrays["gradient of memory/0"]).max() > 1e-3
        if case.decoding == "beam":
            finished = arrays["beams/1"]
            assert finished.dtype == bool
    finished = [outputs[case.name]["beams/1"] for case in CASES if case.decoding == "beam"]
    assert any(np.any(array) for array in finished)
    assert any(not np.all(array) for array in finished)
