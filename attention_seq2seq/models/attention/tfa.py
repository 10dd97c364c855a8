"""The only import of TensorFlow Addons."""

import warnings

with warnings.catch_warnings():
    # The end of life of TensorFlow Addons is known, and the warning helps no user.
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
