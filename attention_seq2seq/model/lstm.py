"""What the encoder and both decoders have in common: the variables of a Keras LSTM cell."""

import tensorflow as tf
from tensorflow import keras


def lstm_weights(cell: keras.layers.LSTMCell) -> dict[str, tf.Variable]:
    """The variables of an LSTM cell by names of our own."""
    return {
        "lstm/kernel": cell.kernel,
        "lstm/recurrent_kernel": cell.recurrent_kernel,
        "lstm/bias": cell.bias,
    }
