"""Recurrent layers with attention.

TensorFlow Addons keeps the memory on the layer from one call to the next. Here every call passes
the memory and sets it up before the cell is used, so no state is kept between calls.
"""

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.attention.mechanisms import (
    MECHANISM_VARIABLES,
    Memory,
    initial_alignments,
    make_mechanism,
    mask_scores,
)
from attention_seq2seq.models.attention.tfa import AttentionWrapper, AttentionWrapperState
from attention_seq2seq.models.cells.factory import StackedRNNCells, make_cell
from attention_seq2seq.models.cells.recurrent import State, shift_right
from attention_seq2seq.models.encoder import EncoderOutput
from attention_seq2seq.models.layers.matmul import EmbeddedIds, matmul, recurrent_matmul

_NAME = "Attention_Wrapper"


class AttentionState(NamedTuple):
    """The decoder's state between two steps.

    Attributes:
        cell_state: for each layer (h, c) of an LSTM or (h,) of a GRU, each float[batch, units].
        attention_vector: float[batch, units], part of the next input (input feeding).
        alignments: the attention weights (float[batch, source_time],) of monotonic mechanisms,
            whose next weights depend on them; () of all other mechanisms.
    """

    cell_state: tuple[State, ...]
    attention_vector: tf.Tensor
    alignments: tuple[tf.Tensor, ...]


class AttentionRNN(keras.layers.Layer):
    """Recurrent layers that attend to the memory at each step: the article's AttentionWrapper.

    With query h_t (the last layer's output) and memory h_s (Luong et al. 2015):

        scores             = h_t W_a h_s                     (eq. 8, "general")
        attention_weights  = softmax(scores)                 (eq. 7)
        context            = sum of attention_weights h_s
        attention_vector   = W_c [h_t; context]              (eq. 5; with tanh, as an option)

    Other mechanisms have other scores: bahdanau v tanh(W_a h_s + W_q h_t) (Bahdanau et al. 2015),
    normed_bahdanau the same with v scaled to a learned length (Salimans and Kingma 2016). The
    monotonic mechanisms pass over the prompt once, from left to right, and their weights sum to at
    most 1 (Raffel et al. 2017).

    Args:
        config: the model's options.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(name="attention_rnn")
        units = config.units
        self.units = units
        self.mechanism = make_mechanism(config)
        self.is_monotonic = config.attention.endswith("monotonic")
        # The mechanism's own function; `_bind_memory` wraps it to mask padding.
        self._probability_fn = self.mechanism.probability_fn
        self.attention_layer = keras.layers.Dense(
            units,
            use_bias=False,
            activation=config.attention_layer_activation,
            name="attention_layer",
        )
        self.attention_layer.build([None, 2 * units])
        # The first layer reads a token and the attention vector of the step before (input
        # feeding), the other layers read the output of the layer below.
        self.cells = [
            make_cell(config, units, units if layer_index else 2 * units, layer_index)
            for layer_index in range(config.decoder_depth)
        ]
        self.wrapper = AttentionWrapper(
            StackedRNNCells(self.cells),
            self.mechanism,
            attention_layer=self.attention_layer,
            name=_NAME,
        )

    def setup_memory(self, encoded: EncoderOutput) -> Memory:
        """Returns the memory of encoded prompts."""
        self.mechanism.setup_memory(encoded.outputs, encoded.length)
        mask = tf.sequence_mask(encoded.length, tf.shape(encoded.outputs)[1])
        return Memory(self.mechanism.values, self.mechanism.keys, mask)

    def initial_state(self, cell_state: tuple[State, ...], memory: Memory) -> AttentionState:
        """Returns the state before the first step, with an attention vector of zeros."""
        alignments = (initial_alignments(memory),) if self.is_monotonic else ()
        return AttentionState(cell_state, tf.zeros_like(cell_state[0][0]), alignments)

    def unroll(
        self,
        inputs: tf.Tensor | EmbeddedIds,
        memory: Memory,
        state: AttentionState,
        dtype: tf.DType = tf.float32,
        dropout_masks: Sequence[tf.Tensor] = (),
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs over a whole sequence, as in training.

        The plain loop, with what `step` does at each position:

            for t in range(target_time):
                attention_vector, attention_weights, state = step(inputs[t], memory, state)

        All products that do not depend on the step before are computed before the loop.

        Args:
            inputs: float32[target_time, batch, units], or ids with their embeddings.
            memory: from `setup_memory`.
            state: from `initial_state`.
            dtype: dtype of the products with the layers' kernels, float32 or bfloat16; scores and
                contexts are float32.
            dropout_masks: factors of the outputs of each layer but the last, before the next layer
                reads them, float32[target_time, batch, units] each; none without dropout.

        Returns:
            The attention vectors float32[target_time, batch, units] and the attention weights
            float32[target_time, batch, source_time].
        """
        products, gates = [], []
        for layer_index, cell in enumerate(self.cells):
            kernel, recurrent_kernel, bias = cell.gate_weights()
            if layer_index:
                loop_kernel = kernel
                input_gates = tf.zeros_like(gates[0][:, :, :1]) + bias
            else:
                # Of the first layer's inputs only the attention vector is made in the loop.
                token_kernel, loop_kernel = tf.split(kernel, 2)
                input_gates = matmul(inputs, token_kernel, dtype) + bias
            product, cell_gates = recurrent_matmul(
                tf.concat([loop_kernel, recurrent_kernel], axis=0),
                input_gates,
                partial(lambda layer_index: loop_inputs[layer_index], layer_index),
                dtype,
            )
            products.append(product)
            gates.append(cell_gates)  # [target_time, batch, gates]
        attention_product, attention_bias = recurrent_matmul(
            tf.convert_to_tensor(self.attention_layer.kernel),
            tf.zeros_like(gates[0][:, :, : self.units]),
            lambda: tf.concat([h, tf.einsum("tbs,bsu->tbu", weights, memory.values)], 2),
            dtype,
        )
        self._bind_memory(memory)

        def loop_step(carry, step_inputs):
            cell_state, layer_input, weights = carry
            gates, attention_bias, masks = step_inputs
            next_states = []
            layers = zip_longest(self.cells, products, gates, cell_state, masks)
            for cell, product, cell_gates, (h, *rest), mask in layers:
                h, *rest = cell.next_state(
                    cell_gates + product(tf.concat([layer_input, h], 1)), (h, *rest)
                )
                layer_input = h if mask is None else h * mask
                next_states.append((h, *rest))
            query = layer_input  # the output of the last layer
            weights, _ = self.mechanism([query, weights])
            context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], memory.values), axis=1)
            vector = self.attention_layer.activation(
                attention_product(tf.concat([query, context], axis=1)) + attention_bias
            )
            return tuple(next_states), vector, weights

        carry = state.cell_state, state.attention_vector, self._previous_alignments(memory, state)
        cell_states, vectors, weights = tf.scan(
            loop_step, (tuple(gates), attention_bias, tuple(dropout_masks)), carry
        )
        outputs = [cell_state[0] for cell_state in cell_states]
        h = outputs[-1]
        masked = [output * mask for output, mask in zip(outputs, dropout_masks)] or outputs
        # The inputs of each layer inside the loop, for the gradient: the output of the layer
        # below and its own output of the step before.
        loop_inputs = [
            tf.concat([layer_input, shift_right(initial[0], output)], axis=2)
            for layer_input, output, initial in zip(
                [shift_right(state.attention_vector, vectors), *masked], outputs, state.cell_state
            )
        ]
        return vectors, weights

    def step(
        self, inputs: tf.Tensor, memory: Memory, state: AttentionState
    ) -> tuple[tf.Tensor, tf.Tensor, AttentionState]:
        """Makes one step.

        Args:
            inputs: float32[batch, units].
            memory: from `setup_memory`.
            state: from `initial_state` or the step before.

        Returns:
            The attention vector float32[batch, units], the attention weights
            float32[batch, source_time] (exactly zero at padding), and the next state.
        """
        self._bind_memory(memory)
        vector, wrapper_state = self.wrapper(inputs, self._wrapper_state(memory, state))
        alignments = (wrapper_state.alignments,) if self.is_monotonic else ()
        cell_state = tuple(map(tuple, wrapper_state.cell_state))
        return vector, wrapper_state.alignments, AttentionState(cell_state, vector, alignments)

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns the variables by the project's own names."""
        weights = {}
        for cell in self.cells:
            weights |= cell.named_weights()
        weights |= {
            "memory_layer/kernel": self.mechanism.memory_layer.kernel,
            "attention_layer/kernel": self.attention_layer.kernel,
        }
        if self.mechanism.query_layer is not None:
            weights["query_layer/kernel"] = self.mechanism.query_layer.kernel
        for name, attribute in MECHANISM_VARIABLES.items():
            if getattr(self.mechanism, attribute, None) is not None:
                weights[name] = getattr(self.mechanism, attribute)
        return weights

    def _bind_memory(self, memory: Memory) -> None:
        # The mechanism's `setup_memory` would compute keys and mask again at each step of a loop:
        # the mechanism takes its batch size from the new keys, so TensorFlow cannot prune them.
        self.mechanism.values = memory.values
        self.mechanism.keys = memory.keys
        self.mechanism.batch_size = tf.shape(memory.keys)[0]
        self.mechanism.probability_fn = mask_scores(self._probability_fn, memory.mask)

    def _previous_alignments(self, memory: Memory, state: AttentionState) -> tf.Tensor:
        """float[batch, source_time]; zeros for mechanisms that do not read them."""
        if self.is_monotonic:
            return state.alignments[0]
        return tf.zeros(tf.shape(memory.values)[:2], memory.values.dtype)

    def _wrapper_state(self, memory: Memory, state: AttentionState) -> AttentionWrapperState:
        alignments = self._previous_alignments(memory, state)
        return AttentionWrapperState(
            cell_state=state.cell_state,
            attention=state.attention_vector,
            alignments=alignments,
            attention_state=alignments,
            alignment_history=(),
        )
