"""Warmup requests, which TensorFlow Serving sends to a model when it loads the model.

The server reads them from assets.extra/tf_serving_warmup_requests. The file has records of
`PredictionLog`, a message of TensorFlow Serving (Apache-2.0). Its four nested fields are encoded
here, so its package is not needed.
"""

from pathlib import Path

import tensorflow as tf

WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"

# Field numbers in the messages of TensorFlow Serving.
_PREDICT_LOG = 6
_REQUEST = 1
_MODEL_SPEC, _INPUTS = 1, 2
_SIGNATURE_NAME = 3
_KEY, _VALUE = 1, 2


def write_warmup_requests(export_dir: str | Path, requests: list[tuple[str, dict]]) -> None:
    """Writes the requests into an exported directory.

    Args:
        export_dir: directory of a SavedModel.
        requests: pairs of a signature name and its input tensors by name.
    """
    path = Path(export_dir) / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature_name, inputs in requests:
            writer.write(_prediction_log(signature_name, inputs))


def _prediction_log(signature_name: str, inputs: dict) -> bytes:
    request = _field(_MODEL_SPEC, _field(_SIGNATURE_NAME, signature_name.encode()))
    for name, tensor in inputs.items():
        value = tf.make_tensor_proto(tensor).SerializeToString()
        request += _field(_INPUTS, _field(_KEY, name.encode()) + _field(_VALUE, value))
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(field_number: int, content: bytes) -> bytes:
    """Encodes a protobuf field of bytes: number and wire type, length, content."""
    return _varint(field_number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Encodes an integer as a protobuf varint: seven bits per byte, lowest first."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
