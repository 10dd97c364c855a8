"""Words that the model said itself in place of those it should have said."""

from collections.abc import Callable

import tensorflow as tf

from attention_seq2seq.decoding.sampling import sample_inverse_cdf
from attention_seq2seq.utils.rng import BatchRng, RngStream


def sample_decoder_inputs(
    step: Callable, state, target_input_ids: tf.Tensor, share: tf.Tensor, draws: BatchRng
) -> tf.Tensor:
    """The words before each word of a reply, some of them drawn from what the model would say.

    The reply is gone through step by step, so a word is drawn after the words that were drawn
    before it. No gradient passes through a word, so what follows may be teacher forcing on these
    words: it computes what a training step by step would have computed, and computes it faster.

    Args:
        step: of the model, see `Seq2Seq.start`.
        state: before the first word.
        target_input_ids: int32[batch, target_time], begin of reply and the true words.
        share: float32[], of words to be drawn.
        draws: where random numbers come from.

    Returns:
        int32[batch, target_time].

    Source:
        Bengio, Vinyals, Jaitly, Shazeer: Scheduled Sampling for Sequence Prediction with
        Recurrent Neural Networks, NeurIPS 2015.
    """
    # int32[target_time, batch]
    true_ids = tf.transpose(target_input_ids)
    num_steps = tf.shape(true_ids)[0]
    shape = tf.shape(target_input_ids)
    own = tf.transpose(draws.uniform(shape, RngStream.SCHEDULED_SAMPLING_MASK) < share)
    # float32[target_time, batch]
    chances = tf.transpose(draws.uniform(shape, RngStream.SCHEDULED_SAMPLING_TOKENS))

    def one(time, ids, state, taken):
        taken = taken.write(time - 1, ids)
        logits, _, state = step(ids, state)
        ids = tf.where(own[time], sample_inverse_cdf(chances[time], logits), true_ids[time])
        return time + 1, ids, state, taken

    _, ids, _, taken = tf.while_loop(
        lambda time, *_: time < num_steps,
        one,
        (1, true_ids[0], state, tf.TensorArray(tf.int32, num_steps)),
    )
    taken = taken.write(num_steps - 1, ids).stack()
    return tf.stop_gradient(tf.transpose(tf.ensure_shape(taken, true_ids.shape)))
