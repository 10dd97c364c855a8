"""Step-by-step greedy search: one call decodes one token, and the caller keeps the state.

The state is a flat dictionary of tensors, so that it can be an input and an output of an exported
model. Replies are those of `greedy_search`.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from attention_seq2seq.decoding.candidates import top_k_candidates
from attention_seq2seq.decoding.logits_processors import depends_on_tokens, suppress_tokens
from attention_seq2seq.decoding.params import PARAMS_SPEC, DecodingParams, PackedParams
from attention_seq2seq.decoding.step import DecoderModel, StepOutput
from attention_seq2seq.utils.tf_function import LazyConcreteFunction, noinline

_IDS = tf.TensorSpec([None, None], tf.int32)
_VECTOR = tf.TensorSpec([None], tf.int32)


class StepwiseOutput(NamedTuple):
    """Result of one step.

    Attributes:
        ids: int32[rows], the most probable tokens that the logits processors allow.
        log_probs: float32[rows, vocab], log-probabilities before logits processors.
        attention_weights: float[rows, source_time], attention weights of this step.
        state: the next state.
    """

    ids: tf.Tensor
    log_probs: tf.Tensor
    attention_weights: tf.Tensor
    state: dict[str, tf.Tensor]


class StepwiseGreedySearch:
    """Greedy search with one call for each token. All rows of a call are at the same position.

    All logits processors are applied. `mmi_weight` is ignored. All functions are thread-safe.

    Args:
        model: the model.
        bos_id: id of the BOS token, the first input.
        eos_id: id of the EOS token.
    """

    def __init__(self, model: DecoderModel, bos_id: int, eos_id: int):
        self.model = model
        self.bos_id = bos_id
        self.eos_id = eos_id
        self._initial_model_state = LazyConcreteFunction(model.initial_state, [_IDS, _VECTOR])

    @property
    def state_specs(self) -> dict[str, tf.TensorSpec]:
        """The named tensors of the state."""
        specs = {
            **flatten_state(*self._initial_model_state.output_specs),
            "sequences": _IDS,
            "prompt_target_ids": _IDS,
        }
        return {name: tf.TensorSpec(s.shape, s.dtype, name) for name, s in specs.items()}

    def initial_state(
        self, source_ids: tf.Tensor, source_length: tf.Tensor, prompt_target_ids: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Encodes prompts.

        Args:
            source_ids: int32[rows, source_time], the prompts, padded with 0.
            source_length: int32[rows], number of tokens of each prompt.
            prompt_target_ids: int32[rows, source_time], ids of the prompts in the target
                vocabulary, -1 for OOV tokens.

        Returns:
            The initial state: the tensors of the model, prompt_target_ids, and the previous inputs
            of `step`, sequences int32[rows, time].
        """
        num_rows = tf.shape(source_ids)[0]
        # Attention needs at least one token, so padding rows have one.
        state = self._initial_model_state(
            _pad_rows(source_ids), tf.maximum(_pad_rows(source_length), 1)
        )
        return {
            **{name: tensor[:num_rows] for name, tensor in flatten_state(*state).items()},
            "sequences": tf.zeros([num_rows, 0], tf.int32),
            "prompt_target_ids": prompt_target_ids,
        }

    def stream(
        self, source_ids: Sequence[int], prompt_target_ids: Sequence[int], params: DecodingParams
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Decodes one prompt until the end of the reply or the maximum length.

        Args:
            source_ids: the prompt.
            prompt_target_ids: ids of the prompt in the target vocabulary, -1 for OOV tokens.
            params: the parameters of the search, from `DecodingParams.from_config`.

        Yields:
            The id of each token, in a list, and its attention weights float32[1, source_time].
        """
        state = self.initial_state(
            tf.constant([source_ids]),
            tf.constant([len(source_ids)]),
            tf.constant([prompt_target_ids]),
        )
        ids, packed = tf.constant([self.bos_id]), params.pack()
        for _ in range(int(params.max_length)):
            ids, _, attention_weights, state = self.step(ids, state, packed)
            if ids[0] == self.eos_id:
                return
            yield ids.numpy().tolist(), attention_weights.numpy()

    @functools.cached_property
    def step(self) -> LazyConcreteFunction:
        """Function from ids int32[rows], the state and `PackedParams` to `StepwiseOutput`.

        The ids are those of the previous step, or `bos_id`.
        """
        return LazyConcreteFunction(self._step, [_VECTOR, self.state_specs, PARAMS_SPEC])

    def _step(self, ids, state: dict, packed: PackedParams) -> StepwiseOutput:
        params = packed.unpack()
        num_rows = tf.shape(ids)[0]
        ids, state = tf.nest.map_structure(_pad_rows, (ids, state))
        memory, model_state = unflatten_state(state, *self._initial_model_state.output_specs)
        output = StepOutput(*self.model.step(ids, memory, model_state))
        sequences = tf.concat([state["sequences"], ids[:, tf.newaxis]], axis=1)
        suppressing = suppress_tokens(
            params.suppressed_ids, self.model.vocabulary_size, self.bos_id, self.eos_id
        )
        processors = suppressing._replace(
            params=params, prompt_target_ids=state["prompt_target_ids"]
        )

        def select(processors):
            # Drops the first input, BOS, and adds a position for the next token.
            tokens = tf.pad(sequences[:, 1:], [[0, 0], [0, 1]])
            time = tf.shape(sequences)[1] - 1
            return top_k_candidates(output, 1, processors, tokens, time).ids[:, 0]

        next_ids = tf.cond(
            depends_on_tokens(params),
            noinline(lambda: select(processors)),
            noinline(lambda: select(suppressing)),
        )
        next_state = {
            **flatten_state(memory, output.state),
            "sequences": sequences,
            "prompt_target_ids": state["prompt_target_ids"],
        }
        log_probs = tf.nn.log_softmax(tf.cast(output.logits, tf.float32))
        results = StepwiseOutput(next_ids, log_probs, output.attention_weights, next_state)
        return tf.nest.map_structure(lambda tensor: tensor[:num_rows], results)


def flatten_state(memory: Any, state: Any) -> dict[str, Any]:
    """Returns the tensors of a model's memory and state by name.

    The states of the decoder layers are h and c, then h_2 and c_2 for the second layer. A GRU has
    no c. In an ensemble, names start with model_0_ for the first model, model_1_ for the second.
    """
    return dict(zip(_tensor_names(memory, state), tf.nest.flatten((memory, state))))


def unflatten_state(tensors: dict[str, tf.Tensor], memory: Any, state: Any) -> tuple:
    """Returns memory and state from named tensors; the inverse of `flatten_state`.

    Args:
        tensors: the tensors by name; tensors with other names are ignored.
        memory: a memory of the same structure.
        state: a state of the same structure.
    """
    flat = [tensors[name] for name in _tensor_names(memory, state)]
    return tf.nest.pack_sequence_as((memory, state), flat)


def _tensor_names(memory: Any, state: Any) -> list[str]:
    """Returns a name for each tensor, in the order of `tf.nest.flatten`."""
    return _memory_names(memory) + _state_names(state)


def _memory_names(memory: Any) -> list[str]:
    if isinstance(memory, dict):
        return [f"{key}_{name}" for key in sorted(memory) for name in _memory_names(memory[key])]
    return [f"memory_{name}" for name in memory._fields] if memory else []


def _state_names(state: Any) -> list[str]:
    if isinstance(state, dict):
        return [f"{key}_{name}" for key in sorted(state) for name in _state_names(state[key])]
    has_attention = hasattr(state, "attention_vector")
    names = [
        name + (f"_{layer}" if layer > 1 else "")
        for layer, cell_state in enumerate(state.cell_state if has_attention else state, 1)
        for name in ("h", "c")[: len(cell_state)]
    ]
    if not has_attention:
        return names
    return [*names, "attention_vector", *["memory_weights"] * len(state.alignments)]


def _pad_rows(tensor: tf.Tensor) -> tf.Tensor:
    """Pads a batch to at least two rows, because a single row is rounded differently."""
    num_missing = tf.maximum(2 - tf.shape(tensor)[0], 0)
    return tf.pad(tensor, [[0, num_missing], *[[0, 0]] * (tensor.shape.rank - 1)])
