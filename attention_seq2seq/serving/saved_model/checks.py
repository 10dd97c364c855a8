"""Refusing inside a graph: a sentence for the caller, which costs nothing until it is needed."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.serving_limits import Caps
from attention_seq2seq.utils.tf_function import noinline


class Check(NamedTuple):
    """What must hold, and what is said if it does not.

    Attributes:
        holds: bool[].
        sentence: what was got and what was expected; each {} is one of the values.
        values: tensors, or plain values.
    """

    holds: tf.Tensor
    sentence: str
    values: tuple = ()


def refuse_unless(checks: list[Check], *tensors: tf.Tensor) -> list[tf.Tensor]:
    """The tensors, which nothing reads before all checks have been found to hold.

    Raises:
        tf.errors.InvalidArgumentError: when run, with the first sentence that applies.
    """

    def refuse():
        # The last, so that the first of several is said.
        sentence = tf.constant("")
        for check in reversed(checks):
            said = tf.strings.format(check.sentence, check.values)
            sentence = tf.where(check.holds, sentence, said)
        tf.debugging.Assert(False, [sentence])
        return False

    fine = tf.cond(
        tf.reduce_all(tf.stack([check.holds for check in checks])), lambda: True, noinline(refuse)
    )
    with tf.control_dependencies([fine]):
        return [tf.identity(tensor) for tensor in tensors]


def batch_checks(texts: tf.Tensor, one: str, several: str, caps: Caps) -> list[Check]:
    """That string[batch], or string[batch, time], stays below the caps.

    Args:
        texts: what was sent.
        one: what a sentence calls one of them.
        several: what it calls several.
        caps: of the export.
    """
    sizes = tf.strings.length(texts)
    rows = tf.reduce_sum(tf.reshape(sizes, tf.stack([tf.shape(texts)[0], -1])), axis=1)
    total, num_texts = tf.reduce_sum(rows), tf.size(rows)
    largest = tf.reduce_max(tf.concat([rows, [0]], axis=0))
    return [
        Check(
            num_texts <= caps.max_batch_size,
            f"A call brought {{}} {several}; at most {caps.max_batch_size} are taken "
            "(max_batch_size of the export). Send them in several calls.",
            (num_texts,),
        ),
        Check(
            largest <= caps.max_text_bytes,
            f"A {one} has {{}} bytes; at most {caps.max_text_bytes} are taken (max_text_bytes "
            "of the export). Shorten it.",
            (largest,),
        ),
        Check(
            total <= caps.max_batch_bytes,
            f"The {several} of a call have {{}} bytes together; at most {caps.max_batch_bytes} are "
            "taken (max_batch_bytes of the export). Send them in several calls.",
            (total,),
        ),
    ]
