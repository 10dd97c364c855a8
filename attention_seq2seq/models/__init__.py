"""Models that map token ids to logits."""

from attention_seq2seq.utils.keras_check import check_keras

check_keras()
