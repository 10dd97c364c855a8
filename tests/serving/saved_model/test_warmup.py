"""The requests that TensorFlow Serving sends first are requests, and the model answers them."""

import pytest
import tensorflow as tf

from attention_seq2seq.serving.saved_model.warmup import FILE

pytestmark = pytest.mark.xdist_group("export")


def test_the_model_answers_its_warm_up_requests(export_dir, saved_model):
    """Read by TensorFlow Serving's own messages."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    asked = []
    for record in tf.data.TFRecordDataset(str(export_dir / FILE)):
        log = PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        signature = saved_model.signatures[request.model_spec.signature_name]
        specs = signature.structured_input_signature[1]
        assert set(inputs) == set(specs)
        outputs = signature(
            **{name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        )
        assert outputs["reply"].numpy().all()
        asked.append((request.model_spec.signature_name, inputs.get("method", b"")))
    assert [(name, bytes(method.item() if method else b"")) for name, method in asked] == [
        ("serving_default", b""),
        ("reply", b"greedy"),
        ("reply", b"beam"),
        ("reply", b"sample"),
    ]
