"""Logits processors: constraints and penalties on the next token."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.params import DecodingParams

NEG_INF = float("-inf")


class LogitsProcessorParams(NamedTuple):
    """Parameters of the processors that depend on the tokens so far, as tensors.

    Attributes:
        min_length: int32[], smallest number of tokens before the end token.
        no_repeat_ngram_size: int32[], size of the n-grams that may not repeat; 0 disables it.
        repetition_penalty: float32[], divisor of the probability of tokens generated before.
        prompt_bigram_penalty: float32[], divisor of the probability of a token that follows the
            previous token (or the begin token) in the prompt, too.
        prefix_ids: int32[rows, prefix_time], first tokens of each reply.
        prefix_length: int32[rows].
        prompt_ids: int32[rows, source_time], the prompt in ids of the target vocabulary, -1 for
            tokens that it does not have.
    """

    min_length: tf.Tensor
    no_repeat_ngram_size: tf.Tensor
    repetition_penalty: tf.Tensor
    prompt_bigram_penalty: tf.Tensor
    prefix_ids: tf.Tensor
    prefix_length: tf.Tensor
    prompt_ids: tf.Tensor

    @classmethod
    def none(cls, num_rows) -> "LogitsProcessorParams":
        """Returns parameters without any effect."""
        empty = tf.zeros([num_rows, 0], tf.int32)
        return cls(
            min_length=tf.constant(0),
            no_repeat_ngram_size=tf.constant(0),
            repetition_penalty=tf.constant(1.0),
            prompt_bigram_penalty=tf.constant(1.0),
            prefix_ids=empty,
            prefix_length=tf.zeros([num_rows], tf.int32),
            prompt_ids=empty,
        )

    @property
    def is_active(self) -> tf.Tensor:
        """bool[], whether any processor can have an effect."""
        return (
            (self.min_length > 0)
            | (self.no_repeat_ngram_size > 0)
            | (self.repetition_penalty != 1.0)
            | (self.prompt_bigram_penalty != 1.0)
            | tf.reduce_any(self.prefix_length > 0)
        )


class LogitsProcessors(NamedTuple):
    """Constraints and penalties on the next token.

    Attributes:
        forbidden: float32[vocab], -inf for suppressed tokens, 0 for others; None: no token is
            suppressed.
        num_forbidden: int32[], number of suppressed tokens.
        rules: parameters of the processors that depend on the tokens so far; None disables them,
            which is faster.
    """

    forbidden: tf.Tensor | None = None
    num_forbidden: tf.Tensor | int = 0
    rules: LogitsProcessorParams | None = None


def suppress_tokens(ids: tf.Tensor, vocab: int, eos_id: int) -> LogitsProcessors:
    """Returns processors that suppress ids int32[num_forbidden], but never the end token."""
    is_suppressed = tf.reduce_any(tf.one_hot(ids, vocab, True, False), axis=0)
    is_suppressed &= tf.range(vocab) != eos_id
    return LogitsProcessors(
        forbidden=tf.where(is_suppressed, NEG_INF, 0.0),
        num_forbidden=tf.math.count_nonzero(is_suppressed, dtype=tf.int32),
    )


def make_logits_processors(
    params: DecodingParams, prompt_ids: tf.Tensor, vocab: int, eos_id: int
) -> LogitsProcessors:
    """Returns the logits processors that decoding parameters describe.

    Args:
        params: the parameters of a call.
        prompt_ids: int32[rows, source_time], see `LogitsProcessorParams`.
        vocab: the size of the target vocabulary.
        eos_id: ends a reply.
    """
    num_rows = tf.shape(prompt_ids)[0]
    rules = LogitsProcessorParams(
        min_length=params.min_length,
        no_repeat_ngram_size=params.no_repeat_ngram_size,
        repetition_penalty=params.repetition_penalty,
        prompt_bigram_penalty=params.prompt_bigram_penalty,
        prefix_ids=tf.repeat(params.prefix_ids[tf.newaxis], num_rows, axis=0),
        prefix_length=tf.fill([num_rows], tf.size(params.prefix_ids)),
        prompt_ids=prompt_ids,
    )
    return suppress_tokens(params.forbidden_ids, vocab, eos_id)._replace(rules=rules)


def process(
    scores: tf.Tensor,
    processors: LogitsProcessors,
    tokens: tf.Tensor,
    time: tf.Tensor,
    bos_id: int,
    eos_id: int,
) -> tf.Tensor:
    """Applies the processors to scores; a suppressed token gets -inf.

    If all tokens are suppressed, the end token is allowed.

    Args:
        scores: float32[rows, vocab], unnormalized log-probabilities.
        processors: the constraints and penalties.
        tokens: int32[rows, max_length], the tokens so far.
        time: int32[], their number.
        bos_id: the token before the first one.
        eos_id: the end token.

    Returns:
        float32[rows, vocab].
    """
    unconstrained = scores
    if processors.forbidden is not None:
        scores += processors.forbidden
    rules = processors.rules
    if rules is None:
        return scores
    vocab = tf.shape(unconstrained)[1]
    scores -= _prompt_bigram_penalty(rules, _previous_token(tokens, time, bos_id), bos_id, vocab)
    scores -= _repetition_penalty(rules, tokens[:, :time], vocab)

    is_end = tf.range(vocab) == eos_id
    is_suppressed = is_end & (time < rules.min_length)
    is_suppressed |= _repeated_ngrams(rules.no_repeat_ngram_size, tokens[:, :time], vocab)
    scores = tf.where(is_suppressed, NEG_INF, scores)

    has_no_token = tf.reduce_all(tf.math.is_inf(scores), axis=1, keepdims=True)
    scores = tf.where(has_no_token & is_end, unconstrained, scores)
    return _force_prefix(rules, unconstrained, scores, time)


def _previous_token(tokens, time, bos_id):
    """int32[rows], the previous token."""
    last_tokens = tokens[:, tf.maximum(time - 1, 0)]
    return tf.where(time > 0, last_tokens, bos_id)


def _repetition_penalty(rules: LogitsProcessorParams, tokens, vocab):
    """float32[rows, vocab]."""
    # [rows, time, vocab] would be large, so tokens are scattered into [rows, vocab].
    seen = _scatter_mask(tokens, tf.ones_like(tokens, tf.bool), vocab)
    return tf.where(seen, tf.math.log(rules.repetition_penalty), 0.0)


def _prompt_bigram_penalty(rules: LogitsProcessorParams, previous, bos_id, vocab):
    """float32[rows, vocab]."""
    prompt = rules.prompt_ids
    before = tf.pad(prompt[:, :-1], [[0, 0], [1, 0]], constant_values=bos_id)
    # A prompt without tokens has no position for the begin token either.
    before = before[:, : tf.shape(prompt)[1]]
    follows = (before == previous[:, tf.newaxis]) & (prompt >= 0)
    is_echo = _scatter_mask(prompt, follows, vocab)
    return tf.where(is_echo, tf.math.log(rules.prompt_bigram_penalty), 0.0)


def _repeated_ngrams(size, tokens, vocab):
    """bool[rows, vocab], the tokens that would complete an n-gram that occurred before."""
    rows, time = tf.shape(tokens)[0], tf.shape(tokens)[1]
    # Position p ends an n-gram that starts at p - size + 1. Its first size - 1 tokens are compared
    # with the last size - 1 tokens.
    ends = tf.range(time)
    starts = ends - size + 1
    offsets = tf.range(tf.maximum(size - 1, 0))
    # [position, offset]
    positions = tf.maximum(starts[:, tf.newaxis] + offsets, 0)
    earlier = tf.gather(tokens, positions, axis=1)
    last = tokens[:, tf.maximum(time - size + 1, 0) :]
    last = last[:, : tf.size(offsets)]
    possible = (starts >= 0) & (time >= size) & (size > 0)

    def matches():
        return tf.reduce_all(earlier == last[:, tf.newaxis, :], axis=2) & possible

    is_repeated = tf.cond(tf.reduce_any(possible), matches, lambda: tf.zeros([rows, time], tf.bool))
    return _scatter_mask(tokens, is_repeated, vocab)


def _scatter_mask(ids, mask, vocab):
    """bool[rows, vocab], True at the ids of each row that `mask` selects."""
    rows = tf.range(tf.shape(ids)[0])[:, tf.newaxis]
    positions = tf.boolean_mask(tf.stack([tf.broadcast_to(rows, tf.shape(ids)), ids], 2), mask)
    counts = tf.scatter_nd(
        positions, tf.ones(tf.shape(positions)[:1], tf.int32), [tf.shape(ids)[0], vocab]
    )
    return counts > 0


def _force_prefix(rules: LogitsProcessorParams, unconstrained, scores, time):
    """Within the prefix, suppresses all tokens but the next one of the prefix."""
    width = tf.shape(rules.prefix_ids)[1]

    def force():
        token = rules.prefix_ids[:, time]
        is_prefix_token = tf.one_hot(token, tf.shape(scores)[1], True, False)
        within = (time < rules.prefix_length)[:, tf.newaxis]
        return tf.where(within, tf.where(is_prefix_token, unconstrained, NEG_INF), scores)

    return tf.cond(time < width, force, lambda: scores)
