"""Logits processors: constraints and penalties on the next token.

`process` applies them in this order:

1. Suppressed tokens get -inf.
2. log(prompt_bigram_penalty) is subtracted from tokens that complete a bigram of the prompt.
3. log(repetition_penalty) is subtracted from tokens generated before.
4. EOS gets -inf before min_length, and tokens that would repeat an n-gram or complete a suppressed
   sequence get -inf.
5. If all tokens are suppressed, EOS is allowed.
6. Within the prefix, all tokens except the next prefix token get -inf.
"""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.params import DecodingParams

NEG_INF = float("-inf")


class LogitsProcessors(NamedTuple):
    """Constraints and penalties on the next token.

    Attributes:
        bos_id: id of the BOS token.
        eos_id: id of the EOS token.
        suppressed: float32[vocab], -inf for suppressed tokens, 0 for others; None: no token is
            suppressed.
        num_suppressed: int32[], number of suppressed tokens.
        params: parameters of the processors that depend on the tokens so far: min_length,
            no_repeat_ngram_size, repetition_penalty, prompt_bigram_penalty, prefix_ids and
            suppressed_sequences. None disables these processors, which is faster.
        prompt_target_ids: int32[rows, prompt_time], ids of the prompts in the target vocabulary,
            -1 for OOV tokens; None only if params is None.
    """

    bos_id: int
    eos_id: int
    suppressed: tf.Tensor | None = None
    num_suppressed: tf.Tensor | int = 0
    params: DecodingParams | None = None
    prompt_target_ids: tf.Tensor | None = None


def suppress_tokens(
    ids: tf.Tensor, vocabulary_size: int, bos_id: int, eos_id: int
) -> LogitsProcessors:
    """Returns processors that suppress ids int32[num_suppressed], but never EOS."""
    is_suppressed = tf.reduce_any(tf.one_hot(ids, vocabulary_size, True, False), axis=0)
    is_suppressed &= tf.range(vocabulary_size) != eos_id
    return LogitsProcessors(
        bos_id,
        eos_id,
        suppressed=tf.where(is_suppressed, NEG_INF, 0.0),
        num_suppressed=tf.math.count_nonzero(is_suppressed, dtype=tf.int32),
    )


def depends_on_tokens(params: DecodingParams) -> tf.Tensor:
    """Returns bool[], whether any processor that depends on the tokens so far has an effect."""
    return (
        (params.min_length > 0)
        | (params.no_repeat_ngram_size > 0)
        | (params.repetition_penalty != 1.0)
        | (params.prompt_bigram_penalty != 1.0)
        | (tf.size(params.prefix_ids) > 0)
        | (tf.size(params.suppressed_sequences) > 0)
    )


def process(
    scores: tf.Tensor, processors: LogitsProcessors, tokens: tf.Tensor, time: tf.Tensor
) -> tf.Tensor:
    """Applies the processors to scores. Suppressed tokens get -inf.

    Args:
        scores: float32[rows, vocab], unnormalized log-probabilities.
        processors: the constraints and penalties.
        tokens: int32[rows, max_length], the tokens so far.
        time: int32[], number of tokens so far.

    Returns:
        float32[rows, vocab], the processed scores.
    """
    unconstrained = scores
    if processors.suppressed is not None:
        scores += processors.suppressed
    params = processors.params
    if params is None:
        return scores
    vocabulary_size = tf.shape(unconstrained)[1]
    previous = tf.where(time > 0, tokens[:, tf.maximum(time - 1, 0)], processors.bos_id)  # [rows]
    is_echo = _prompt_bigrams(processors, previous, vocabulary_size)
    scores -= tf.where(is_echo, tf.math.log(params.prompt_bigram_penalty), 0.0)
    tokens = tokens[:, :time]
    is_repeated = _scatter_mask(tokens, tf.ones_like(tokens, tf.bool), vocabulary_size)
    scores -= tf.where(is_repeated, tf.math.log(params.repetition_penalty), 0.0)

    is_end = tf.range(vocabulary_size) == processors.eos_id
    is_suppressed = is_end & (time < params.min_length)
    is_suppressed |= _repeated_ngrams(params.no_repeat_ngram_size, tokens, vocabulary_size)
    is_suppressed |= _completed_sequences(params.suppressed_sequences, tokens, vocabulary_size)
    scores = tf.where(is_suppressed, NEG_INF, scores)

    has_no_token = tf.reduce_all(tf.math.is_inf(scores), axis=1, keepdims=True)
    scores = tf.where(has_no_token & is_end, unconstrained, scores)
    return _force_prefix(params.prefix_ids, unconstrained, scores, time)


def _prompt_bigrams(processors: LogitsProcessors, previous, vocabulary_size):
    """Returns bool[rows, vocab], the tokens that would complete a bigram of the prompt."""
    prompt_target_ids = processors.prompt_target_ids
    preceding_ids = tf.pad(
        prompt_target_ids[:, :-1], [[0, 0], [1, 0]], constant_values=processors.bos_id
    )
    # An empty prompt has no position for BOS.
    preceding_ids = preceding_ids[:, : tf.shape(prompt_target_ids)[1]]
    is_match = (preceding_ids == previous[:, tf.newaxis]) & (prompt_target_ids >= 0)
    return _scatter_mask(prompt_target_ids, is_match, vocabulary_size)


def _repeated_ngrams(size, tokens, vocabulary_size):
    """Returns bool[rows, vocab], the tokens that would repeat an n-gram."""
    rows, time = tf.shape(tokens)[0], tf.shape(tokens)[1]
    # Position p ends an n-gram that starts at p - size + 1. Its first size - 1 tokens are compared
    # with the last size - 1 tokens.
    ends = tf.range(time)
    starts = ends - size + 1
    offsets = tf.range(tf.maximum(size - 1, 0))
    # [position, offset]
    positions = tf.maximum(starts[:, tf.newaxis] + offsets, 0)
    contexts = tf.gather(tokens, positions, axis=1)  # [rows, position, offset]
    last_context = tokens[:, tf.maximum(time - size + 1, 0) :]
    last_context = last_context[:, : tf.size(offsets)]
    is_valid = (starts >= 0) & (time >= size) & (size > 0)

    def matches():
        return tf.reduce_all(contexts == last_context[:, tf.newaxis, :], axis=2) & is_valid

    is_repeated = tf.cond(tf.reduce_any(is_valid), matches, lambda: tf.zeros([rows, time], tf.bool))
    return _scatter_mask(tokens, is_repeated, vocabulary_size)


def _completed_sequences(sequences, tokens, vocabulary_size):
    """Returns bool[rows, vocab], the tokens that would complete a suppressed sequence."""
    rows, num_sequences = tf.shape(tokens)[0], tf.shape(sequences)[0]
    num_previous = tf.shape(sequences)[1] - 1
    padded = tf.pad(tokens, [[0, 0], [num_previous, 0]], constant_values=-2)
    previous = padded[:, tf.shape(tokens)[1] :]  # [rows, num_previous]
    is_padding = sequences[:, :-1] == -1
    is_match = tf.reduce_all(
        is_padding | (previous[:, tf.newaxis] == sequences[:, :-1]), axis=2
    )  # [rows, num_sequences]
    last_ids = tf.broadcast_to(sequences[:, -1], tf.stack([rows, num_sequences]))
    return _scatter_mask(last_ids, is_match, vocabulary_size)


def _scatter_mask(ids, mask, vocabulary_size):
    """Returns bool[rows, vocab], True at the ids of each row that `mask` selects."""
    # A one-hot tensor [rows, time, vocab] would be too large.
    rows = tf.range(tf.shape(ids)[0])[:, tf.newaxis]
    positions = tf.boolean_mask(tf.stack([tf.broadcast_to(rows, tf.shape(ids)), ids], 2), mask)
    counts = tf.scatter_nd(
        positions, tf.ones(tf.shape(positions)[:1], tf.int32), [tf.shape(ids)[0], vocabulary_size]
    )
    return counts > 0


def _force_prefix(prefix_ids, unconstrained, scores, time):
    """Suppresses all tokens except the next prefix token while within the prefix."""

    def force():
        is_prefix_token = tf.range(tf.shape(scores)[1]) == prefix_ids[time]
        return tf.where(is_prefix_token, unconstrained, NEG_INF)

    return tf.cond(time < tf.size(prefix_ids), force, lambda: scores)
