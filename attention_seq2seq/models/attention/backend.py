"""Attention layers: of TensorFlow Addons with Keras 2, of this package with Keras 3.

No other module imports TensorFlow Addons, which does not support Keras 3.
"""

import warnings

from tensorflow import keras

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
