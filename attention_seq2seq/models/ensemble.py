"""Several models that answer as one."""

import math
from collections.abc import Sequence

import tensorflow as tf

from attention_seq2seq.models.seq2seq import Seq2Seq


class Ensemble(tf.Module):
    """Models whose opinions on the next word are averaged: fewer mistakes, for their time together.

    Each has learnt by heart something else that is not so; the mean of their probabilities has
    less of it than any. Trained from other seeds, or with other options, they need the same words.

    It answers, by `start`, as `Seq2Seq` does; it is not trained.

    Args:
        models: of one vocabulary for prompts and one for replies; all of them attend, or none.

    Raises:
        ValueError: there is none, they have different numbers of words, or only some attend.

    Source:
        Hansen and Salamon: Neural Network Ensembles, IEEE Transactions on Pattern Analysis and
        Machine Intelligence 12(10), 1990; of seq2seq models Sutskever et al., NIPS 2014.
    """

    def __init__(self, models: Sequence[Seq2Seq]):
        super().__init__(name="ensemble")
        if len({(model.attends, model.num_words) for model in models}) != 1:
            found = ", ".join(
                f"one of {model.num_words} words {'with' if model.attends else 'without'} attention"
                for model in models
            )
            raise ValueError(
                f"got {found or 'no model'}; expected models that all say the same words, and "
                "that all attend, or none of them."
            )
        self.models = list(models)
        self.attends = models[0].attends
        self.num_words = models[0].num_words

    def start(self, source_ids: tf.Tensor, source_length: tf.Tensor, prompts=None):
        """Reads prompts and gets ready to answer; see `Seq2Seq.start`."""
        return _together([model.start(source_ids, source_length, prompts) for model in self.models])

    def prepare_unconditional(self, num_rows: tf.Tensor):
        """Gets ready to say what is said whatever the prompt; see `Seq2Seq`."""
        return _together([model.prepare_unconditional(num_rows) for model in self.models])


def _together(started: Sequence[tuple]):
    """A step of all models, and the states of all."""
    steps, states = zip(*started)

    def step(ids, states):
        stepped = [step(ids, state) for step, state in zip(steps, states)]
        each = tf.stack([tf.nn.log_softmax(logits) for logits, _, _ in stepped])
        logits = tf.reduce_logsumexp(each, axis=0) - math.log(len(steps))
        attention_weights = tf.add_n([weights for _, weights, _ in stepped]) / len(steps)
        return logits, attention_weights, tuple(state for _, _, state in stepped)

    return step, tuple(states)
