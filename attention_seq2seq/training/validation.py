"""Validation after each epoch, and the choice of the best one."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, UNK
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.utils.tf_function import graph_function

# Whether less of it is better.
LOWER_IS_BETTER = {
    "loss": True,
    "perplexity": True,
    "character_perplexity": True,
    "accuracy": False,
    "distinct_1": False,
    "distinct_2": False,
    "most_common_ratio": True,
}

# Metrics of the replies to sample prompts; the others are of validation pairs.
SAMPLE_METRICS = ("distinct_1", "distinct_2", "most_common_ratio")


class Validator:
    """Measures on validation pairs.

    Perplexity a character compares models whose words are of different lengths. An end of reply
    and an unknown word count as one character each: what an unknown word was, ids do not tell.
    Blanks do not count, which are words where characters are, and none where jieba cuts.

    Args:
        task: the model with its loss.
        batches: as from `batching.batches`.
        tokenizer: the model's; its tokens have characters.
        distributor: who share the work.
    """

    def __init__(
        self,
        task: Seq2SeqObjective,
        batches: tf.data.Dataset,
        tokenizer: Seq2SeqTokenizer,
        distributor: Distributor,
    ):
        self._batches = batches
        words = tokenizer.target.vocabulary.tokens(range(len(tokenizer.target.vocabulary)))
        lengths = np.array([len(word.strip()) for word in words])
        lengths[[EOS, UNK]] = 1
        self._lengths = lengths
        eval_step = distributor.all_reduce_sum(task.eval_step)
        self._eval_step = graph_function(eval_step, input_signature=[batches.element_spec])

    def __call__(self) -> dict[str, float]:
        """val_loss, val_perplexity, val_character_perplexity, val_accuracy."""
        loss = correct = tokens = characters = 0.0
        for batch in self._batches:
            sums = self._eval_step(batch)
            loss += float(sums.loss)
            correct += float(sums.num_correct)
            tokens += float(sums.num_tokens)
            real = tf.sequence_mask(batch["target_length"], tf.shape(batch["target_ids"])[1])
            characters += int(self._lengths[batch["target_ids"].numpy()[real.numpy()]].sum())
        return {
            "val_loss": loss / tokens,
            "val_perplexity": perplexity(loss / tokens),
            "val_character_perplexity": perplexity(loss / characters),
            "val_accuracy": correct / tokens,
        }


def perplexity(loss: float) -> float:
    """Of a mean loss in nats; infinite where it is too large for a number."""
    return math.exp(loss) if loss < 700 else math.inf


def metric_value(metric: str, metrics: dict[str, float]) -> float | None:
    """Returns the value of the metric that selects the best epoch; None if it is missing."""
    return metrics.get(f"sample_{metric}" if metric in SAMPLE_METRICS else f"val_{metric}")


def best_epoch(metric: str, history: Sequence[dict[str, float]]) -> int | None:
    """Returns the index of the best epoch, the first one in a tie; None without the metric."""
    values = [metric_value(metric, metrics) for metrics in history]
    if None in values or not values:
        return None
    return values.index(min(values) if LOWER_IS_BETTER[metric] else max(values))
