"""Outputs of the drop-in or of TensorFlow Addons.

    PYTHONPATH=tests python -m helpers.seq2seq_outputs

writes the outputs of TensorFlow Addons to `tests/fixtures/seq2seq_outputs.npz`, with TensorFlow
2.15.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from helpers.seq2seq_cases import Case, make_cases
from helpers.seq2seq_model import Model

FILE = Path(__file__).parents[1] / "fixtures" / "seq2seq_outputs.npz"


def case_outputs(seq2seq: Any, case: Case, compiled: bool = False) -> dict[str, np.ndarray]:
    """Runs a case, eagerly or in a `tf.function`, and returns its outputs by name.

    Args:
        seq2seq: `tfa.seq2seq` or the drop-in.
        case: the case.
        compiled: whether to run in a `tf.function`.
    """
    tf.random.set_seed(1)
    model = Model(seq2seq, case)
    tf.random.set_seed(1)
    return as_arrays(tf.function(model.run)() if compiled else model.run())


def function_outputs(seq2seq: Any) -> dict[str, np.ndarray]:
    """Returns results of the functions and the loss for random arguments, by name.

    Args:
        seq2seq: `tfa.seq2seq` or the drop-in.
    """
    rng = np.random.default_rng(0)
    outputs = {}
    logits = rng.normal(size=[3, 4, 5]).astype(np.float32)
    ids = rng.integers(0, 5, [3, 4])
    probabilities = tf.nn.softmax(rng.normal(size=[3, 4, 5]).astype(np.float32))
    weights = np.array([[1, 1, 0.5, 0], [1, 0, 0, 0], [2, 1, 1, 1]], np.float32)
    for flags in itertools.product([False, True], repeat=4):
        names = ("average_across_timesteps", "average_across_batch")
        names += ("sum_over_timesteps", "sum_over_batch")
        if (flags[0] or flags[1]) and (flags[2] or flags[3]):
            continue
        reductions = dict(zip(names, flags))
        for kind, targets in (("ids", ids), ("probabilities", probabilities)):
            loss = seq2seq.sequence_loss(logits, targets, weights, **reductions)
            outputs[f"loss of {kind} {flags}"] = loss
            loss = seq2seq.SequenceLoss(**reductions)(targets, logits, weights)
            outputs[f"loss object of {kind} {flags}"] = loss
    outputs["loss function"] = seq2seq.sequence_loss(
        logits, ids, weights, softmax_loss_function=lambda labels, logits: logits[:, 1]
    )
    for index in range(6):
        time, batch, beams = rng.integers(1, 5, 3)
        arguments = {
            "step_ids": rng.integers(0, 4, [time, batch, beams], np.int32),
            "parent_ids": rng.integers(0, beams, [time, batch, beams], np.int32),
            "max_sequence_lengths": rng.integers(0, time + 2, batch, np.int32),
            "end_token": np.int32(3),
        }
        outputs[f"tree {index}"] = seq2seq.gather_tree(**arguments)
        values = rng.normal(size=[time, batch * beams, 2]).astype(np.float32)
        lengths = rng.integers(0, time + 1, [batch, beams], np.int32)
        outputs[f"array {index}"] = seq2seq.gather_tree_from_array(
            tf.constant(values), tf.constant(arguments["parent_ids"]), tf.constant(lengths)
        )
    stop = rng.uniform(size=[3, 6]).astype(np.float32)
    previous = tf.nn.softmax(rng.normal(size=[3, 6]).astype(np.float32))
    for mode in ("recursive", "parallel"):
        outputs[f"monotonic {mode}"] = seq2seq.monotonic_attention(stop, previous, mode)
    one_hot = seq2seq.hardmax(previous)
    outputs["hardmax"] = one_hot
    outputs["monotonic hard"] = seq2seq.monotonic_attention(np.round(stop), one_hot, "hard")
    outputs["cumprod"] = seq2seq.safe_cumprod(tf.constant(stop), axis=1, reverse=True)
    outputs["tiled"] = seq2seq.tile_batch((tf.constant(stop), tf.constant(ids)), 2)
    mechanism = seq2seq.LuongAttention(5)
    memory = tf.constant(rng.normal(size=[3, 4, 2]).astype(np.float32))
    mask = tf.constant(rng.uniform(size=[3, 4]) < 0.5) | tf.eye(3, 4, dtype=tf.bool)
    mechanism(memory, mask=mask, setup_memory=True)
    mechanism.memory_layer.set_weights([rng.normal(size=[2, 5])])
    outputs["masked memory"] = mechanism(memory, mask=mask, setup_memory=True)
    query = tf.constant(rng.normal(size=[3, 5]).astype(np.float32))
    outputs["masked attention"] = mechanism([query, tf.zeros([3, 4])])[0]
    return as_arrays(outputs)


def as_arrays(outputs: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns nested outputs as arrays by name and index."""
    return {
        f"{name}/{index}": np.asarray(value)
        for name, values in outputs.items()
        for index, value in enumerate(tf.nest.flatten(values))
    }


def largest_difference(outputs: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """Returns the largest difference of floats, relative to numbers above 1.

    Raises:
        AssertionError: other names, dtypes or shapes, or other ids.
    """
    assert outputs.keys() == expected.keys()
    differences = [0.0]
    for name, array in outputs.items():
        assert array.dtype == expected[name].dtype, name
        assert array.shape == expected[name].shape, name
        if not np.issubdtype(array.dtype, np.floating):
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
            continue
        is_equal = array == expected[name]  # Infinities included.
        with np.errstate(invalid="ignore"):
            distance = np.abs(array - expected[name]) / np.maximum(1, np.abs(expected[name]))
        differences.append(np.max(np.where(is_equal, 0, distance), initial=0))
    return float(np.max(differences))


def write_outputs(outputs: dict[str, dict[str, np.ndarray]]) -> None:
    """Writes the outputs of each case to the file, as one array for each dtype.

    A separate array for each output would make the file twice as large.
    """
    index, arrays = [], {}
    for case_name, named in outputs.items():
        for name, array in named.items():
            index.append([case_name, name, array.dtype.name, array.shape])
            arrays.setdefault(array.dtype.name, []).append(array.ravel())
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        FILE,
        index=np.array(json.dumps(index)),
        **{dtype: np.concatenate(flat) for dtype, flat in arrays.items()},
    )


def read_outputs() -> dict[str, dict[str, np.ndarray]]:
    """Returns the outputs of TensorFlow Addons for each case from the file."""
    outputs: dict[str, dict[str, np.ndarray]] = {}
    with np.load(FILE) as archive:
        arrays = dict(archive)
    for case_name, name, dtype, shape in json.loads(str(arrays.pop("index"))):
        size = int(np.prod(shape))
        array, arrays[dtype] = np.split(arrays[dtype], [size])
        outputs.setdefault(case_name, {})[name] = array.reshape(shape)
    return outputs


if __name__ == "__main__":
    from helpers.reference_models import tfa

    outputs = {case.name: case_outputs(tfa.seq2seq, case) for case in make_cases()}
    write_outputs(outputs | {"functions": function_outputs(tfa.seq2seq)})
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
