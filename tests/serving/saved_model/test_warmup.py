"""The warmup requests can be read by TensorFlow Serving, and the model answers them."""

import pytest
import tensorflow as tf

from attention_seq2seq.serving.saved_model.warmup import WARMUP_FILE

pytestmark = pytest.mark.xdist_group("export")


def test_the_model_answers_its_warmup_requests(export_dir, saved_model):
    """Parses the requests with TensorFlow Serving's own messages."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    calls = []
    for record in tf.data.TFRecordDataset(str(export_dir / WARMUP_FILE)):
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
        calls.append((request.model_spec.signature_name, inputs.get("method", b"")))
    assert [(name, bytes(method.item() if method else b"")) for name, method in calls] == [
        ("serving_default", b""),
        ("generate", b"greedy"),
        ("generate", b"beam"),
        ("generate", b"sample"),
    ]
