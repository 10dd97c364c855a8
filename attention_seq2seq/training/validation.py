"""Validation after each epoch."""

import math

import numpy as np
import tensorflow as tf

from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.spelling import num_characters
from attention_seq2seq.text.vocabulary import EOS, UNK
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.utils.tf_function import graph_function


class Validator:
    """Computes the metrics of the validation pairs.

    Perplexity per character compares models whose tokens have different lengths. EOS and unknown
    tokens count as one character each, because the text of an unknown token is not known. Blanks
    do not count, because they are tokens of a character tokenizer but not of jieba.

    Args:
        objective: the model with its loss.
        batches: batches of `eval_batches`.
        tokenizer: the tokenizer of the model.
        distributor: distributes the batches over devices and machines.
    """

    def __init__(
        self,
        objective: Seq2SeqObjective,
        batches: tf.data.Dataset,
        tokenizer: Seq2SeqTokenizer,
        distributor: Distributor,
    ):
        self._batches = batches
        vocabulary = tokenizer.target.vocabulary
        tokens = vocabulary.tokens(range(len(vocabulary)))
        # [vocab]
        self._num_characters = np.array(list(map(num_characters, tokens)))
        self._num_characters[[EOS, UNK]] = 1
        eval_step = distributor.all_reduce_sum(objective.eval_step)
        self._eval_step = graph_function(eval_step, input_signature=[batches.element_spec])

    def __call__(self) -> dict[str, float]:
        """Returns val_loss, val_perplexity, val_character_perplexity and val_accuracy."""
        loss = num_correct = num_tokens = num_characters = 0.0
        for batch in self._batches:
            sums = self._eval_step(batch)
            loss += float(sums.loss)
            num_correct += float(sums.num_correct)
            num_tokens += float(sums.num_tokens)
            is_token = tf.sequence_mask(batch["target_length"], tf.shape(batch["target_ids"])[1])
            ids = batch["target_ids"].numpy()[is_token.numpy()]  # [tokens]
            num_characters += int(self._num_characters[ids].sum())
        return {
            "val_loss": loss / num_tokens,
            "val_perplexity": perplexity(loss / num_tokens),
            "val_character_perplexity": perplexity(loss / num_characters),
            "val_accuracy": num_correct / num_tokens,
        }


def perplexity(loss: float) -> float:
    """Returns the exponential of a mean loss [nats]; infinity if it overflows."""
    return math.exp(loss) if loss < 700 else math.inf
