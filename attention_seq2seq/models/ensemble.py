"""Ensemble of models."""

import math
from collections.abc import Sequence

import tensorflow as tf

from attention_seq2seq.models.seq2seq import Seq2Seq


class Ensemble(tf.Module):
    """Averages the next-token probabilities of several models.

    Models trained with different seeds or options make different mistakes, and the average makes
    fewer. Decoding takes the time of all models together. An ensemble has the decoding methods of
    `Seq2Seq`, but cannot be trained.

    Args:
        models: models with the same vocabularies, and attention in all models or in none.

    Raises:
        ValueError: there is no model, the sizes of the vocabularies differ, or only some models
            have attention.

    Source:
        Hansen and Salamon: Neural Network Ensembles, IEEE Transactions on Pattern Analysis and
        Machine Intelligence 12(10), 1990. For seq2seq models: Sutskever et al., NIPS 2014.
    """

    def __init__(self, models: Sequence[Seq2Seq]):
        super().__init__(name="ensemble")
        if not models:
            raise ValueError("Cannot ensemble zero models; expected at least one.")
        if len({(model.has_attention, model.vocabulary_size) for model in models}) > 1:
            descriptions = ", ".join(
                f"{model.vocabulary_size} tokens and "
                f"{'attention' if model.has_attention else 'no attention'}"
                for model in models
            )
            raise ValueError(
                f"Cannot ensemble models with {descriptions}; expected equal target vocabularies, "
                "and attention in all models or in none."
            )
        self.models = list(models)
        self.has_attention = models[0].has_attention
        self.vocabulary_size = models[0].vocabulary_size

    def initial_state(self, source_ids: tf.Tensor, source_length: tf.Tensor) -> tuple:
        """Returns the memory and the initial state of each model by name."""
        return _by_name([model.initial_state(source_ids, source_length) for model in self.models])

    def unconditional_state(self, num_rows: tf.Tensor) -> tuple:
        """Returns the memory and the initial state of each model by name, without a prompt."""
        return _by_name([model.unconditional_state(num_rows) for model in self.models])

    def step(self, ids: tf.Tensor, memory: dict, state: dict) -> tuple:
        """Decodes one token of each row, like `Seq2Seq.step`."""
        outputs = {
            name: model.step(ids, memory[name], state[name])
            for name, model in zip(state, self.models)
        }
        all_logits, all_weights, states = zip(*outputs.values())
        log_probs = tf.stack([tf.nn.log_softmax(logits) for logits in all_logits])
        logits = tf.reduce_logsumexp(log_probs, axis=0) - math.log(len(self.models))
        attention_weights = tf.add_n(all_weights) / len(self.models)
        return logits, attention_weights, dict(zip(outputs, states))


def _by_name(prepared: Sequence[tuple]) -> tuple[dict, dict]:
    """Returns the memories and the states of all models by name."""
    names = [f"model_{index}" for index in range(len(prepared))]
    memories, states = zip(*prepared)
    return dict(zip(names, memories)), dict(zip(names, states))
