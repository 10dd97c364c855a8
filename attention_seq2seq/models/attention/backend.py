"""Attention layers: of TensorFlow Addons with Keras 2, of this package with Keras 3.

No other module imports TensorFlow Addons, which does not support Keras 3.
"""

import os
import warnings

import tensorflow as tf
from tensorflow import keras

_uses_legacy_keras = os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")
if _uses_legacy_keras and not tf.__version__.startswith("2.15."):
    raise ImportError(
        f"TensorFlow {tf.__version__} with Keras 2 is not supported. Unset the environment "
        "variable TF_USE_LEGACY_KERAS to use Keras 3."
    )

if hasattr(keras, "ops"):
    from attention_seq2seq import seq2seq
else:
    with warnings.catch_warnings():
        # The end of life of TensorFlow Addons is known. Users cannot act on the warning.
        warnings.filterwarnings(
            "ignore",
            message=r"\s*TensorFlow Addons \(TFA\) has ended development",
            category=UserWarning,
        )
        from tensorflow_addons import seq2seq

__all__ = ["seq2seq"]
