"""Cross entropy of sequences."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras


def sequence_loss(
    logits: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    sum_over_timesteps: bool = False,
    sum_over_batch: bool = False,
    softmax_loss_function: Callable | None = None,
    name: str | None = None,
) -> tf.Tensor:
    """Returns the weighted cross entropy of targets, in nats.

    An average divides by the sum of the weights, a sum by the number of weights that are not 0,
    both over the reduced axes.

    Args:
        logits: float[batch, target_time, vocab].
        targets: int[batch, target_time], or probabilities float[batch, target_time, vocab].
        weights: float[batch, target_time], 0 at padding.
        average_across_timesteps: whether to average over time.
        average_across_batch: whether to average over the batch.
        sum_over_timesteps: whether to sum over time.
        sum_over_batch: whether to sum over the batch.
        softmax_loss_function: function of flattened `labels` and `logits`
            float[batch * target_time, vocab] to losses float[batch * target_time]; None: cross
            entropy.
        name: name of the operations.

    Returns:
        float[], or float[batch] or float[target_time] after one reduction, or
        float[batch, target_time] without any.

    Raises:
        ValueError: a wrong number of axes, or contradictory reductions.

    Example:
        >>> loss = sequence_loss(tf.zeros([1, 3, 2]), [[0, 1, 0]], [[1.0, 1.0, 0.0]])
        >>> round(float(loss), 4)
        0.6931
    """
    logits, weights = tf.convert_to_tensor(logits), tf.convert_to_tensor(weights)
    targets = tf.convert_to_tensor(targets)
    _check_shapes(logits, targets, weights)
    _check_reductions(
        average_across_timesteps, average_across_batch, sum_over_timesteps, sum_over_batch
    )
    with tf.name_scope(name or "sequence_loss"):
        vocabulary_size = tf.shape(logits)[2]
        flat_logits = tf.reshape(logits, [-1, vocabulary_size])
        if softmax_loss_function is not None:
            losses = softmax_loss_function(labels=tf.reshape(targets, [-1]), logits=flat_logits)
        elif targets.shape.rank == 2:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.reshape(targets, [-1]), logits=flat_logits
            )
        else:
            losses = tf.nn.softmax_cross_entropy_with_logits(
                labels=tf.reshape(targets, [-1, vocabulary_size]), logits=flat_logits
            )
        losses *= tf.reshape(weights, [-1])
        losses = tf.reshape(losses, tf.shape(logits)[:2])  # [batch, target_time]
        if average_across_timesteps or average_across_batch:
            axes = _axes(average_across_batch, average_across_timesteps)
            count = tf.reduce_sum(weights, axes)
        elif sum_over_timesteps or sum_over_batch:
            axes = _axes(sum_over_batch, sum_over_timesteps)
            count = tf.cast(tf.math.count_nonzero(weights, axes), losses.dtype)
        else:
            return losses
        return tf.math.divide_no_nan(tf.reduce_sum(losses, axes), count)


class SequenceLoss(keras.losses.Loss):
    """`sequence_loss` as a Keras loss.

    Args:
        average_across_timesteps: whether to average over time.
        average_across_batch: whether to average over the batch.
        sum_over_timesteps: whether to sum over time.
        sum_over_batch: whether to sum over the batch.
        softmax_loss_function: function of flattened `labels` and `logits`
            float[batch * target_time, vocab] to losses float[batch * target_time]; None: cross
            entropy.
        name: name of the loss.

    Call arguments:
        y_true: int[batch, target_time] or float[batch, target_time, vocab], the targets.
        y_pred: float[batch, target_time, vocab], the logits.
        sample_weight: float[batch, target_time], 0 at padding; None: ones.
    """

    def __init__(
        self,
        average_across_timesteps: bool = False,
        average_across_batch: bool = False,
        sum_over_timesteps: bool = True,
        sum_over_batch: bool = True,
        softmax_loss_function: Callable | None = None,
        name: str | None = None,
    ):
        super().__init__(reduction="none", name=name)
        self.average_across_timesteps = average_across_timesteps
        self.average_across_batch = average_across_batch
        self.sum_over_timesteps = sum_over_timesteps
        self.sum_over_batch = sum_over_batch
        self.softmax_loss_function = softmax_loss_function

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Returns the loss."""
        if sample_weight is None:
            sample_weight = tf.ones_like(y_pred[:, :, 0])
        return sequence_loss(
            y_pred,
            y_true,
            sample_weight,
            average_across_timesteps=self.average_across_timesteps,
            average_across_batch=self.average_across_batch,
            sum_over_timesteps=self.sum_over_timesteps,
            sum_over_batch=self.sum_over_batch,
            softmax_loss_function=self.softmax_loss_function,
            name=self.name,
        )

    def call(self, y_true, y_pred):
        """Returns the loss without weights."""
        return self(y_true, y_pred)


def _check_shapes(logits: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> None:
    if logits.shape.rank != 3:
        raise ValueError(
            f"Logits have shape {logits.shape}. Logits must be a [batch_size x sequence_length x "
            "logits] tensor."
        )
    if targets.shape.rank not in (2, 3):
        raise ValueError(
            f"Targets have shape {targets.shape}. Targets must be either a [batch_size x "
            "sequence_length] tensor of ids or a [batch_size x sequence_length x num_classes] "
            "tensor of probabilities."
        )
    if weights.shape.rank != 2:
        raise ValueError(
            f"Weights have shape {weights.shape}. Weights must be a [batch_size x sequence_length] "
            "tensor."
        )


def _check_reductions(
    average_across_timesteps: bool,
    average_across_batch: bool,
    sum_over_timesteps: bool,
    sum_over_batch: bool,
) -> None:
    options = {
        "average_across_timesteps": average_across_timesteps,
        "average_across_batch": average_across_batch,
        "sum_over_timesteps": sum_over_timesteps,
        "sum_over_batch": sum_over_batch,
    }
    for average in ("average_across_timesteps", "average_across_batch"):
        for total in ("sum_over_timesteps", "sum_over_batch"):
            if options[average] and options[total]:
                raise ValueError(
                    f"{average} and {total} cannot be set to True at same time because of "
                    "ambiguous order. Set one of them to False."
                )


def _axes(over_batch: bool, over_time: bool) -> list[int]:
    return [axis for axis, is_reduced in enumerate((over_batch, over_time)) if is_reduced]
