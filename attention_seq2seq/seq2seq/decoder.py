"""Loop over the steps of a decoder."""

import abc
import contextlib
from typing import Any

import tensorflow as tf

# TensorFlow has no public function for this.
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from attention_seq2seq.seq2seq.batch_time import (
    keep_finished,
    output_arrays,
    transpose_batch_time,
    where_finished,
)
from attention_seq2seq.seq2seq.keras_versions import TensorLayer


class _DecoderProperties:
    """Properties that `dynamic_decode` needs."""

    @property
    def batch_size(self) -> int | tf.Tensor:
        """Number of rows of the outputs."""
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        """Shapes of the outputs of a step, nested, without batch."""
        raise NotImplementedError

    @property
    def output_dtype(self) -> Any:
        """Dtypes of the outputs of a step, nested."""
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """Whether a finished row may become unfinished, as in beam search."""
        return False

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: tf.Tensor) -> Any:
        """Returns final outputs and state for stacked outputs [target_time, batch, ...]; optional.

        Args:
            outputs: nested, each [target_time, batch, ...].
            final_state: the state after the last step.
            sequence_lengths: int32[batch], number of steps of each row; of each beam,
                int32[batch, beams].
        """
        raise NotImplementedError


class Decoder(_DecoderProperties, metaclass=abc.ABCMeta):
    """Interface of decoders that are not Keras layers."""

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> tuple[tf.Tensor, Any, Any]:
        """Returns bool[batch], the rows that are finished, first inputs and initial state."""
        raise NotImplementedError

    @abc.abstractmethod
    def step(
        self,
        time: tf.Tensor,
        inputs: Any,
        state: Any,
        training: bool | None = None,
        name: str | None = None,
    ) -> tuple[Any, Any, Any, tf.Tensor]:
        """Returns outputs, the next state and inputs, and bool[batch], the finished rows.

        Args:
            time: int32[], index of the step.
            inputs: nested, each [batch, ...].
            state: nested, each [batch, ...].
            training: whether the model is being trained.
            name: name of the operations.
        """
        raise NotImplementedError


class BaseDecoder(_DecoderProperties, TensorLayer):
    """Base class for decoders that are Keras layers.

    Args:
        output_time_major: whether outputs are [target_time, batch, ...].
        impute_finished: whether finished rows keep their state, and their outputs are zero.
        maximum_iterations: maximum number of steps; None: until all rows are finished.
        parallel_iterations: argument of `tf.while_loop`.
        swap_memory: argument of `tf.while_loop`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: first argument of `initialize`.
        initial_state: initial state of the cell.
        training: whether the model is being trained.
        **kwargs: further arguments of `initialize`.

    Returns:
        Outputs, final state and lengths int32[batch], as `dynamic_decode`.
    """

    def __init__(
        self,
        output_time_major: bool = False,
        impute_finished: bool = False,
        maximum_iterations: int | tf.Tensor | None = None,
        parallel_iterations: int = 32,
        swap_memory: bool = False,
        **kwargs,
    ):
        self.output_time_major = output_time_major
        self.impute_finished = impute_finished
        self.maximum_iterations = maximum_iterations
        self.parallel_iterations = parallel_iterations
        self.swap_memory = swap_memory
        super().__init__(**kwargs)

    def call(self, inputs, initial_state=None, training=None, **kwargs):
        """Decodes until all rows are finished."""
        return self._decode(inputs, training, initial_state=initial_state, **kwargs)

    def _decode(self, inputs: Any, training: bool | None, **kwargs) -> tuple[Any, Any, tf.Tensor]:
        """Calls `dynamic_decode` with the options of the decoder.

        Args:
            inputs: first argument of `initialize`.
            training: whether the model is being trained.
            **kwargs: further arguments of `initialize`.
        """
        return dynamic_decode(
            self,
            output_time_major=self.output_time_major,
            impute_finished=self.impute_finished,
            maximum_iterations=self.maximum_iterations,
            parallel_iterations=self.parallel_iterations,
            swap_memory=self.swap_memory,
            training=training,
            decoder_init_input=inputs,
            decoder_init_kwargs=kwargs,
        )

    def initialize(self, inputs, initial_state=None, **kwargs) -> tuple[tf.Tensor, Any, Any]:
        """Returns bool[batch], the rows that are finished, first inputs and initial state.

        Args:
            inputs: inputs of the decoder, such as embedded targets.
            initial_state: initial state of the cell.
            **kwargs: arguments of derived classes.
        """
        raise NotImplementedError

    def step(self, time, inputs, state, training) -> tuple[Any, Any, Any, tf.Tensor]:
        """Returns outputs, the next state and inputs, and bool[batch], the finished rows."""
        raise NotImplementedError


def dynamic_decode(
    decoder: Decoder | BaseDecoder,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: int | tf.Tensor | None = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    training: bool | None = None,
    scope: str | None = None,
    enable_tflite_convertible: bool = False,
    **kwargs,
) -> tuple[Any, Any, tf.Tensor]:
    """Runs the steps of a decoder until all rows are finished.

    The loop:

        finished, inputs, state = decoder.initialize()
        while not all rows finished, and time < maximum_iterations:
            outputs[time], state, inputs, finished = decoder.step(time, inputs, state)

    Args:
        decoder: the decoder.
        output_time_major: whether outputs are [target_time, batch, ...].
        impute_finished: whether finished rows keep their state, and their outputs are zero.
        maximum_iterations: maximum number of steps, required by XLA and TensorFlow Lite; None:
            until all rows are finished.
        parallel_iterations: argument of `tf.while_loop`.
        swap_memory: argument of `tf.while_loop`.
        training: whether the model is being trained.
        scope: name of the operations.
        enable_tflite_convertible: whether output arrays have `maximum_iterations` elements of a
            single row, which TensorFlow Lite needs.
        **kwargs: `decoder_init_input` and `decoder_init_kwargs`, the first argument and the keyword
            arguments of `initialize` of a `BaseDecoder`.

    Returns:
        Outputs (nested, each [batch, target_time, ...]), the final state, and the number of steps
        of each row, int32[batch] or, in beam search, int32[batch, beams].

    Raises:
        TypeError: the decoder is neither a `Decoder` nor a `BaseDecoder`.
        ValueError: `maximum_iterations` is missing for XLA, or is not a scalar.
    """
    if not isinstance(decoder, Decoder | BaseDecoder):
        raise TypeError(
            f"The decoder is of type {type(decoder).__name__}. Expected a Decoder or BaseDecoder."
        )
    with tf.name_scope(scope or "decoder"):
        is_xla = not tf.executing_eagerly() and GraphOrParentsInXlaContext(
            tf.compat.v1.get_default_graph()
        )
        if maximum_iterations is not None:
            maximum_iterations = tf.convert_to_tensor(maximum_iterations, tf.int32)
            if maximum_iterations.shape.rank != 0:
                raise ValueError(
                    f"maximum_iterations has shape {maximum_iterations.shape}. It must be a scalar."
                )
            tf.debugging.assert_greater(
                maximum_iterations, 0, message="maximum_iterations should be greater than 0"
            )
        elif is_xla:
            raise ValueError("maximum_iterations is required for XLA compilation.")

        if isinstance(decoder, Decoder):
            finished, inputs, state = decoder.initialize()
        else:
            finished, inputs, state = decoder.initialize(
                kwargs.pop("decoder_init_input", None), **kwargs.pop("decoder_init_kwargs", {})
            )
        if enable_tflite_convertible:
            tf.debugging.assert_equal(
                decoder.batch_size, 1, message="TFLite conversion requires a batch size of 1"
            )
        if maximum_iterations is not None:
            # XLA removes the assertion above.
            finished |= maximum_iterations <= 0

        def body(time, arrays, state, inputs, finished, lengths):
            outputs, next_state, next_inputs, next_finished = decoder.step(
                time, inputs, state, training
            )
            next_lengths = tf.where(finished, lengths, time + 1)
            if not decoder.tracks_own_finished:
                next_finished |= finished
            elif getattr(next_state, "lengths", None) is not None:
                next_lengths = tf.cast(next_state.lengths, tf.int32)
            for old, new in ((state, next_state), (arrays, outputs), (inputs, next_inputs)):
                tf.nest.assert_same_structure(old, new)
            if impute_finished:
                outputs = tf.nest.map_structure(
                    lambda output: where_finished(finished, tf.zeros_like(output), output), outputs
                )
                next_state = tf.nest.map_structure(
                    lambda new, old: keep_finished(finished, old, new), next_state, state
                )
            if enable_tflite_convertible:
                outputs = tf.nest.map_structure(lambda output: tf.reshape(output, [-1]), outputs)
            arrays = tf.nest.map_structure(
                lambda array, output: array.write(time, output), arrays, outputs
            )
            return time + 1, arrays, next_state, next_inputs, next_finished, next_lengths

        arrays = output_arrays(
            decoder,
            maximum_iterations,
            is_xla or enable_tflite_convertible,
            enable_tflite_convertible,
        )
        _, arrays, state, _, _, lengths = tf.while_loop(
            lambda time, arrays, state, inputs, finished, lengths: ~tf.reduce_all(finished),
            body,
            (tf.constant(0), arrays, state, inputs, finished, tf.zeros_like(finished, tf.int32)),
            parallel_iterations=parallel_iterations,
            maximum_iterations=maximum_iterations,
            swap_memory=swap_memory,
        )
        outputs = tf.nest.map_structure(lambda array: array.stack(), arrays)
        with contextlib.suppress(NotImplementedError):
            outputs, state = decoder.finalize(outputs, state, lengths)
        if not output_time_major:
            if enable_tflite_convertible:
                outputs = tf.nest.map_structure(lambda output: output[:, tf.newaxis], outputs)
            outputs = tf.nest.map_structure(transpose_batch_time, outputs)
    return outputs, state, lengths
