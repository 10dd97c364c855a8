"""Scheduled sampling: decoder inputs that the model itself has generated."""

from collections.abc import Callable

import tensorflow as tf

from attention_seq2seq.decoding.sampling import sample_inverse_cdf
from attention_seq2seq.utils.rng import BatchRng, RngStream


def sample_decoder_inputs(
    step: Callable,
    state,
    target_input_ids: tf.Tensor,
    sampling_probability: tf.Tensor,
    rng: BatchRng,
) -> tf.Tensor:
    """Replaces some decoder inputs by tokens sampled from the model.

    The plain loop:

        for t in range(1, target_time):
            logits, _, state = step(ids[t - 1], state)
            ids[t] = sample(logits) if uniform() < sampling_probability else target_input_ids[t]

    No gradient passes through a sampled token. Teacher forcing on the returned tokens therefore
    computes what step-by-step training would compute, and is faster.

    Args:
        step: the model's step function.
        state: the state before the first token.
        target_input_ids: int32[batch, target_time], BOS and the true tokens.
        sampling_probability: float32[], probability that a token is sampled.
        rng: the batch's random numbers.

    Returns:
        int32[batch, target_time].

    Source:
        Bengio, Vinyals, Jaitly, Shazeer: Scheduled Sampling for Sequence Prediction with
        Recurrent Neural Networks, NeurIPS 2015.
    """
    true_ids = tf.transpose(target_input_ids)  # [target_time, batch]
    num_steps = tf.shape(true_ids)[0]
    shape = tf.shape(target_input_ids)
    noise = rng.uniform(shape, RngStream.SCHEDULED_SAMPLING_MASK)
    is_sampled = tf.transpose(noise < sampling_probability)  # [target_time, batch]
    noise = tf.transpose(rng.uniform(shape, RngStream.SCHEDULED_SAMPLING_TOKENS))

    def loop_step(time, ids, state, input_ids):
        input_ids = input_ids.write(time - 1, ids)
        logits, _, state = step(ids, state)
        sampled_ids = sample_inverse_cdf(noise[time], logits)
        return time + 1, tf.where(is_sampled[time], sampled_ids, true_ids[time]), state, input_ids

    _, last_ids, _, input_ids = tf.while_loop(
        lambda time, *_: time < num_steps,
        loop_step,
        (1, true_ids[0], state, tf.TensorArray(tf.int32, num_steps)),
    )
    input_ids = input_ids.write(num_steps - 1, last_ids).stack()
    return tf.stop_gradient(tf.transpose(tf.ensure_shape(input_ids, true_ids.shape)))
