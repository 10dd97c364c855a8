"""Attention layers with the names and numbers of `tfa.seq2seq`, for Keras 2 and Keras 3.

TensorFlow Addons supports TensorFlow up to 2.15. With later versions, the model uses these layers.
"""

from attention_seq2seq.seq2seq.attention_wrapper import AttentionWrapper, AttentionWrapperState
from attention_seq2seq.seq2seq.mechanisms import (
    AttentionMechanism,
    BahdanauAttention,
    BahdanauMonotonicAttention,
    LuongAttention,
    LuongMonotonicAttention,
)

__all__ = [
    "AttentionMechanism",
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "BahdanauMonotonicAttention",
    "LuongAttention",
    "LuongMonotonicAttention",
]
