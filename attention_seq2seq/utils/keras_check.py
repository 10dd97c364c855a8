"""Refuses configurations of Keras with which the models do not work."""

import os

import tensorflow as tf
from tensorflow import keras


def check_keras() -> None:
    """Checks which Keras the environment of the process selects.

    Raises:
        ImportError: Keras 2 with TensorFlow 2.16 or later, or a backend other than TensorFlow.
    """
    if tf.__version__.startswith("2.15."):
        return
    if os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True"):
        raise ImportError(
            f"TensorFlow {tf.__version__} with Keras 2 is not supported. Unset the environment "
            "variable TF_USE_LEGACY_KERAS to use Keras 3."
        )
    backend = os.environ.get("KERAS_BACKEND") or keras.backend.backend()
    if backend != "tensorflow":
        raise ImportError(
            f"Keras with the backend {backend} is not supported. Set the environment variable "
            "KERAS_BACKEND=tensorflow."
        )
