"""Step-by-step decoding: the client passes the state from call to call, the server keeps none."""

import tensorflow as tf

from attention_seq2seq.models.attention.mechanisms import Memory
from attention_seq2seq.models.attention.rnn import AttentionState
from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.serving.saved_model.checks import GraphCheck, assert_all
from attention_seq2seq.serving.saved_model.outputs import prompt_outputs
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import BOS, EOS, SPECIALS


class StepwiseDecoder:
    """Decodes one token a call.

    Args:
        model: ids to logits.
        tokenizer: the model's.
        forbidden_ids: int32[num_forbidden], never the next token.
    """

    def __init__(self, model: Seq2Seq, tokenizer: InGraphTokenizer, forbidden_ids):
        self.model = model
        self.tokenizer = tokenizer
        self.forbidden_ids = forbidden_ids

    @property
    def state_specs(self) -> dict[str, tf.TensorSpec]:
        """The state by its names: what `start` and `step` give, and what `step` takes."""
        units = self.model.decoder.units
        vector = tf.TensorSpec([None, units], tf.float32)
        specs = {name: vector for names in self._cell_names for name in names}
        if self.model.has_attention:
            memory = tf.TensorSpec([None, None, units], tf.float32)
            specs |= {
                "attention_vector": vector,
                "memory_values": memory,
                "memory_keys": memory,
                "memory_mask": tf.TensorSpec([None, None], tf.bool),
            }
            if self.model.decoder.rnn.is_monotonic:
                specs["memory_weights"] = tf.TensorSpec([None, None], tf.float32)
        return {name: tf.TensorSpec(s.shape, s.dtype, name) for name, s in specs.items()}

    def encode(self, prompts: EncodedPrompts) -> dict:
        """The state before the first word, and what is fed to the first step: [rows, ...]."""
        num_rows = tf.shape(prompts.ids)[0]
        ids, length = (_pad_rows(x, num_rows) for x in (prompts.ids, prompts.length))
        # A row of padding is a prompt too, of one word.
        encoded = self.model.encoder(ids, tf.maximum(length, 1))
        memory, state = self.model.decoder.initial_state(encoded)
        outputs = {name: x[:num_rows] for name, x in self._flatten_state(memory, state).items()}
        return {
            **outputs,
            "ids": tf.fill([num_rows], BOS),
            **prompt_outputs(prompts),
        }

    def decode_step(self, ids: tf.Tensor, named: dict[str, tf.Tensor]) -> dict:
        """One word further.

        Args:
            ids: int32[rows], the words before.
            named: the state, as `state_specs` says.

        Returns:
            The next state, the most probable next words that may be said, how probable every word
            is, and where the decoder looked.
        """
        ids, named = self._check(ids, named)
        num_rows = tf.shape(ids)[0]
        rows = tf.nest.map_structure(lambda x: _pad_rows(x, num_rows), {"ids": ids, **named})
        memory, state = self._unflatten_state(rows)
        logits, weights, after = self.model.decoder.step(rows["ids"], memory, state)
        token_log_probs = tf.nn.log_softmax(logits)
        forbidden = tf.reduce_any(
            tf.one_hot(self.forbidden_ids, tf.shape(logits)[1], True, False), axis=0
        )
        allowed = tf.where(forbidden, float("-inf"), logits)
        next_ids = tf.argmax(allowed, axis=1, output_type=tf.int32)
        ended = next_ids == EOS
        outputs = {
            **self._flatten_state(memory, after),
            "ids": next_ids,
            "tokens": tf.where(
                ended, SPECIALS[EOS], self.tokenizer.target_vocabulary.tokens(next_ids)
            ),
            "ended": ended,
            "log_probabilities": token_log_probs,
        }
        if self.model.has_attention:
            outputs["attention_weights"] = weights
        return {name: output[:num_rows] for name, output in outputs.items()}

    @property
    def _cell_names(self) -> list[list[str]]:
        """Of each layer the names of its state: h and c of an LSTM, h of a GRU, then h_2 ..."""
        return [
            [name + (f"_{number}" if number > 1 else "") for name in ("h", "c")[: cell.num_states]]
            for number, cell in enumerate(self.model.decoder.rnn.cells, 1)
        ]

    def _flatten_state(self, memory, state) -> dict:
        cells = state.cell_state if self.model.has_attention else state
        named = {}
        for names, of_cell in zip(self._cell_names, cells):
            named |= dict(zip(names, of_cell))
        if not self.model.has_attention:
            return named
        return {
            **named,
            "attention_vector": state.attention_vector,
            **{f"memory_{name}": tensor for name, tensor in memory._asdict().items()},
            # Where a monotonic attention was, word by word.
            **dict(zip(["memory_weights"], state.alignments)),
        }

    def _unflatten_state(self, named):
        """The memory and the state as the decoder has them."""
        cells = tuple(tuple(named[name] for name in names) for names in self._cell_names)
        if not self.model.has_attention:
            return (), cells
        memory = Memory(**{name: named[f"memory_{name}"] for name in Memory._fields})
        before = tuple(named[name] for name in ("memory_weights",) if name in named)
        return memory, AttentionState(cells, named["attention_vector"], before)

    def _check(self, ids, named):
        size = self.model.decoder.embedding.input_dim
        rows = tf.stack([tf.shape(tensor)[0] for tensor in named.values()])
        checks = [
            GraphCheck(
                tf.reduce_all((ids >= 0) & (ids < size)),
                f"ids is {{}}; expected ids of words, 0 to {size - 1}.",
                (ids,),
            ),
            GraphCheck(
                tf.reduce_all(rows == tf.size(ids)),
                "ids has {} rows and the state {}; expected as many of each.",
                (tf.size(ids), rows),
            ),
        ]
        if self.model.has_attention:
            times = tf.stack([tf.shape(x)[1] for n, x in named.items() if n.startswith("memory_")])
            checks.append(
                GraphCheck(
                    tf.reduce_all(times == times[0]) & (times[0] > 0),
                    "what begins with memory_ is for {} words; expected as many of each, and at "
                    "least one.",
                    (times,),
                )
            )
        ids, *tensors = assert_all(checks, ids, *named.values())
        return ids, dict(zip(named, tensors))


def _pad_rows(tensor, num_rows):
    """Rows of zeros behind one or none: a row alone is rounded differently from one of several."""
    missing = tf.maximum(2 - num_rows, 0)
    return tf.pad(tensor, [[0, missing], *[[0, 0]] * (tensor.shape.rank - 1)])
