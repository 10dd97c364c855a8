"""What may be said, and what repeating costs: the same for every way of searching."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.params import DecodingParams

NEG_INF = float("-inf")


class LogitsProcessorParams(NamedTuple):
    """What depends on the words said before. All are tensors: they change from call to call.

    Attributes:
        minimum_length: int32[], words before the end.
        no_repeat_ngram: int32[], no sequence of this many words is said twice; 0: any may be.
        repetition_penalty: float32[], a word said before has its probability divided by this.
        echo_penalty: float32[], a word that follows the word just said, or the begin, in the
            prompt too, has its probability divided by this.
        prefix_ids: int32[rows, prefix_time], what each reply begins with.
        prefix_length: int32[rows].
        prompt_ids: int32[rows, source_time], the words of the prompt as ids of the reply's
            vocabulary; -1 where it has none.
    """

    minimum_length: tf.Tensor
    no_repeat_ngram: tf.Tensor
    repetition_penalty: tf.Tensor
    echo_penalty: tf.Tensor
    prefix_ids: tf.Tensor
    prefix_length: tf.Tensor
    prompt_ids: tf.Tensor

    @classmethod
    def none(cls, num_rows) -> "LogitsProcessorParams":
        """Anything may be said."""
        nothing = tf.zeros([num_rows, 0], tf.int32)
        return cls(
            minimum_length=tf.constant(0),
            no_repeat_ngram=tf.constant(0),
            repetition_penalty=tf.constant(1.0),
            echo_penalty=tf.constant(1.0),
            prefix_ids=nothing,
            prefix_length=tf.zeros([num_rows], tf.int32),
            prompt_ids=nothing,
        )

    @property
    def is_active(self) -> tf.Tensor:
        """bool[], whether any of them can have an effect."""
        return (
            (self.minimum_length > 0)
            | (self.no_repeat_ngram > 0)
            | (self.repetition_penalty != 1.0)
            | (self.echo_penalty != 1.0)
            | tf.reduce_any(self.prefix_length > 0)
        )


class LogitsProcessors(NamedTuple):
    """What may be said.

    Attributes:
        forbidden: float32[vocab], -inf for a word never said, 0 for any other; None: no word is.
        num_forbidden: int32[].
        rules: what depends on the words said before; None: nothing does, which is faster.
    """

    forbidden: tf.Tensor | None = None
    num_forbidden: tf.Tensor | int = 0
    rules: LogitsProcessorParams | None = None


def suppress_tokens(ids: tf.Tensor, vocab: int, eos_id: int) -> LogitsProcessors:
    """Ids int32[num_forbidden] are never said; but the end always can be."""
    banned = tf.reduce_any(tf.one_hot(ids, vocab, True, False), axis=0)
    banned &= tf.range(vocab) != eos_id
    return LogitsProcessors(
        forbidden=tf.where(banned, NEG_INF, 0.0),
        num_forbidden=tf.math.count_nonzero(banned, dtype=tf.int32),
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
        minimum_length=params.minimum_length,
        no_repeat_ngram=params.no_repeat_ngram,
        repetition_penalty=params.repetition_penalty,
        echo_penalty=params.echo_penalty,
        prefix_ids=tf.repeat(params.prefix_ids[tf.newaxis], num_rows, axis=0),
        prefix_length=tf.fill([num_rows], tf.size(params.prefix_ids)),
        prompt_ids=prompt_ids,
    )
    return suppress_tokens(params.forbidden_ids, vocab, eos_id)._replace(rules=rules)


def process(
    scores: tf.Tensor,
    processors: LogitsProcessors,
    said: tf.Tensor,
    time: tf.Tensor,
    bos_id: int,
    eos_id: int,
) -> tf.Tensor:
    """Scores as the constraints see them: -inf for what may not be said.

    Where nothing at all may be said, the end may.

    Args:
        scores: float32[rows, vocab], log-probabilities, but for a number for each row.
        processors: what may be said.
        said: int32[rows, max_length], the ids said so far.
        time: int32[], how many they are.
        bos_id: what stands before the first.
        eos_id: ends a reply.
    """
    free = scores
    if processors.forbidden is not None:
        scores += processors.forbidden
    rules = processors.rules
    if rules is None:
        return scores
    vocab = tf.shape(free)[1]
    scores -= _prompt_bigram_penalty(rules, _previous_token(said, time, bos_id), bos_id, vocab)
    scores -= _repetition_penalty(rules, said[:, :time], vocab)

    is_end = tf.range(vocab) == eos_id
    banned = is_end & (time < rules.minimum_length)
    banned |= _repeated_ngrams(rules.no_repeat_ngram, said[:, :time], vocab)
    scores = tf.where(banned, NEG_INF, scores)

    stuck = tf.reduce_all(tf.math.is_inf(scores), axis=1, keepdims=True)
    scores = tf.where(stuck & is_end, free, scores)
    return _force_prefix(rules, free, scores, time)


def _previous_token(said, time, bos_id):
    """int32[rows], the word before."""
    if_any = said[:, tf.maximum(time - 1, 0)]
    return tf.where(time > 0, if_any, bos_id)


def _repetition_penalty(rules: LogitsProcessorParams, said, vocab):
    """float32[rows, vocab]."""
    # [rows, time, vocab] would be large: each word said marks its place in [rows, vocab].
    seen = _scatter_mask(said, tf.ones_like(said, tf.bool), vocab)
    return tf.where(seen, tf.math.log(rules.repetition_penalty), 0.0)


def _prompt_bigram_penalty(rules: LogitsProcessorParams, previous, bos_id, vocab):
    """float32[rows, vocab]."""
    prompt = rules.prompt_ids
    before = tf.pad(prompt[:, :-1], [[0, 0], [1, 0]], constant_values=bos_id)
    # Without a prompt there is no place for the begin either.
    before = before[:, : tf.shape(prompt)[1]]
    follows = (before == previous[:, tf.newaxis]) & (prompt >= 0)
    echo = _scatter_mask(prompt, follows, vocab)
    return tf.where(echo, tf.math.log(rules.echo_penalty), 0.0)


def _repeated_ngrams(size, said, vocab):
    """bool[rows, vocab], the words that would end an n-gram which was said before."""
    rows, time = tf.shape(said)[0], tf.shape(said)[1]
    # Place p of `said` ends an n-gram that starts at p - size + 1; its first size - 1 words are
    # compared with the last size - 1 words said.
    ends = tf.range(time)
    starts = ends - size + 1
    offsets = tf.range(tf.maximum(size - 1, 0))
    # [place, offset]
    places = tf.maximum(starts[:, tf.newaxis] + offsets, 0)
    earlier = tf.gather(said, places, axis=1)
    last = said[:, tf.maximum(time - size + 1, 0) :]
    last = last[:, : tf.size(offsets)]
    possible = (starts >= 0) & (time >= size) & (size > 0)

    def matches():
        return tf.reduce_all(earlier == last[:, tf.newaxis, :], axis=2) & possible

    same = tf.cond(tf.reduce_any(possible), matches, lambda: tf.zeros([rows, time], tf.bool))
    return _scatter_mask(said, same, vocab)


def _scatter_mask(ids, chosen, vocab):
    """bool[rows, vocab], true at the ids of each row that are chosen."""
    rows = tf.range(tf.shape(ids)[0])[:, tf.newaxis]
    places = tf.boolean_mask(tf.stack([tf.broadcast_to(rows, tf.shape(ids)), ids], 2), chosen)
    counts = tf.scatter_nd(
        places, tf.ones(tf.shape(places)[:1], tf.int32), [tf.shape(ids)[0], vocab]
    )
    return counts > 0


def _force_prefix(rules: LogitsProcessorParams, free, scores, time):
    """Within the prefix only its word is left, whatever the other rules say."""
    width = tf.shape(rules.prefix_ids)[1]

    def force():
        word = rules.prefix_ids[:, time]
        only = tf.one_hot(word, tf.shape(scores)[1], True, False)
        within = (time < rules.prefix_length)[:, tf.newaxis]
        return tf.where(within, tf.where(only, free, NEG_INF), scores)

    return tf.cond(time < width, force, lambda: scores)
