"""Recurrent layers with attention.

TensorFlow Addons stores the memory in the layer between calls. Here, every call passes the memory
and binds it before the cell is used, so no state is kept between calls.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.attention.backend import seq2seq
from attention_seq2seq.models.attention.mechanisms import (
    MECHANISM_VARIABLES,
    Memory,
    initial_alignments,
    make_mechanism,
    mask_scores,
)
from attention_seq2seq.models.cells.factory import StackedRNNCells, make_cell
from attention_seq2seq.models.cells.recurrent import State, shift_right
from attention_seq2seq.models.encoder import EncoderOutput
from attention_seq2seq.models.layers.matmul import EmbeddedIds, RecurrentMatmul, matmul

_NAME = "Attention_Wrapper"


class AttentionState(NamedTuple):
    """State of the decoder between two steps.

    Attributes:
        cell_state: for each layer, (h, c) for an LSTM or (h,) for a GRU, each float[batch, units].
        attention_vector: float[batch, units], part of the next input (input feeding).
        alignments: for monotonic mechanisms, (float[batch, source_time],), the attention weights
            that the next weights depend on; for other mechanisms, ().
    """

    cell_state: tuple[State, ...]
    attention_vector: tf.Tensor
    alignments: tuple[tf.Tensor, ...]


class AttentionRNN(keras.layers.Layer):
    """Recurrent layers with attention at each step, the article's `AttentionWrapper`.

    With query h_t (the last layer's output) and memory h_s (Luong et al. 2015):

        scores             = h_t W_a h_s                     (eq. 8, "general")
        attention_weights  = softmax(scores)                 (eq. 7)
        context            = sum of attention_weights h_s
        attention_vector   = W_c [h_t; context]              (eq. 5, optionally with tanh)

    Other mechanisms have other scores. The score of bahdanau is v tanh(W_a h_s + W_q h_t)
    (Bahdanau et al. 2015). In normed_bahdanau, v has a learned length (Salimans and Kingma 2016).
    Monotonic mechanisms attend to the prompt once, from left to right, with weights that sum to at
    most 1 (Raffel et al. 2017).

    Args:
        config: the options of the model.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(name="attention_rnn")
        self.built = True
        units = config.units
        self.units = units
        self.mechanism = make_mechanism(config)
        self.is_monotonic = config.attention.endswith("monotonic")
        # `_bind_memory` wraps this function to mask padding.
        self._probability_fn = self.mechanism.probability_fn
        self.attention_layer = keras.layers.Dense(
            units,
            use_bias=False,
            activation=config.attention_layer_activation,
            name="attention_layer",
        )
        self.attention_layer.build([None, 2 * units])
        # The first layer reads a token and the previous attention vector (input feeding). Other
        # layers read the output of the layer below.
        self.cells = [
            make_cell(config, units, units if layer_index else 2 * units, layer_index)
            for layer_index in range(config.decoder_depth)
        ]
        self.wrapper = seq2seq.AttentionWrapper(
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
        """Returns the initial state, with an attention vector of zeros."""
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

        The plain loop:

            for t in range(target_time):
                x = inputs[t], attention_vector
                for layer, cell in enumerate(cells):
                    state[layer] = cell(x, state[layer])
                    x = h of state[layer], with dropout unless the layer is the last
                attention_weights[t] = mechanism(x, memory)
                context = sum of attention_weights[t] * memory
                attention_vector = vectors[t] = attention_layer(x, context)

        All products that do not depend on the previous step are computed before the loop.

        Args:
            inputs: float32[target_time, batch, units], or ids with their embeddings.
            memory: the memory from `setup_memory`.
            state: the state from `initial_state`.
            dtype: dtype of the products with kernels, float32 or bfloat16; scores and contexts are
                float32.
            dropout_masks: factors of the outputs of each layer except the last,
                float32[target_time, batch, units] each; empty without dropout.

        Returns:
            The attention vectors float32[target_time, batch, units] and the attention weights
            float32[target_time, batch, source_time].
        """
        gate_products, gates = self._precompute_gates(inputs, dtype)
        attention_product = RecurrentMatmul(
            tf.convert_to_tensor(self.attention_layer.kernel), dtype
        )
        attention_bias = attention_product.with_kernel_gradient(
            tf.zeros_like(gates[0][:, :, : self.units])
        )  # [target_time, batch, units]
        self._bind_memory(memory)

        def loop_step(carry, step_inputs):
            cell_state, layer_input, weights = carry
            gates, attention_bias, masks = step_inputs
            next_cell_state = []
            for index, (cell, previous_state) in enumerate(zip(self.cells, cell_state)):
                layer_inputs = tf.concat([layer_input, previous_state[0]], axis=1)
                cell_gates = gates[index] + gate_products[index](layer_inputs)
                next_cell_state.append(cell.next_state(cell_gates, previous_state))
                layer_input = _mask_output(next_cell_state[-1][0], masks, index)
            query = layer_input  # [batch, units]
            weights, _ = self.mechanism([query, weights])  # [batch, source_time]
            context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], memory.values), axis=1)
            vector = self.attention_layer.activation(
                attention_product(tf.concat([query, context], axis=1)) + attention_bias
            )  # [batch, units]
            return tuple(next_cell_state), vector, weights

        carry = state.cell_state, state.attention_vector, self._previous_alignments(memory, state)
        # All [target_time, batch, ...].
        cell_states, vectors, weights = tf.scan(
            loop_step, (tuple(gates), attention_bias, tuple(dropout_masks)), carry
        )
        # Inputs of the products in the loop, for the gradients of their kernels.
        layer_input = shift_right(state.attention_vector, vectors)
        for index, (product, (h, *_)) in enumerate(zip(gate_products, cell_states)):
            previous_h = shift_right(state.cell_state[index][0], h)
            product.inputs = tf.concat([layer_input, previous_h], axis=2)
            layer_input = _mask_output(h, dropout_masks, index)
        contexts = tf.einsum("tbs,bsu->tbu", weights, memory.values)
        attention_product.inputs = tf.concat([layer_input, contexts], axis=2)
        return vectors, weights

    def _precompute_gates(self, inputs: tf.Tensor | EmbeddedIds, dtype: tf.DType):
        """Returns the in-loop product of each layer, and its gates without that product."""
        products, gates = [], []
        for cell in self.cells:
            kernel, recurrent_kernel, bias = cell.gate_weights()
            if gates:
                input_gates = tf.zeros_like(gates[0][:, :, :1]) + bias
            else:
                # Only the attention vector depends on the loop; the tokens are known before.
                token_kernel, kernel = tf.split(kernel, 2)
                input_gates = matmul(inputs, token_kernel, dtype) + bias
            product = RecurrentMatmul(tf.concat([kernel, recurrent_kernel], axis=0), dtype)
            products.append(product)
            gates.append(product.with_kernel_gradient(input_gates))  # [target_time, batch, gates]
        return products, gates

    def step(
        self, inputs: tf.Tensor, memory: Memory, state: AttentionState
    ) -> tuple[tf.Tensor, tf.Tensor, AttentionState]:
        """Computes one step.

        Args:
            inputs: float32[batch, units], embedded tokens.
            memory: the memory from `setup_memory`.
            state: the state from `initial_state` or the previous step.

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
        """Returns the variables by their names in saved weights."""
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
        # The mechanism's `setup_memory` would compute keys and mask again in each step of a loop.
        # TensorFlow cannot prune them, because the mechanism reads its batch size from new keys.
        self.mechanism.values = memory.values
        self.mechanism.keys = memory.keys
        self.mechanism.batch_size = tf.shape(memory.keys)[0]
        self.mechanism.probability_fn = mask_scores(self._probability_fn, memory.mask)

    def _previous_alignments(self, memory: Memory, state: AttentionState) -> tf.Tensor:
        """Returns float[batch, source_time], zeros for mechanisms that do not use them."""
        if self.is_monotonic:
            return state.alignments[0]
        return tf.zeros(tf.shape(memory.values)[:2], memory.values.dtype)

    def _wrapper_state(
        self, memory: Memory, state: AttentionState
    ) -> seq2seq.AttentionWrapperState:
        alignments = self._previous_alignments(memory, state)
        return seq2seq.AttentionWrapperState(
            cell_state=state.cell_state,
            attention=state.attention_vector,
            alignments=alignments,
            attention_state=alignments,
            alignment_history=(),
        )


def _mask_output(output: tf.Tensor, masks: Sequence[tf.Tensor], layer_index: int) -> tf.Tensor:
    """Applies dropout to the output float32[..., batch, units] of a layer except the last."""
    return output * masks[layer_index] if layer_index < len(masks) else output
