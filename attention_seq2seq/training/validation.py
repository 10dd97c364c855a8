"""What is measured at the end of each epoch: on validation pairs, and on replies to prompts."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.evaluation.metrics import distinct_n, most_common_ratio, normalized_entropy
from attention_seq2seq.models.seq2seq import Seq2Seq
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
    "commonest": True,
}

# Of these, what is measured on replies to probe prompts; the others on validation pairs.
SAMPLE_METRICS = ("distinct_1", "distinct_2", "commonest")


class Probe(NamedTuple):
    """A reply to one of the prompts that a training is watched by.

    Attributes:
        prompt: the words of the prompt.
        reply: the words of the reply.
        text: the reply.
        attention_weights: float32[reply_time, source_time]; without attention float32[_, 0].
        rows: the labels of the rows of the weights.
    """

    prompt: Sequence[str]
    reply: Sequence[str]
    text: str
    attention_weights: np.ndarray
    rows: Sequence[str]


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


def sample_metrics(probes: Iterable[Probe]) -> dict[str, float]:
    """probe_distinct_1, probe_distinct_2, probe_commonest, and probe_flatness of the attention.

    Flatness is the entropy of the weights on a prompt, as a share of what it is where all words
    have the same weight; the mean over all words of replies to prompts of two words and more.
    """
    probes = list(probes)
    replies = [probe.reply for probe in probes]
    found = {"probe_commonest": most_common_ratio(replies)}
    for size in (1, 2):
        long_enough = any(len(reply) >= size for reply in replies)
        found[f"probe_distinct_{size}"] = distinct_n(replies, size) if long_enough else 0.0
    flat = [
        normalized_entropy(row)
        for probe in probes
        for row in probe.attention_weights
        if len(row) > 1
    ]
    if flat:
        found["probe_flatness"] = float(np.mean(flat))
    return found


def metric_value(metric: str, measured: dict[str, float]) -> float | None:
    """A metric of `METRICS` among what was measured; None where it was not."""
    return measured.get(f"probe_{metric}" if metric in SAMPLE_METRICS else f"val_{metric}")


def best_epoch(metric: str, history: Sequence[dict[str, float]]) -> int | None:
    """The number of the first epoch that none was better than; None where it was not measured."""
    values = [metric_value(metric, measured) for measured in history]
    if None in values or not values:
        return None
    return values.index(min(values) if LOWER_IS_BETTER[metric] else max(values))


Probing = Callable[[], Sequence[Probe]]


class Prober(Protocol):
    """Knows some prompts, and how a model that is being trained is asked them.

    Attributes:
        prompts: the prompts.
    """

    prompts: Sequence[str]

    def __call__(self, model: Seq2Seq, tokenizer: Seq2SeqTokenizer, config: Config) -> Probing:
        """What answers them, with the weights that the model has when it is called."""
