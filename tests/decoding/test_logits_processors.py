"""Logits processors constrain every decoding method, and change scores as documented."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.logits_processors import process, suppress_tokens
from attention_seq2seq.decoding.sampling import sample
from helpers.toy_models import make_beam_params, make_params, make_processors, matrix_step

BOS, EOS, A, B, C = 1, 2, 3, 4, 5
# Probabilities of the next token (column) after a token (row); a tends to repeat.
#           pad  bos  eos   a    b    c
TRANSITIONS = [
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # pad
    [0.0, 0.0, 0.2, 0.6, 0.15, 0.05],  # bos
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # eos
    [0.0, 0.0, 0.2, 0.5, 0.2, 0.1],  # a
    [0.0, 0.0, 0.2, 0.5, 0.2, 0.1],  # b
    [0.0, 0.0, 0.2, 0.5, 0.2, 0.1],  # c
]
MAX_LENGTH = 6
NUM_ROWS = 4


def generate(method, **options):
    """Returns the replies without end tokens, and the hypotheses."""
    step, state = matrix_step(TRANSITIONS, 1), tf.zeros([NUM_ROWS], tf.int32)
    processors = make_processors(NUM_ROWS, **options)
    if method == "greedy":
        hypotheses = greedy_search(step, state, processors, tf.constant(MAX_LENGTH))
    elif method == "sample":
        seeds = tf.stack([tf.range(NUM_ROWS), tf.zeros([NUM_ROWS], tf.int32)], axis=1)
        params = make_params(max_length=MAX_LENGTH)
        hypotheses = sample(step, state, params, processors, seeds)
    else:
        params = make_beam_params(beam_width=NUM_ROWS, max_length=MAX_LENGTH)
        mask = tf.ones([NUM_ROWS, 1], tf.bool)
        hypotheses = beam_search(step, state, params, processors, mask)
    rows = zip(hypotheses.ids.numpy().tolist(), hypotheses.lengths.numpy())
    replies = [[token for token in ids[:length] if token != EOS] for ids, length in rows]
    return replies, hypotheses


all_methods = pytest.mark.parametrize("method", ["greedy", "sample", "beam"])


@all_methods
def test_min_length(method):
    unconstrained, _ = generate(method)
    constrained, _ = generate(method, min_length=4)
    assert any(len(tokens) < 4 for tokens in unconstrained) or method == "greedy"
    assert all(len(tokens) >= 4 for tokens in constrained)
    greedy_replies, _ = generate("greedy", min_length=4)
    assert len(greedy_replies[0]) == MAX_LENGTH, "a is more probable than the end token"


@all_methods
@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_repeat_ngram_size(method, size):
    def repeats_ngram(tokens):
        ngrams = [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]
        return len(ngrams) > len(set(ngrams))

    unconstrained, _ = generate(method, min_length=5)
    assert any(map(repeats_ngram, unconstrained))
    constrained, _ = generate(method, no_repeat_ngram_size=size)
    assert not any(map(repeats_ngram, constrained))


@all_methods
def test_suppress_tokens(method):
    unconstrained, _ = generate(method)
    assert any(A in tokens for tokens in unconstrained)
    processors = suppress_tokens([A, C], 6, BOS, EOS)
    constrained, _ = generate(method, processors=processors, min_length=3)
    assert all(set(tokens) == {B} for tokens in constrained)


@all_methods
def test_suppressed_sequences(method):
    unconstrained, _ = generate(method)
    sequences = [A, A], [B, A, C], [A, B, A, B]

    def occurrences(replies):
        return [
            sequence
            for tokens in replies
            for sequence in sequences
            for start in range(len(tokens))
            if tokens[start : start + len(sequence)] == sequence
        ]

    assert occurrences(unconstrained)
    constrained, _ = generate(method, suppressed_sequences=sequences)
    assert not occurrences(constrained)
    assert any(A in tokens for tokens in constrained)


def test_suppressed_sequences_exclude_only_their_last_token():
    tokens = tf.constant([[A, B, 0], [B, A, 0], [C, A, 0], [C, B, 0]])
    processors = make_processors(4, suppressed_sequences=([A, B], [A, B, C], [B, A, C]))
    scores = process(tf.zeros([4, 6]), processors, tokens, tf.constant(2)).numpy()
    assert [np.flatnonzero(np.isinf(row)).tolist() for row in scores] == [[C], [B, C], [B], []]
    # Before the second token, no sequence of three tokens can end.
    scores = process(tf.zeros([4, 6]), processors, tokens, tf.constant(1)).numpy()
    assert [np.flatnonzero(np.isinf(row)).tolist() for row in scores] == [[B], [], [], []]


@all_methods
@pytest.mark.parametrize("prefix", [[C, B], [B], [C, C], []], ids=str)
def test_target_prefix(method, prefix):
    replies, hypotheses = generate(method, prefix_ids=prefix)
    assert len(replies) == NUM_ROWS
    for tokens in replies:
        assert tokens[: len(prefix)] == prefix
    # The log-probabilities of the prefix are those of the model.
    probabilities = [TRANSITIONS[last][token] for last, token in zip([BOS, *prefix], prefix)]
    expected = [np.sum(np.log(probabilities))] * NUM_ROWS
    log_probs = np.sum(hypotheses.token_log_probs[:, : len(prefix)], axis=1)
    np.testing.assert_allclose(log_probs, expected, atol=1e-5)
    if not prefix:
        unconstrained, _ = generate(method)
        assert replies == unconstrained


def test_repetition_penalty_divides_the_probability():
    unconstrained, _ = generate("greedy", min_length=MAX_LENGTH)
    assert unconstrained[0] == [A] * MAX_LENGTH
    # After an a, the repeated a has 0.5 / 3, less than the 0.2 of b and of the end token.
    replies, hypotheses = generate("greedy", repetition_penalty=3.0)
    assert replies[0] == [A]
    np.testing.assert_allclose(hypotheses.scores[0], np.log([0.6, 0.2]).sum(), atol=1e-5)
    replies, hypotheses = generate("greedy", repetition_penalty=3.0, min_length=3)
    assert replies[0] == [A, B, A]
    score, log_prob = np.log([0.6, 0.2, 0.5 / 3, 0.2]).sum(), np.log([0.6, 0.2, 0.5, 0.2]).sum()
    np.testing.assert_allclose(hypotheses.scores[0], score, atol=1e-5)
    np.testing.assert_allclose(hypotheses.log_prob[0], log_prob, atol=1e-5)


def test_prompt_bigram_penalty_divides_the_probability_of_prompt_bigrams():
    scores = process(
        tf.math.log(tf.constant(TRANSITIONS[A : A + 1] * 3) + 1e-30),
        make_processors(
            3,
            prompt_bigram_penalty=4.0,
            # The prompts continue a with b, with an OOV token, and with c.
            prompt_target_ids=[[C, A, B], [A, -1, B], [B, A, C]],
        ),
        tf.constant([[A, 0], [A, 0], [A, 0]]),
        tf.constant(1),
    )
    expected = np.log(np.array([TRANSITIONS[A]] * 3) + 1e-30)
    expected[0, B] -= np.log(4)
    expected[2, C] -= np.log(4)
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_prompt_bigram_penalty_applies_to_the_first_token_of_the_prompt():
    prompt_target_ids = [[A, A]] * NUM_ROWS
    replies, _ = generate(
        "greedy", prompt_bigram_penalty=9.0, prompt_target_ids=prompt_target_ids, min_length=1
    )
    assert replies[0][0] == B


@all_methods
def test_replies_end_if_all_tokens_are_suppressed(method):
    processors = suppress_tokens([0, BOS, A, B, C], 6, BOS, EOS)
    replies, _ = generate(method, processors=processors, min_length=3)
    assert [] in replies


def test_repeated_ngrams_do_not_include_the_padding():
    # The padding after the tokens of the reply does not block id 0.
    scores = process(
        tf.zeros([1, 6]),
        make_processors(1, no_repeat_ngram_size=1),
        tf.constant([[A, B, 0, 0]]),
        tf.constant(2),
    )
    assert np.isinf(scores[0]).tolist() == [False, False, False, True, True, False]
