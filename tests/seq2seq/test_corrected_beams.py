"""`corrected=True` returns alignments and scores that belong to the hypothesis."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq import seq2seq
from helpers.seq2seq_cases import Case
from helpers.seq2seq_model import BOS_ID, EOS_ID, ROWS, Model

BEAM_WIDTH = 4


def search(penalty=0.0, coverage_penalty=0.0, corrected=True):
    """Returns the model and the outputs of a beam search by name."""
    case = Case(
        mechanism="bahdanau",
        decoding="beam",
        decoder={
            "beam_width": BEAM_WIDTH,
            "length_penalty_weight": penalty,
            "coverage_penalty_weight": coverage_penalty,
            "corrected": corrected,
        },
    )
    model = Model(seq2seq, case)
    return model, model.decode_with_embedding()


def force_ids(model, ids):
    """Returns logits and alignments [rows, time, ...] of teacher forcing int32[rows, time]."""
    decoder = seq2seq.BasicDecoder(model.wrapper, seq2seq.TrainingSampler(), model.output_layer)
    fed_ids = tf.concat([[[BOS_ID], [3], [4]][:ROWS], ids[:, :-1]], axis=1)
    outputs, state, _ = decoder(
        tf.nn.embedding_lookup(model.embedding, fed_ids), initial_state=model.initial_state()
    )
    return outputs.rnn_output, tf.transpose(state.alignment_history.stack(), [1, 0, 2])


def alignments_of_beams(outputs, beam):
    """Returns float[rows, time, source_time] of the hypotheses of a beam."""
    history = outputs["alignment_history"][0]  # [time, rows * beams, source_time]
    shape = [tf.shape(history)[0], ROWS, BEAM_WIDTH, -1]
    return tf.transpose(tf.reshape(history, shape)[:, :, beam], [1, 0, 2])


def differences(corrected):
    """Returns the largest differences of alignments from teacher forcing, for each beam."""
    model, outputs = search(corrected=corrected)
    lengths = outputs["beams"].lengths
    result = []
    for beam in range(BEAM_WIDTH):
        _, expected = force_ids(model, outputs["final_ids"][:, :, beam])
        mask = tf.sequence_mask(lengths[:, beam], expected.shape[1], dtype=tf.float32)
        difference = tf.abs(alignments_of_beams(outputs, beam) - expected) * mask[:, :, tf.newaxis]
        result.append(float(tf.reduce_max(difference)))
    return result


def test_alignments_are_those_of_teacher_forcing_the_hypothesis():
    assert max(differences(corrected=True)) < 1e-6


def test_the_alignments_of_tensorflow_addons_are_not():
    assert max(differences(corrected=False)) > 0.01


def length_penalty(lengths, weight):
    return ((5 + lengths) / 6) ** weight


@pytest.mark.parametrize("coverage_penalty", [0.0, 0.1])
def test_a_score_is_a_function_of_the_hypothesis(coverage_penalty):
    penalty = 1.0
    model, outputs = search(penalty, coverage_penalty)
    ids, lengths = outputs["final_ids"].numpy(), outputs["beams"].lengths.numpy()
    scores = outputs["scores"].numpy()[:, -1]
    num_ended = 0
    for beam in range(BEAM_WIDTH):
        logits, alignments = force_ids(model, ids[:, :, beam])
        log_probs = tf.gather(tf.nn.log_softmax(logits), ids[:, :, beam], batch_dims=2).numpy()
        for row in range(ROWS):
            length = lengths[row, beam]
            log_prob = log_probs[row, :length].sum()
            expected = log_prob / length_penalty(length, penalty)
            has_ended = ids[row, length - 1, beam] == EOS_ID
            num_ended += has_ended
            if has_ended:
                coverage = alignments.numpy()[row, :length].sum(axis=0)
                coverage = np.where(coverage == 0, 1, np.minimum(coverage, 1))
                expected += coverage_penalty * np.log(coverage).sum()
            np.testing.assert_allclose(scores[row, beam], expected, atol=1e-5)
    assert 0 < num_ended < ROWS * BEAM_WIDTH


@pytest.mark.parametrize("corrected", [True, False])
def test_a_score_changes_after_the_end_only_without_correction(corrected):
    _, outputs = search(1.0, 0.1, corrected)
    # All [rows, time, beams].
    ids, parents, scores = (
        outputs[name].numpy() for name in ("predicted_ids", "parent_ids", "scores")
    )
    changes = []
    for row in range(ROWS):
        for time in range(1, ids.shape[1]):
            for beam, parent in enumerate(parents[row, time]):
                if ids[row, time - 1, parent] == EOS_ID:
                    assert ids[row, time, beam] == EOS_ID
                    changes.append(abs(scores[row, time, beam] - scores[row, time - 1, parent]))
    assert changes
    if corrected:
        assert max(changes) == 0
    else:
        assert max(changes) > 0.01


def test_corrected_ids_are_the_same_without_penalties():
    outputs = [search(corrected=corrected)[1] for corrected in (True, False)]
    for name in ("final_ids", "scores", "beams"):
        for new, old in zip(*(tf.nest.flatten(output[name]) for output in outputs)):
            np.testing.assert_array_equal(new, old)
