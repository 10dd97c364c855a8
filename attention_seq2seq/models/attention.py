"""Attention around cells: the border to `tfa.seq2seq`, which no other module crosses.

TensorFlow Addons keeps the memory on the layer, from one call to the next. Here every call brings
its memory along, and sets it up before the cell is used: nothing is remembered in between.
"""

import warnings
from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.config import ModelConfig
from attention_seq2seq.models.cells.factory import StackedRNNCells, make_cell
from attention_seq2seq.models.encoder import EncoderOutput
from attention_seq2seq.models.layers.matmul import EmbeddedIds, recurrent_matmul, matmul
from attention_seq2seq.models.cells.recurrent import State, shift_right

with warnings.catch_warnings():
    # Its end of life is known here and of no use to whoever runs a program.
    warnings.filterwarnings(
        "ignore",
        message=r"\s*TensorFlow Addons \(TFA\) has ended development",
        category=UserWarning,
    )
    from tensorflow_addons.seq2seq import (
        AttentionWrapper,
        AttentionWrapperState,
        BahdanauAttention,
        BahdanauMonotonicAttention,
        LuongAttention,
        LuongMonotonicAttention,
    )


_NAME = "Attention_Wrapper"


class Memory(NamedTuple):
    """What the decoder attends to, prepared once for a whole reply.

    Attributes:
        values: float[batch, source_time, units], the encoder outputs, zero at padding.
        keys: float[batch, source_time, units], values as the score sees them: W_a times h_s.
        mask: bool[batch, source_time], True at real words.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class AttentionState(NamedTuple):
    """What one step leaves to the next.

    Attributes:
        cells: of each layer the state: (h, c) of an LSTM, (h,) of a GRU, each float[batch, units].
        attention_vector: float[batch, units]; it is fed back as input (input feeding).
        before: the attention weights float[batch, source_time], of mechanisms whose next weights
            depend on them (monotonic ones); of others none.
    """

    cells: tuple[State, ...]
    attention_vector: tf.Tensor
    before: tuple[tf.Tensor, ...]


class AttentionRNN(keras.layers.Layer):
    """Cells that look at the memory at each step: the document's AttentionWrapper.

    With query h_t (the last layer's output) and memory h_s (Luong et al. 2015):

        scores             = h_t W_a h_s                     (eq. 8, "general")
        attention_weights  = softmax(scores)                 (eq. 7)
        context            = sum of attention_weights h_s
        attention_vector   = W_c [h_t; context]              (eq. 5; with tanh, as an option)

    Other mechanisms have other scores: bahdanau v tanh(W_a h_s + W_q h_t) (Bahdanau et al. 2015),
    normed_bahdanau the same with v scaled to a learned length (Salimans and Kingma 2016); the
    monotonic ones pass over the prompt once, from left to right, and their weights sum to at most
    1 (Raffel et al. 2017).

    Args:
        config: the model's options.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(name="attention_rnn")
        units = config.units
        self.units = units
        self.mechanism = make_mechanism(config)
        self.is_monotonic = config.attention.endswith("monotonic")
        # The mechanism's own, which `_bind_memory` gives scores whose padding is masked.
        self._probability_fn = self.mechanism.probability_fn
        self.attention_layer = keras.layers.Dense(
            units, use_bias=False, activation=config.attention_vector, name="attention_layer"
        )
        self.attention_layer.build([None, 2 * units])
        # The first layer's inputs are a word and the attention vector of the step before (input
        # feeding), those of others the output below.
        self.cells = [
            make_cell(config, units, units if number else 2 * units, number)
            for number in range(config.num_decoder_layers)
        ]
        self.wrapper = AttentionWrapper(
            StackedRNNCells(self.cells),
            self.mechanism,
            attention_layer=self.attention_layer,
            name=_NAME,
        )

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """The memory of encoded prompts."""
        self.mechanism.setup_memory(encoded.outputs, encoded.length)
        mask = tf.sequence_mask(encoded.length, tf.shape(encoded.outputs)[1])
        return Memory(self.mechanism.values, self.mechanism.keys, mask)

    def initial_state(self, cells: tuple[State, ...], memory: Memory) -> AttentionState:
        """The state before the first step: no attention vector yet."""
        before = (_initial_alignments(memory),) if self.is_monotonic else ()
        return AttentionState(cells, tf.zeros_like(cells[0][0]), before)

    def unroll(
        self,
        inputs: tf.Tensor | EmbeddedIds,
        memory: Memory,
        state: AttentionState,
        dtype: tf.DType = tf.float32,
        kept: Sequence[tf.Tensor] = (),
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs over all inputs at once, as in training.

        Args:
            inputs: float32[target_time, batch, units], or the words that they are of.
            memory: from `prepare`.
            state: from `initial_state`.
            dtype: what products with the layers' kernels are computed in, float32 or bfloat16;
                scores and contexts are float32.
            kept: for dropout, what each layer's outputs but the last's are multiplied by before
                the next reads them, each float32[target_time, batch, units]; none: by nothing.

        Returns:
            float32[target_time, batch, units], the attention vectors, and
            float32[target_time, batch, source_time], the attention weights.
        """
        layer = self.attention_layer
        products, gates = [], []
        for number, cell in enumerate(self.cells):
            kernel, recurrent_kernel, bias = cell.gate_weights()
            # Of the first layer's inputs only the attention vector is known in the loop alone.
            from_words, from_below = (None, kernel) if number else tf.split(kernel, 2)
            product, of_cell = recurrent_matmul(
                tf.concat([from_below, recurrent_kernel], axis=0),
                tf.zeros_like(gates[0][:, :, :1]) + bias
                if number
                else matmul(inputs, from_words, dtype) + bias,
                partial(lambda number: fed_back[number], number),
                dtype,
            )
            products.append(product)
            gates.append(of_cell)
        attending, nothing = recurrent_matmul(
            tf.convert_to_tensor(layer.kernel),
            tf.zeros_like(gates[0][:, :, : self.units]),
            lambda: tf.concat([h, tf.einsum("tbs,bsu->tbu", weights, memory.values)], 2),
            dtype,
        )
        self._bind_memory(memory)

        # What `step` has the wrapper do, but with what could be computed before the loop.
        def one(states, inputs):
            cells, below, weights = states
            gates, nothing, kept = inputs
            after = []
            layers = zip_longest(self.cells, products, gates, cells, kept)
            for cell, product, added, of_cell, share in layers:
                of_cell = cell.next_state(added + product(tf.concat([below, of_cell[0]], 1)), of_cell)
                below = of_cell[0] if share is None else of_cell[0] * share
                after.append(of_cell)
            weights, _ = self.mechanism([below, weights])
            context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], memory.values), axis=1)
            vector = layer.activation(attending(tf.concat([below, context], axis=1)) + nothing)
            return tuple(after), vector, weights

        start = state.cells, state.attention_vector, self._previous_alignments(memory, state)
        cells, vectors, weights = tf.scan(one, (tuple(gates), nothing, tuple(kept)), start)
        outputs = [of_cell[0] for of_cell in cells]
        h = outputs[-1]
        read = [output * share for output, share in zip(outputs, kept)] or outputs
        # What each layer was given in the loop: the output below it, and its own, a step before.
        fed_back = [
            tf.concat([below, shift_right(first[0], own)], axis=2)
            for below, own, first in zip(
                [shift_right(state.attention_vector, vectors), *read], outputs, state.cells
            )
        ]
        return vectors, weights

    def step(
        self, inputs: tf.Tensor, memory: Memory, state: AttentionState
    ) -> tuple[tf.Tensor, tf.Tensor, AttentionState]:
        """One step.

        Args:
            inputs: float32[batch, units].
            memory: from `prepare`.
            state: from `initial_state` or the step before.

        Returns:
            The attention vector float32[batch, units], the attention weights
            float32[batch, source_time] (padding has exactly zero), and the next state.
        """
        self._bind_memory(memory)
        vector, after = self.wrapper(inputs, self._wrapper_state(memory, state))
        carried = (after.alignments,) if self.is_monotonic else ()
        cells = tuple(map(tuple, after.cell_state))
        return vector, after.alignments, AttentionState(cells, vector, carried)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        weights = {}
        for cell in self.cells:
            weights |= cell.named_weights()
        weights |= {
            "memory_layer/kernel": self.mechanism.memory_layer.kernel,
            "attention_layer/kernel": self.attention_layer.kernel,
        }
        if self.mechanism.query_layer is not None:
            weights["query_layer/kernel"] = self.mechanism.query_layer.kernel
        for name, attribute in _MECHANISM_VARIABLES.items():
            if getattr(self.mechanism, attribute, None) is not None:
                weights[name] = getattr(self.mechanism, attribute)
        return weights

    def _bind_memory(self, memory: Memory) -> None:
        # What `prepare` had the mechanism compute is given back to it. To set it up once more
        # would compute keys and mask at each step of a loop: the mechanism takes its batch size
        # from the new keys, so TensorFlow cannot prune them.
        self.mechanism.values = memory.values
        self.mechanism.keys = memory.keys
        self.mechanism.batch_size = tf.shape(memory.keys)[0]
        self.mechanism.probability_fn = _mask_scores(self._probability_fn, memory.mask)

    def _previous_alignments(self, memory: Memory, state: AttentionState) -> tf.Tensor:
        """float[batch, source_time]; most mechanisms do not read those of the step before."""
        if self.is_monotonic:
            return state.before[0]
        return tf.zeros(tf.shape(memory.values)[:2], memory.values.dtype)

    def _wrapper_state(self, memory: Memory, state: AttentionState) -> AttentionWrapperState:
        weights = self._previous_alignments(memory, state)
        return AttentionWrapperState(
            cell_state=state.cells,
            attention=state.attention_vector,
            alignments=weights,
            attention_state=weights,
            alignment_history=(),
        )


# Weights that some mechanisms have: a name of our own, and TensorFlow Addons'.
_MECHANISM_VARIABLES = {
    "scale": "scale_weight",
    "attention_v": "attention_v",
    "attention_g": "attention_g",
    "attention_b": "attention_b",
    "score_bias": "attention_score_bias",
}


def make_mechanism(config: ModelConfig):
    units = config.units
    match config.attention:
        case "bahdanau" | "normed_bahdanau":
            return BahdanauAttention(units, normalize=config.attention == "normed_bahdanau")
        case "luong_monotonic":
            return LuongMonotonicAttention(units)
        case "bahdanau_monotonic":
            return BahdanauMonotonicAttention(units)
    return LuongAttention(units, scale=config.attention == "scaled_luong")


def _initial_alignments(memory: Memory) -> tf.Tensor:
    """float[batch, source_time]: where monotonic attention begins."""
    rows, source_time = tf.unstack(tf.shape(memory.values)[:2])
    return tf.one_hot(tf.zeros([rows], tf.int32), source_time, dtype=memory.values.dtype)


def _mask_scores(probability_fn, mask: tf.Tensor):
    """A mechanism's own way from scores to weights, which gives padding exactly zero."""

    def probabilities(scores, before):
        scores = tf.where(mask, scores, scores.dtype.min)
        # Without the rank TensorFlow's cost model logs a line at each run.
        return probability_fn(tf.ensure_shape(scores, [None, None]), before)

    return probabilities
