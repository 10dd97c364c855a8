"""Input validation in a graph. Error messages are only computed if a check fails."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.utils.tf_function import noinline


class GraphCheck(NamedTuple):
    """A condition, and the error message if it is false.

    Attributes:
        condition: bool[], whether the input is valid.
        message: error message; each {} is replaced by one of `values`.
        values: tensors or Python values.
    """

    condition: tf.Tensor
    message: str
    values: tuple = ()


def assert_all(checks: list[GraphCheck], *tensors: tf.Tensor) -> list[tf.Tensor]:
    """Returns the tensors with control dependencies on all checks.

    Raises:
        tf.errors.InvalidArgumentError: at run time, with the message of the first failing check.
    """

    def fail():
        # In reverse order, so that the first failing check sets the final message.
        message = tf.constant("")
        for check in reversed(checks):
            formatted = tf.strings.format(check.message, check.values)
            message = tf.where(check.condition, message, formatted)
        tf.debugging.Assert(False, [message])
        return False

    passed = tf.cond(
        tf.reduce_all(tf.stack([check.condition for check in checks])), lambda: True, noinline(fail)
    )
    with tf.control_dependencies([passed]):
        return [tf.identity(tensor) for tensor in tensors]


def assert_that(tensor: tf.Tensor, condition: tf.Tensor, message: str, *values) -> tf.Tensor:
    """Returns the tensor with a control dependency on one check."""
    return assert_all([GraphCheck(condition, message, values)], tensor)[0]


def batch_limit_checks(
    texts: tf.Tensor, singular: str, plural: str, limits: ServingLimits
) -> list[GraphCheck]:
    """Returns the checks that a batch of texts stays within the limits.

    Args:
        texts: string[batch] or string[batch, time].
        singular: noun for one text in messages.
        plural: noun for several texts in messages.
        limits: the limits of the export.
    """
    sizes = tf.strings.length(texts)
    row_sizes = tf.reduce_sum(tf.reshape(sizes, tf.stack([tf.shape(texts)[0], -1])), axis=1)
    total_size, num_texts = tf.reduce_sum(row_sizes), tf.size(row_sizes)
    largest = tf.reduce_max(tf.concat([row_sizes, [0]], axis=0))
    return [
        GraphCheck(
            num_texts <= limits.max_batch_size,
            f"The call has {{}} {plural}; the limit is {limits.max_batch_size} (max_batch_size). "
            "Send them in several calls.",
            (num_texts,),
        ),
        GraphCheck(
            largest <= limits.max_text_bytes,
            f"A {singular} has {{}} bytes; the limit is {limits.max_text_bytes} (max_text_bytes). "
            "Shorten it.",
            (largest,),
        ),
        GraphCheck(
            total_size <= limits.max_batch_bytes,
            f"The {plural} of the call have {{}} bytes in total; the limit is "
            f"{limits.max_batch_bytes} (max_batch_bytes). Send them in several calls.",
            (total_size,),
        ),
    ]
