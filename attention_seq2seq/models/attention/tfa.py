"""Imports TensorFlow Addons. No other module imports the package."""

import warnings

with warnings.catch_warnings():
    # The end of life of TensorFlow Addons is known. Users cannot act on the warning.
    warnings.filterwarnings(
        "ignore",
        message=r"\s*TensorFlow Addons \(TFA\) has ended development",
        category=UserWarning,
    )
    from tensorflow_addons.seq2seq import (  # noqa: F401
        AttentionWrapper,
        AttentionWrapperState,
        BahdanauAttention,
        BahdanauMonotonicAttention,
        LuongAttention,
        LuongMonotonicAttention,
    )
