"""Tiling of prompts to beams, and backtracking of hypotheses."""

from typing import Any

import tensorflow as tf


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Repeats each row of nested tensors, once for each beam.

    Args:
        t: nested tensors [batch, ...].
        multiplier: number of copies, the beam width.
        name: name of the operations.

    Returns:
        Nested tensors [batch * multiplier, ...].

    Raises:
        ValueError: a tensor without axes or of unknown rank.

    Example:
        >>> tile_batch(tf.constant([1, 2]), multiplier=2).numpy().tolist()
        [1, 1, 2, 2]
    """

    def tile(tensor):
        tensor = tf.convert_to_tensor(tensor)
        if not tensor.shape.rank:
            raise ValueError(
                f"Cannot tile a tensor of shape {tensor.shape}: t must have statically known rank "
                "of at least 1."
            )
        return tf.repeat(tensor, multiplier, axis=0)

    with tf.name_scope(name or "tile_batch"):
        return tf.nest.map_structure(tile, t)


def gather_tree(
    step_ids: tf.Tensor,
    parent_ids: tf.Tensor,
    max_sequence_lengths: tf.Tensor,
    end_token: int | tf.Tensor,
) -> tf.Tensor:
    """Returns the ids of the final hypotheses, from the ids and parents of all steps.

    The plain loop, for each row and final beam:

        for time in reversed(range(length)):
            ids[time] = step_ids[time][beam]
            beam = parent_ids[time][beam]

    Args:
        step_ids: int32[target_time, batch, beams], the ids chosen in each step.
        parent_ids: int32[target_time, batch, beams], the beams that are continued in each step.
        max_sequence_lengths: int32[batch], number of steps.
        end_token: id after the end of a hypothesis.

    Returns:
        int32[target_time, batch, beams], `end_token` after its first occurrence and after the last
        step.

    Raises:
        tf.errors.InvalidArgumentError: a parent that is not a beam.

    Example:
        >>> step_ids = tf.constant([[[1, 2]], [[3, 4]]])
        >>> parent_ids = tf.constant([[[0, 0]], [[1, 1]]])
        >>> gather_tree(step_ids, parent_ids, [2], end_token=9).numpy().tolist()
        [[[2, 2]], [[3, 4]]]
    """
    step_ids = tf.convert_to_tensor(step_ids, tf.int32)
    end_token = tf.convert_to_tensor(end_token, tf.int32)
    beams = _beams_at_each_step(parent_ids, max_sequence_lengths)
    ids = tf.gather(step_ids, beams, axis=2, batch_dims=2)
    time = tf.shape(step_ids)[0]
    is_step = tf.range(time)[:, tf.newaxis] < tf.convert_to_tensor(max_sequence_lengths, tf.int32)
    ids = tf.where(is_step[:, :, tf.newaxis], ids, end_token)
    is_end = tf.cast(ids == end_token, tf.int32)
    return tf.where(tf.cumsum(is_end, exclusive=True) > 0, end_token, ids)


def gather_tree_from_array(
    t: tf.Tensor, parent_ids: tf.Tensor, sequence_length: tf.Tensor, corrected: bool = False
) -> tf.Tensor:
    """Returns values of all steps, such as attention weights, sorted by final hypotheses.

    In a step, the decoder computes values for the beams that it is fed, then chooses the beams of
    the next step among their continuations. As in `tfa.seq2seq`, the values of a step are taken
    from the position of the chosen beam, which is wrong. `corrected=True` takes them from its
    parent.

    Args:
        t: [target_time, batch, beams, ...] or [target_time, batch * beams, ...].
        parent_ids: int32[target_time, batch, beams], the beams that are continued in each step.
        sequence_length: int[batch, beams], number of steps of the final hypotheses.
        corrected: whether values are taken from the parent beam.

    Returns:
        Values with the shape of `t`.
    """
    parent_ids = tf.convert_to_tensor(parent_ids, tf.int32)
    lengths = tf.cast(tf.reduce_max(sequence_length, axis=1), tf.int32)
    beams = _beams_at_each_step(parent_ids, lengths)
    time, batch_size, beam_width = tf.unstack(tf.shape(parent_ids))
    positions = tf.broadcast_to(tf.range(beam_width), tf.shape(beams))
    if corrected:
        beams = tf.gather(parent_ids, beams, axis=2, batch_dims=2)
    is_step = tf.transpose(tf.sequence_mask(sequence_length, time), [2, 0, 1])
    beams = tf.where(is_step, beams, positions)
    values = tf.reshape(t, [time, batch_size, beam_width, -1])
    return tf.reshape(tf.gather(values, beams, axis=2, batch_dims=2), tf.shape(t))


def sort_array(t: Any, parent_ids: tf.Tensor, sequence_length: tf.Tensor, corrected: bool) -> Any:
    """Returns the stacked values of a `TensorArray` in the order of final hypotheses.

    Args:
        t: `TensorArray` of [batch, beams, ...] or [batch * beams, ...]; anything else is returned.
        parent_ids: int32[target_time, batch, beams], the beams that are continued in each step.
        sequence_length: int[batch, beams], number of steps of the final hypotheses.
        corrected: whether values are taken from the parent beam.

    Returns:
        Values [target_time, batch, beams, ...] or [target_time, batch * beams, ...]; the array
        itself, with a warning, if its static shape rules out a row for each beam.

    Raises:
        tf.errors.InvalidArgumentError: the elements do not have a row for each beam.
    """
    if not isinstance(t, tf.TensorArray):
        return t
    batch_size, beam_width = parent_ids.shape[1:]
    shape, beams = t.element_shape, (batch_size, beam_width)
    is_static = shape.rank and None not in (batch_size, beam_width, shape[0])
    if not shape.rank or (
        is_static and shape[0] != batch_size * beam_width and tuple(shape[:2]) != beams
    ):
        tf.get_logger().warning("%s The elements have shape %s.", _UNSORTABLE, shape)
        return t
    values = t.stack()
    beams = tf.shape(parent_ids)[1:]
    is_sortable = tf.shape(values)[1] == tf.reduce_prod(beams)
    if values.shape.rank > 2:
        is_sortable |= tf.reduce_all(tf.shape(values)[1:3] == beams)
    check = tf.debugging.assert_equal(is_sortable, True, message=_UNSORTABLE)
    with tf.control_dependencies([check]):
        return gather_tree_from_array(values, parent_ids, sequence_length, corrected)


_UNSORTABLE = (
    "TensorArray reordering expects elements to be reshapable to [batch_size, beam_size, -1]. "
    "Consider setting reorder_tensor_arrays to False to disable TensorArray reordering during the "
    "beam search."
)


def _beams_at_each_step(parent_ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Returns int32[target_time, batch, beams], beams of final hypotheses after each step."""
    parent_ids = tf.convert_to_tensor(parent_ids, tf.int32)
    lengths = tf.convert_to_tensor(lengths, tf.int32)
    time, _, beam_width = tf.unstack(tf.shape(parent_ids))
    positions = tf.broadcast_to(tf.range(beam_width), tf.shape(parent_ids)[1:])
    # The last step, and steps after the end, keep the order of the final hypotheses.
    follows_parent = tf.range(1, time + 1)[:, tf.newaxis] < lengths
    next_parents = tf.concat([parent_ids[1:], positions[tf.newaxis]], axis=0)[:time]
    parents_in_use = tf.where(follows_parent[:, :, tf.newaxis], next_parents, 0)
    check = tf.debugging.assert_equal(
        tf.reduce_all((parents_in_use >= 0) & (parents_in_use < beam_width)),
        True,
        message="Each parent id must be the index of a beam.",
    )
    with tf.control_dependencies([check]):
        positions = tf.identity(positions)
    return tf.scan(
        lambda beams, step: tf.where(
            step[1][:, tf.newaxis], tf.gather(step[0], beams, batch_dims=1), beams
        ),
        (next_parents, follows_parent),
        positions,
        reverse=True,
    )
