"""Asks an exported model, where there is nothing but TensorFlow.

python served_model.py EXPORT_DIR CALLS ANSWERS

CALLS is a pickled list of (signature, inputs), ANSWERS will be one of their outputs, in plain lists
that any Python reads.
"""

import os
import pickle
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry


def main(export_dir, calls_path, output_path):
    saved_model = tf.saved_model.load(export_dir)
    outputs = [
        call_signature(saved_model, signature, inputs)
        for signature, inputs in pickle.loads(Path(calls_path).read_bytes())
    ]
    result = {
        "outputs": outputs,
        "tensorflow": tf.__version__,
        "foreign_ops": foreign_ops(export_dir),
        "imported": sorted(name for name, module in sys.modules.items() if module is not None),
    }
    Path(output_path).write_bytes(pickle.dumps(result, protocol=4))


def call_signature(saved_model, name, inputs):
    """The outputs of a signature as lists; inputs that are not given are unset ones."""
    signature = saved_model.signatures[name]
    specs = signature.structured_input_signature[1]
    tensors = {
        name: tf.constant(inputs.get(name, default_value(spec)), spec.dtype)
        for name, spec in specs.items()
    }
    return {name: tensor.numpy().tolist() for name, tensor in signature(**tensors).items()}


def default_value(spec):
    if spec.dtype == tf.string:
        return [""] if spec.shape.rank else ""
    return -1


def foreign_ops(export_dir):
    """Operations in any function of the model that this TensorFlow does not bring itself."""
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString(Path(export_dir, "saved_model.pb").read_bytes())
    op_names = set()
    for graph in (meta_graph.graph_def for meta_graph in saved_model.meta_graphs):
        functions = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        assert len(nodes) > 1000
        op_names |= {n.op for n in nodes if n.op not in functions and not op_def_registry.get(n.op)}
    return sorted(op_names)


if __name__ == "__main__":
    main(*sys.argv[1:])
