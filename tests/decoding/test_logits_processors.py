"""Each constraint binds, in every way of searching, and says what it should in numbers."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.logits_processors import process, suppress_tokens
from attention_seq2seq.decoding.sampling import sample
from helpers.toy_models import make_beam_params, make_params, make_processors, matrix_step

BOS, EOS, A, B, C = 1, 2, 3, 4, 5
# From row to column: a likes to be said again and again.
#           pad  bos  eos   a    b    c
WORLD = [
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # pad
    [0.0, 0.0, 0.2, 0.6, 0.15, 0.05],  # bos
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # eos
    [0.0, 0.0, 0.2, 0.5, 0.2, 0.1],  # a
    [0.0, 0.0, 0.2, 0.5, 0.2, 0.1],  # b
    [0.0, 0.0, 0.2, 0.5, 0.2, 0.1],  # c
]
LENGTH = 6
ROWS = 4


def said(method, **given):
    """The replies of all rows, without their ends."""
    step, state = matrix_step(WORLD, 1), tf.zeros([ROWS], tf.int32)
    processors = make_processors(ROWS, **given)
    if method == "greedy":
        found = greedy_search(step, state, processors, BOS, EOS, tf.constant(LENGTH))
    elif method == "sample":
        seeds = tf.stack([tf.range(ROWS), tf.zeros([ROWS], tf.int32)], axis=1)
        params = make_params(max_length=LENGTH)
        found = sample(step, state, params, processors, BOS, EOS, seeds)
    else:
        params = make_beam_params(beam_width=ROWS, max_length=LENGTH)
        mask = tf.ones([ROWS, 1], tf.bool)
        found = beam_search(step, state, params, processors, BOS, EOS, mask)
    rows = zip(found.ids.numpy().tolist(), found.lengths.numpy())
    return [[word for word in ids[:length] if word != EOS] for ids, length in rows], found


methods = pytest.mark.parametrize("method", ["greedy", "sample", "beam"])


@methods
def test_minimum_length(method):
    free, _ = said(method)
    bound, _ = said(method, min_length=4)
    assert any(len(words) < 4 for words in free) or method == "greedy"
    assert all(len(words) >= 4 for words in bound)
    assert len(said("greedy", min_length=4)[0][0]) == LENGTH, "a is likelier than the end"


@methods
@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_repeated_ngram(method, size):
    def repeats(words):
        ngrams = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
        return len(ngrams) > len(set(ngrams))

    assert any(map(repeats, said(method, min_length=5)[0])), "the rule has something to forbid"
    bound, _ = said(method, no_repeat_ngram_size=size)
    assert not any(map(repeats, bound))


@methods
def test_suppressed_tokens(method):
    assert any(A in words for words in said(method)[0])
    bound, _ = said(method, processors=suppress_tokens([A, C], 6, EOS), min_length=3)
    assert all(set(words) == {B} for words in bound)


@methods
@pytest.mark.parametrize("prefix", [[C, B], [B], [C, C], []], ids=str)
def test_a_forced_prefix(method, prefix):
    bound, found = said(method, prefix_ids=prefix)
    assert len(bound) == ROWS
    for words in bound:
        assert words[: len(prefix)] == prefix
    # The log-probability is the model's own, of the prefix too.
    by_hand = np.sum(np.log([WORLD[last][word] for last, word in zip([BOS, *prefix], prefix)]))
    log_probs = np.sum(found.token_log_probs[:, : len(prefix)], axis=1)
    np.testing.assert_allclose(log_probs, [by_hand] * ROWS, atol=1e-5)
    if not prefix:
        assert bound == said(method)[0]


def test_repetition_penalty_divides_the_probability():
    free, _ = said("greedy", min_length=LENGTH)
    assert free[0] == [A] * LENGTH
    # After one a: 0.5 / 3 is less than b's 0.2; then the end's 0.2 is not less than any.
    bound, found = said("greedy", repetition_penalty=3.0)
    assert bound[0] == [A]
    scores = np.log([0.6, 0.2])
    np.testing.assert_allclose(found.scores[0], scores.sum(), atol=1e-5)
    bound, found = said("greedy", repetition_penalty=3.0, min_length=3)
    assert bound[0] == [A, B, A]
    np.testing.assert_allclose(found.scores[0], np.log([0.6, 0.2, 0.5 / 3, 0.2]).sum(), atol=1e-5)
    np.testing.assert_allclose(found.log_prob[0], np.log([0.6, 0.2, 0.5, 0.2]).sum(), atol=1e-5)


def test_echo_penalty_divides_what_goes_on_as_the_prompt():
    scores = process(
        tf.math.log(tf.constant(WORLD[A : A + 1] * 3) + 1e-30),
        make_processors(
            3,
            prompt_bigram_penalty=4.0,
            # After a comes b in the first; nothing in the second; c, unknown to it, in the third.
            prompt_target_ids=[[C, A, B], [A, -1, B], [B, A, C]],
        ),
        tf.constant([[A, 0], [A, 0], [A, 0]]),
        tf.constant(1),
        BOS,
        EOS,
    )
    expected = np.log(np.array([WORLD[A]] * 3) + 1e-30)
    expected[0, B] -= np.log(4)
    expected[2, C] -= np.log(4)
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_the_first_word_of_the_prompt_is_an_echo_at_the_beginning():
    bound, _ = said(
        "greedy", prompt_bigram_penalty=9.0, prompt_target_ids=[[A, A]] * ROWS, min_length=1
    )
    assert bound[0][0] == B


@methods
def test_where_nothing_may_be_said_the_reply_ends(method):
    bound, _ = said(method, processors=suppress_tokens([0, BOS, A, B, C], 6, EOS), min_length=3)
    assert [] in bound


def test_a_word_said_long_ago_counts_whatever_the_padding():
    # Padding 0 after the words said is no word: nothing repeats it.
    scores = process(
        tf.zeros([1, 6]),
        make_processors(1, no_repeat_ngram_size=1),
        tf.constant([[A, B, 0, 0]]),
        tf.constant(2),
        BOS,
        EOS,
    )
    assert np.isinf(scores[0]).tolist() == [False, False, False, True, True, False]
