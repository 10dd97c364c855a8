"""Differences between Keras 2 and Keras 3."""

import inspect
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.call_state import CallAttribute

KERAS_3 = hasattr(keras, "ops")

_LEGACY_FORMAT = {} if KERAS_3 else {"use_legacy_format": True}


class TensorLayer(keras.layers.Layer):
    """Base class for layers with `TensorArray`s and nested tuples among their arguments.

    `Layer.__call__` of Keras 3 refuses such arguments. A call with tensors therefore bypasses it.
    As in Keras 2, floats in the first argument are cast to the compute dtype of the layer.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if KERAS_3:
            # Otherwise, Keras 3 would trace `call` to create the weights.
            self.built = True

    def get_config(self) -> dict:
        """Returns the config of a `keras.layers.Layer`, without cells and functions."""
        return super().get_config()

    def __setattr__(self, name, value):
        # Keras 3 would skip the assignment of a value that another thread has set, and wrap lists.
        if isinstance(getattr(type(self), name, None), CallAttribute):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __call__(self, *args, **kwargs):
        """Casts the first argument, builds the layer and calls it."""
        if not KERAS_3 or has_keras_tensor((args, kwargs)):
            return super().__call__(*args, **kwargs)
        if not args:
            first_argument = next(iter(inspect.signature(self.call).parameters))
            args = (kwargs.pop(first_argument),)
        inputs = cast_floats(args[0], self.compute_dtype) if self.autocast else args[0]
        if not self.built:
            shapes = [None if x is None else tuple(x.shape) for x in tf.nest.flatten(inputs)]
            self.build(tf.nest.pack_sequence_as(inputs, shapes))
        with tf.name_scope(self.name):
            return self.call(inputs, *args[1:], **kwargs)


class RecurrentCell(TensorLayer, *(() if KERAS_3 else (keras.layers.AbstractRNNCell,))):
    """Base class for recurrent cells."""


def has_keras_tensor(values: Any) -> bool:
    """Returns whether a nested structure has symbolic inputs of a functional Keras 3 model."""
    return any(isinstance(value, keras.KerasTensor) for value in tf.nest.flatten(values))


def cast_floats(values: Any, dtype: str | tf.DType) -> Any:
    """Casts float tensors of a nested structure. Numbers and arrays become tensors."""

    def cast(value):
        if isinstance(value, np.ndarray | np.generic | float | int):
            value = tf.convert_to_tensor(value)
        is_float = isinstance(value, tf.Tensor) and value.dtype.is_floating
        return tf.cast(value, dtype) if is_float else value

    return tf.nest.map_structure(cast, values)


def zero_state(cell: keras.layers.Layer, batch_size: int | tf.Tensor, dtype: tf.DType) -> Any:
    """Returns the initial state of a cell. Cells of Keras 3 do not take a dtype."""
    parameters = inspect.signature(cell.get_initial_state).parameters.values()
    if any(p.name == "dtype" or p.kind is p.VAR_KEYWORD for p in parameters):
        return cell.get_initial_state(batch_size=batch_size, dtype=dtype)
    return cast_floats(cell.get_initial_state(batch_size=batch_size), dtype)


def output_shape(layer: keras.layers.Layer, size: Any) -> tf.TensorShape:
    """Returns the output shape of a layer for an input size, both without batch."""
    shape = tf.TensorShape([None]).concatenate(size)
    return tf.TensorShape(layer.compute_output_shape(tuple(shape) if KERAS_3 else shape))[1:]


def output_size(
    cell: keras.layers.Layer, output_layer: keras.layers.Layer | None
) -> tf.TensorShape:
    """Returns the shape of the outputs of a decoder step, without batch."""
    size = tf.TensorShape(cell.output_size)
    return size if output_layer is None else output_shape(output_layer, size)


def serialize_initializer(initializer: keras.initializers.Initializer) -> Any:
    """Returns the config of an initializer."""
    return keras.initializers.serialize(initializer, **_LEGACY_FORMAT)


def serialize_layer(layer: keras.layers.Layer) -> dict:
    """Returns the class and the config of a layer."""
    if KERAS_3:
        config = keras.layers.serialize(layer)
        # With this entry, Keras 3 would build the layer when it deserializes it.
        config.pop("build_config", None)
        return config
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def deserialize_layer(config: dict, custom_objects: dict | None) -> keras.layers.Layer:
    """Returns the layer of a class and a config."""
    return keras.layers.deserialize(config, custom_objects=custom_objects, **_LEGACY_FORMAT)


def require_cell(cell: Any) -> None:
    """Checks that an object is a recurrent cell.

    Raises:
        TypeError: the object is not a recurrent cell.
    """
    missing = [
        name for name in ("output_size", "state_size", "get_initial_state") if name not in dir(cell)
    ]
    if missing or not callable(cell):
        reason = f"it lacks {', '.join(missing)}" if missing else "it is not callable"
        raise TypeError(
            f"The argument 'cell' ({cell}) is not an RNNCell: {reason}. Pass a recurrent cell, "
            "such as keras.layers.LSTMCell."
        )
