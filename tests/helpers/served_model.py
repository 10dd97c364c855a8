"""Calls an exported model where only TensorFlow is installed.

python served_model.py EXPORT_DIR CALLS RESULTS

CALLS is a pickled list of (signature, inputs). RESULTS receives the pickled outputs of each call as
plain lists, which any Python can read.
"""

import os
import pickle
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry


def main(export_dir, calls_path, results_path):
    saved_model = tf.saved_model.load(export_dir)
    calls = pickle.loads(Path(calls_path).read_bytes())
    results = {
        "outputs": [call_signature(saved_model, signature, inputs) for signature, inputs in calls],
        "tensorflow": tf.__version__,
        "unknown_ops": unknown_ops(export_dir),
        "modules": sorted(name for name, module in sys.modules.items() if module is not None),
    }
    Path(results_path).write_bytes(pickle.dumps(results, protocol=4))


def call_signature(saved_model, name, inputs):
    """Returns the outputs of a signature as lists. Missing inputs get their default values."""
    signature = saved_model.signatures[name]
    specs = signature.structured_input_signature[1]
    tensors = {
        name: tf.constant(inputs.get(name, default_input(spec)), spec.dtype)
        for name, spec in specs.items()
    }
    return {name: tensor.numpy().tolist() for name, tensor in signature(**tensors).items()}


def default_input(spec):
    if spec.dtype == tf.string:
        return [""] if spec.shape.rank else ""
    return -1


def unknown_ops(export_dir):
    """Returns the operations in functions of the model that this TensorFlow does not have."""
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString(Path(export_dir, "saved_model.pb").read_bytes())
    unknown = set()
    for graph in (meta_graph.graph_def for meta_graph in saved.meta_graphs):
        functions = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        assert len(nodes) > 1000
        unknown |= {n.op for n in nodes if n.op not in functions and not op_def_registry.get(n.op)}
    return sorted(unknown)


if __name__ == "__main__":
    main(*sys.argv[1:])
