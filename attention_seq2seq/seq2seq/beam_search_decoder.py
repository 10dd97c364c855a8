"""Decoder with beam search."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.beam_search_step import (
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    BeamSearchOptions,
    FinalBeamSearchDecoderOutput,
    attention_probs_from_attn_state,
    beam_search_step,
    get_attention_probs,
)
from attention_seq2seq.seq2seq.call_state import CallAttribute
from attention_seq2seq.seq2seq.decoder import BaseDecoder
from attention_seq2seq.seq2seq.gather_tree import (
    gather_tree,
    gather_tree_from_array,
    sort_array,
    tile_batch,
)
from attention_seq2seq.seq2seq.keras_versions import output_size, require_cell
from attention_seq2seq.seq2seq.sampler_base import embedding_function, int32_tensor

__all__ = [
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "FinalBeamSearchDecoderOutput",
    "attention_probs_from_attn_state",
    "gather_tree",
    "gather_tree_from_array",
    "get_attention_probs",
    "tile_batch",
]


class BeamSearchDecoder(BaseDecoder):
    """Beam search over a cell.

    Tile the memory, its lengths and the cell state with `tile_batch`, and call the cell's
    `get_initial_state` with `batch_size * beam_width`.

    By default, all results equal those of `tfa.seq2seq`. Two of them are wrong:

    - The alignment history of a hypothesis has the weights of another hypothesis in some steps,
      as in `gather_tree_from_array`.
    - The score of a finished hypothesis changes after its last step. In the step that ends it, the
      length penalty leaves out the end token, and the coverage penalty is missing.

    `corrected=True` returns the right alignments, and applies both penalties in full in the step
    that ends a hypothesis.

    Args:
        cell: the recurrent cell.
        beam_width: number of beams.
        embedding_fn: function from ids int32[batch, beams] to embeddings
            float[batch, beams, units]; None: the `embedding` of the call.
        output_layer: layer from the outputs of the cell to logits; None: no output layer.
        length_penalty_weight: exponent of the length penalty; 0 disables it.
        coverage_penalty_weight: factor of the coverage penalty; 0 disables it.
        reorder_tensor_arrays: whether `TensorArray`s in the final state, such as the alignment
            history, are sorted by final hypotheses and returned as tensors.
        output_all_scores: whether outputs have the scores of all continuations.
        corrected: whether to correct these two errors.
        **kwargs: arguments of `BaseDecoder`.

    Call arguments:
        embedding: float[vocab, units]; replaces `embedding_fn`, unlike that of samplers.
        start_tokens: int32[batch], ids fed in the first step.
        end_token: int32[], the id that ends a hypothesis.
        initial_state: initial state of the cell, of batch * beams rows.
        training: whether the model is being trained.

    Returns:
        `FinalBeamSearchDecoderOutput`, `BeamSearchDecoderState`, and lengths int32[batch, beams].

    Raises:
        TypeError: the cell is not a recurrent cell.
        ValueError: no embedding, or an initial state of another number of rows.
    """

    _start_inputs = CallAttribute()
    _end_token = CallAttribute()
    _batch_size = CallAttribute()
    _call_embedding_fn = CallAttribute()
    _cell_dtype = CallAttribute()

    def __init__(
        self,
        cell: keras.layers.Layer,
        beam_width: int,
        embedding_fn: Callable | None = None,
        output_layer: keras.layers.Layer | None = None,
        length_penalty_weight: float = 0.0,
        coverage_penalty_weight: float = 0.0,
        reorder_tensor_arrays: bool = True,
        output_all_scores: bool = False,
        corrected: bool = False,
        **kwargs,
    ):
        require_cell(cell)
        self._cell = cell
        self._output_layer = output_layer
        self._embedding_fn = embedding_fn
        self._reorder_tensor_arrays = reorder_tensor_arrays
        self._beam_width = beam_width
        self._options = BeamSearchOptions(
            beam_width, length_penalty_weight, coverage_penalty_weight, output_all_scores, corrected
        )
        super().__init__(**kwargs)

    @property
    def batch_size(self):
        """Number of rows of the outputs, without beams."""
        return self._batch_size

    @property
    def tracks_own_finished(self):
        """True: beams are sorted in each step."""
        return True

    @property
    def output_size(self):
        """Shapes of the outputs of a step, without batch."""
        beams = tf.TensorShape([self._beam_width])
        scores = beams
        if self._options.output_all_scores:
            scores = beams.concatenate(self._rnn_output_size()[-1:])
        return BeamSearchDecoderOutput(scores=scores, predicted_ids=beams, parent_ids=beams)

    @property
    def output_dtype(self):
        """Dtypes of the outputs of a step."""
        return BeamSearchDecoderOutput(self._cell_dtype, tf.int32, tf.int32)

    def call(self, embedding, start_tokens, end_token, initial_state, training=None, **kwargs):
        """Searches until all hypotheses have ended."""
        return self._decode(
            embedding,
            training,
            start_tokens=start_tokens,
            end_token=end_token,
            initial_state=initial_state,
            **kwargs,
        )

    def initialize(self, embedding, start_tokens, end_token, initial_state):
        """Returns the finished beams, the embeddings of the start tokens, and the initial state.

        Args:
            embedding: float[vocab, units]; None: the `embedding_fn` of the constructor or, without
                one, the embedding of the previous call.
            start_tokens: int32[batch].
            end_token: int32[].
            initial_state: state of the cell, of batch * beams rows.

        Raises:
            ValueError: no embedding, or a wrong number of axes or rows.
        """
        if embedding is not None:
            self._call_embedding_fn = embedding_function(embedding)
        elif self._embedding_fn is not None:
            self._call_embedding_fn = self._embedding_fn
        elif self._call_embedding_fn is None:
            raise ValueError(
                "You should either pass an embedding variable when calling the BeamSearchDecoder "
                "or set embedding_fn in the constructor."
            )
        start_tokens = int32_tensor("start_tokens", start_tokens, 1)
        self._end_token = int32_tensor("end_token", end_token, 0)
        self._batch_size = tf.size(start_tokens)
        cell_state = tf.nest.map_structure(
            lambda t: t if _has_no_batch(t) else self._split_beams(t), initial_state
        )
        start_tokens = tf.tile(start_tokens[:, tf.newaxis], [1, self._beam_width])
        self._start_inputs = self._call_embedding_fn(start_tokens)
        self._cell_dtype = tf.nest.flatten(cell_state)[0].dtype
        # All beams are equal at first: only the first of them may be continued.
        is_first = tf.one_hot(tf.zeros_like(start_tokens[:, 0]), self._beam_width) > 0
        zero = tf.zeros([], self._cell_dtype)
        weights = get_attention_probs(cell_state, self._options.coverage_penalty_weight)
        state = BeamSearchDecoderState(
            cell_state=cell_state,
            log_probs=tf.where(is_first, zero, -np.inf),
            finished=~is_first,
            lengths=tf.zeros([self._batch_size, self._beam_width], tf.int64),
            accumulated_attention_probs=() if weights is None else weights,
        )
        return state.finished, self._start_inputs, state

    def step(self, time, inputs, state, training=None, name=None):
        """Computes one step of the cell for all beams, and chooses the best continuations."""
        with tf.name_scope(name or "BeamSearchDecoderStep"):
            inputs = tf.nest.map_structure(self._merge_beams, inputs)
            cell_state = tf.nest.map_structure(
                lambda t: t if _has_no_batch(t) or t.shape.rank < 2 else self._merge_beams(t),
                state.cell_state,
            )
            outputs, next_cell_state = self._cell(inputs, cell_state, training=training)
            outputs = self._split_beams(outputs)
            next_cell_state = tf.nest.pack_sequence_as(cell_state, tf.nest.flatten(next_cell_state))
            next_cell_state = tf.nest.map_structure(
                lambda t: t if _has_no_batch(t) else self._split_beams(t), next_cell_state
            )
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            search_outputs, next_state = beam_search_step(
                outputs, next_cell_state, state, self._end_token, self._options
            )
            next_inputs = tf.cond(
                tf.reduce_all(next_state.finished),
                lambda: self._start_inputs,
                lambda: self._call_embedding_fn(search_outputs.predicted_ids),
            )
        return search_outputs, next_state, next_inputs, next_state.finished

    def finalize(self, outputs, final_state, sequence_lengths):
        """Returns the final hypotheses, and the state with sorted `TensorArray`s."""
        predicted_ids = gather_tree(
            outputs.predicted_ids,
            outputs.parent_ids,
            tf.cast(tf.reduce_max(final_state.lengths, axis=1), tf.int32),
            self._end_token,
        )
        if self._reorder_tensor_arrays:
            cell_state = tf.nest.map_structure(
                lambda t: sort_array(
                    t, outputs.parent_ids, final_state.lengths, self._options.corrected
                ),
                final_state.cell_state,
            )
            final_state = final_state._replace(cell_state=cell_state)
        return FinalBeamSearchDecoderOutput(predicted_ids, outputs), final_state

    def _rnn_output_size(self) -> tf.TensorShape:
        return output_size(self._cell, self._output_layer)

    def _merge_beams(self, t: tf.Tensor) -> tf.Tensor:
        """Reshapes [batch, beams, ...] to [batch * beams, ...]."""
        shape = tf.concat([[self._batch_size * self._beam_width], tf.shape(t)[2:]], axis=0)
        merged = tf.reshape(t, shape)
        rows = tf.get_static_value(self._batch_size)
        rows = None if rows is None else rows * self._beam_width
        merged.set_shape(tf.TensorShape([rows]).concatenate(t.shape[2:]))
        return merged

    def _split_beams(self, t: tf.Tensor) -> tf.Tensor:
        """Reshapes [batch * beams, ...] to [batch, beams, ...]."""
        rows = tf.get_static_value(self._batch_size)
        if None not in (rows, t.shape[0]) and t.shape[0] != rows * self._beam_width:
            raise ValueError(
                f"A state or output of the cell has shape {t.shape}. Expected {rows} rows * "
                f"{self._beam_width} beams on the first axis. Tile memory, lengths and state with "
                "tile_batch, and call get_initial_state with batch_size * beam_width."
            )
        shape = tf.concat([[self._batch_size, self._beam_width], tf.shape(t)[1:]], axis=0)
        split = tf.reshape(t, shape)
        split.set_shape(tf.TensorShape([rows, self._beam_width]).concatenate(t.shape[1:]))
        return split


def _has_no_batch(t: Any) -> bool:
    """Returns whether a part of the cell state has no rows.

    Raises:
        ValueError: unknown rank.
    """
    if isinstance(t, tf.TensorArray):
        return True
    if t.shape.rank is None:
        raise ValueError(f"Expected tensor ({t}) to have known rank, but ndims == None.")
    return t.shape.rank == 0
