"""Greedy decoding and beam search with the decoders of TensorFlow Addons, as a baseline."""

import tensorflow as tf
from tensorflow_addons import seq2seq

from attention_seq2seq.models.seq2seq import Seq2Seq


class TFADecoders:
    """`BasicDecoder` and `BeamSearchDecoder` over the AttentionWrapper of a model.

    All functions are traced once, for any batch size and length.

    Args:
        model: a model with attention and a zero initial state.
        bos_id: input of the first step.
        eos_id: end of a reply.
        beam_width: number of beams.
    """

    def __init__(self, model: Seq2Seq, bos_id: int, eos_id: int, beam_width: int):
        self.model = model
        self.bos_id = bos_id
        self.eos_id = eos_id
        self.beam_width = beam_width
        signature = [
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([], tf.int32),
        ]
        self.greedy = tf.function(self._greedy, input_signature=signature)
        self.greedy_with_attention = tf.function(
            self._greedy_with_attention, input_signature=signature
        )
        self.beam = tf.function(self._beam, input_signature=signature)

    def _greedy(self, source_ids, source_length, max_length):
        """Returns int32[batch, target_time]."""
        outputs, _ = self._run_greedy(source_ids, source_length, max_length)
        return outputs.sample_id

    def _greedy_with_attention(self, source_ids, source_length, max_length):
        """Returns ids, log-probabilities and attention weights, like `greedy_search`."""
        wrapper = self.model.decoder.rnn.wrapper
        wrapper._alignment_history = True
        outputs, state = self._run_greedy(source_ids, source_length, max_length)
        wrapper._alignment_history = False
        token_log_probs = tf.nn.log_softmax(outputs.rnn_output)
        token_log_probs = tf.gather(token_log_probs, outputs.sample_id, batch_dims=2)
        return outputs.sample_id, token_log_probs, state.alignment_history.stack()

    def _run_greedy(self, source_ids, source_length, max_length):
        cell, state = self._start(source_ids, source_length, 1)
        decoder = seq2seq.BasicDecoder(
            cell,
            seq2seq.GreedyEmbeddingSampler(),
            output_layer=self.model.decoder.output_projection,
            maximum_iterations=max_length,
        )
        return self._run(decoder, tf.shape(source_ids)[0], state)

    def _beam(self, source_ids, source_length, max_length):
        """Returns int32[batch, target_time, beams]."""
        cell, state = self._start(source_ids, source_length, self.beam_width)
        decoder = seq2seq.BeamSearchDecoder(
            cell,
            self.beam_width,
            output_layer=self.model.decoder.output_projection,
            maximum_iterations=max_length,
        )
        outputs, _ = self._run(decoder, tf.shape(source_ids)[0], state)
        return outputs.predicted_ids

    def _start(self, source_ids, source_length, num_copies):
        encoder_output = self.model.encoder(source_ids, source_length)
        rnn = self.model.decoder.rnn
        outputs = seq2seq.tile_batch(encoder_output.outputs, num_copies)
        rnn.mechanism.setup_memory(outputs, seq2seq.tile_batch(source_length, num_copies))
        num_rows = tf.shape(outputs)[0]
        return rnn.wrapper, rnn.wrapper.get_initial_state(batch_size=num_rows, dtype=outputs.dtype)

    def _run(self, decoder, batch_size, state):
        outputs, state, _ = decoder(
            self.model.decoder.embedding.embeddings,
            start_tokens=tf.fill([batch_size], self.bos_id),
            end_token=self.eos_id,
            initial_state=state,
        )
        return outputs, state
