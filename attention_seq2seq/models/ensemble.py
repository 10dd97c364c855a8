"""Ensemble of models."""

import math
from collections.abc import Sequence

import tensorflow as tf

from attention_seq2seq.models.seq2seq import Seq2Seq


class Ensemble(tf.Module):
    """Averages the next-token probabilities of several models.

    Models trained with different seeds or options make different mistakes, and the average makes
    fewer. Decoding takes the time of all models together. An ensemble is decoded from like a
    `Seq2Seq`, but not trained.

    Args:
        models: models with the same vocabularies; either all of them have attention, or none.

    Raises:
        ValueError: there is no model, the sizes of the vocabularies differ, or only some models
            have attention.

    Source:
        Hansen and Salamon: Neural Network Ensembles, IEEE Transactions on Pattern Analysis and
        Machine Intelligence 12(10), 1990; of seq2seq models Sutskever et al., NIPS 2014.
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

    def prepare_decoding(
        self, source_ids: tf.Tensor, source_length: tf.Tensor, prompt_indices=None
    ):
        """Encodes prompts for step-by-step decoding; the arguments are those of `Seq2Seq`."""
        return _average_steps(
            [
                model.prepare_decoding(source_ids, source_length, prompt_indices)
                for model in self.models
            ]
        )

    def initial_state(self, source_ids: tf.Tensor, source_length: tf.Tensor) -> dict:
        """Returns the initial state of each model by name; see `Seq2Seq`."""
        return {
            f"model_{index}": model.initial_state(source_ids, source_length)
            for index, model in enumerate(self.models)
        }

    def step(self, ids: tf.Tensor, state: dict):
        """Decodes one token of each row; see `Seq2Seq`."""
        step, states = _average_steps(
            [(model.step, state[f"model_{index}"]) for index, model in enumerate(self.models)]
        )
        logits, weights, states = step(ids, states)
        return logits, weights, {f"model_{index}": part for index, part in enumerate(states)}

    def prepare_unconditional(self, num_rows: tf.Tensor):
        """Prepares decoding without a prompt; the arguments are those of `Seq2Seq`."""
        return _average_steps([model.prepare_unconditional(num_rows) for model in self.models])


def _average_steps(prepared: Sequence[tuple]):
    """Returns one step function that averages several, and the tuple of their states."""
    step_fns, initial_states = zip(*prepared)

    def step(ids, states):
        outputs = [step_fn(ids, state) for step_fn, state in zip(step_fns, states)]
        log_probs = tf.stack([tf.nn.log_softmax(logits) for logits, _, _ in outputs])
        logits = tf.reduce_logsumexp(log_probs, axis=0) - math.log(len(step_fns))
        attention_weights = tf.add_n([weights for _, weights, _ in outputs]) / len(step_fns)
        return logits, attention_weights, tuple(state for _, _, state in outputs)

    return step, tuple(initial_states)
