"""Requests that TensorFlow Serving sends to a model before its first caller does.

A server reads them from assets.extra/tf_serving_warmup_requests: records of `PredictionLog`, a
message of TensorFlow Serving (Apache-2.0). Four nested fields do not need its package.
"""

from pathlib import Path

import tensorflow as tf

FILE = Path("assets.extra") / "tf_serving_warmup_requests"

# Numbers of the fields in TensorFlow Serving's messages.
_PREDICT_LOG = 6
_REQUEST = 1
_MODEL_SPEC, _INPUTS = 1, 2
_SIGNATURE_NAME = 3
_KEY, _VALUE = 1, 2


def write_warm_up(export_dir: str | Path, requests: list[tuple[str, dict]]) -> None:
    """Writes the requests into an exported folder.

    Args:
        export_dir: a SavedModel.
        requests: of each the signature's name, and a tensor for each input.
    """
    path = Path(export_dir) / FILE
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


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes on the wire: its number and kind, its length, itself."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have the highest bit set."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
