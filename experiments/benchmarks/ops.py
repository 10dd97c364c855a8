"""Times of the parts of an update, compared with plain Keras and TensorFlow."""

import statistics
import time
from collections.abc import Callable

import tensorflow as tf
from tensorflow import keras
from tensorflow_addons import seq2seq

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.models.encoder import EncoderOutput
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.training.gradients import clip_by_global_norm, deduplicate_slices
from attention_seq2seq.training.loss import cross_entropy
from attention_seq2seq.training.optimizers import make_optimizer

BATCH_SIZE, LENGTH, CLIP_NORM = 64, 12, 5.0
DTYPES = (tf.float32, tf.bfloat16)


class TrainingOps:
    """Parts of an update with their gradients, on random pairs of equal length.

    Args:
        units: width of the model.
        vocabulary_size: number of tokens.
    """

    def __init__(self, units: int, vocabulary_size: int):
        self.units, self.vocabulary_size = units, vocabulary_size
        self.model = make_model(ModelConfig(units=units), vocabulary_size, vocabulary_size)
        # float[time, batch, units]
        self.inputs = tf.random.normal([LENGTH, BATCH_SIZE, units])
        self.outputs = tf.random.normal([BATCH_SIZE, LENGTH, units])
        self.zeros = tf.zeros([BATCH_SIZE, units])
        self.length = tf.fill([BATCH_SIZE], LENGTH)
        self.ids = tf.random.uniform([BATCH_SIZE * LENGTH], 5, vocabulary_size, tf.int32)

    def encoder(self, dtype: tf.DType) -> Callable:
        """Returns the LSTM of this project."""
        lstm, state = self.model.encoder.layers[0][0], (self.zeros, self.zeros)
        return self._with_gradients(
            lambda inputs: lstm.unroll(inputs, state, dtype)[0], [self.inputs], lstm.weights
        )

    def plain_encoder(self) -> Callable:
        """Returns the LSTM of Keras."""
        lstm = keras.layers.LSTM(self.units, return_sequences=True)
        mask = tf.sequence_mask(self.length, LENGTH)
        inputs = tf.transpose(self.inputs, [1, 0, 2])
        lstm(inputs)
        return self._with_gradients(
            lambda inputs: lstm(inputs, mask=mask), [inputs], lstm.trainable_weights
        )

    def decoder(self, dtype: tf.DType) -> Callable:
        """Returns the attention decoder of this project, including the keys of the memory."""
        decoder = self.model.decoder

        def run(inputs, outputs):
            final_state = ((self.zeros, self.zeros),)
            memory, state = decoder.initial_state(EncoderOutput(outputs, self.length, final_state))
            return decoder.rnn.unroll(inputs, memory, state, dtype)[0]

        weights = list(decoder.rnn.named_weights().values())
        return self._with_gradients(run, [self.inputs, self.outputs], weights)

    def plain_decoder(self) -> Callable:
        """Returns a Keras RNN over the AttentionWrapper of TensorFlow Addons."""
        mechanism = seq2seq.LuongAttention(self.units)
        cell = seq2seq.AttentionWrapper(
            keras.layers.LSTMCell(self.units), mechanism, attention_layer_size=self.units
        )
        rnn = keras.layers.RNN(cell, return_sequences=True)

        def run(inputs, outputs):
            mechanism.setup_memory(outputs, self.length)
            state = cell.get_initial_state(batch_size=BATCH_SIZE, dtype=tf.float32)
            return rnn(inputs, initial_state=state)

        inputs = tf.transpose(self.inputs, [1, 0, 2])
        run(inputs, self.outputs)
        weights = [*cell.trainable_weights, *mechanism.trainable_weights]
        weights = list({id(weight): weight for weight in weights}.values())
        return self._with_gradients(run, [inputs, self.outputs], weights)

    def loss(self, dtype: tf.DType) -> Callable:
        """Returns the fused logits and cross-entropy of this project."""
        projection = self.model.decoder.output_projection
        return self._with_gradients(
            lambda vectors: cross_entropy(
                vectors, projection.kernel, projection.bias, self.ids, dtype
            ),
            [tf.reshape(self.inputs, [-1, self.units])],
            projection.trainable_weights,
        )

    def plain_loss(self) -> Callable:
        """Returns a Dense layer with TensorFlow's cross-entropy."""
        projection = self.model.decoder.output_projection
        return self._with_gradients(
            lambda vectors: tf.nn.sparse_softmax_cross_entropy_with_logits(
                self.ids, projection(vectors)
            ),
            [tf.reshape(self.inputs, [-1, self.units])],
            projection.trainable_weights,
        )

    def clipping(self) -> Callable:
        """Returns clipping by global norm of deduplicated sparse gradients."""
        gradients = self._gradients()
        return tf.function(
            lambda: clip_by_global_norm([deduplicate_slices(g) for g in gradients], CLIP_NORM),
            jit_compile=False,
        )

    def plain_clipping(self) -> Callable:
        """Returns TensorFlow's clipping of dense gradients."""
        gradients = self._gradients()
        return tf.function(
            lambda: tf.clip_by_global_norm(list(map(tf.convert_to_tensor, gradients)), CLIP_NORM),
            jit_compile=False,
        )

    def update(self) -> Callable:
        """Returns an update by lazy Adam."""
        gradients = [deduplicate_slices(gradient) for gradient in self._gradients()]
        optimizer = make_optimizer(TrainingConfig(), 1)
        optimizer.build(self.model.named_weights())
        return tf.function(lambda: optimizer.apply_gradients(gradients), jit_compile=False)

    def plain_update(self) -> Callable:
        """Returns an update by Keras' Adam with dense gradients."""
        gradients = list(map(tf.convert_to_tensor, self._gradients()))
        weights = list(self.model.named_weights().values())
        optimizer = keras.optimizers.Adam()
        optimizer.build(weights)
        return tf.function(
            lambda: optimizer.apply_gradients(zip(gradients, weights)), jit_compile=False
        )

    def _gradients(self) -> list:
        """Returns gradients of all weights, too small to be clipped, as in most updates."""
        rows = tf.random.normal([BATCH_SIZE * LENGTH, self.units], stddev=1e-4)
        return [
            tf.IndexedSlices(rows, self.ids, tf.shape(weight))
            if name.endswith("embedding")
            else tf.random.normal(weight.shape, stddev=1e-4)
            for name, weight in self.model.named_weights().items()
        ]

    def _with_gradients(self, run: Callable, inputs: list, weights: list) -> Callable:
        def gradients():
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                result = run(*inputs)
            # TensorFlow would prune the computation of an unused result.
            return result, tape.gradient(result, [*inputs, *weights])

        return tf.function(gradients, jit_compile=False)


def print_table(units: int, vocabulary_size: int, repeats: int) -> list[dict]:
    """Prints and returns the milliseconds of each part, with its implementations in turn."""
    ops = TrainingOps(units, vocabulary_size)
    print(f"{units} units, {vocabulary_size} tokens, {BATCH_SIZE} pairs of {LENGTH} tokens\n")
    print(f"{'milliseconds':24}{'plain':>8}{'float32':>9}{'bfloat16':>10}{'gain':>8}{'gain':>7}")
    parts = {
        "encoder": (ops.plain_encoder(), *map(ops.encoder, DTYPES)),
        "decoder": (ops.plain_decoder(), *map(ops.decoder, DTYPES)),
        "logits and loss": (ops.plain_loss(), *map(ops.loss, DTYPES)),
        "clipping": (ops.plain_clipping(), ops.clipping()),
        "update": (ops.plain_update(), ops.update()),
    }
    total, rows = [0.0, 0.0, 0.0], []
    for name, variants in parts.items():
        times = median_times(variants, repeats)
        times += times[-1:] * (3 - len(times))
        total = [sum(values) for values in zip(total, times)]
        rows.append({"units": units, "part": name, **print_row(name, times)})
    rows.append({"units": units, "part": "total", **print_row("total", total)})
    return rows


def print_row(name: str, times: list[float]) -> dict[str, float]:
    """Prints and returns milliseconds, and the speed-up over the plain implementation."""
    plain_time, float32_time, bfloat16_time = times
    print(f"{name:24}{plain_time:>8.1f}{float32_time:>9.1f}{bfloat16_time:>10.1f}", end="")
    print(f"{plain_time / float32_time:>8.2f}{plain_time / bfloat16_time:>7.2f}", flush=True)
    return {
        "plain_ms": plain_time,
        "float32_ms": float32_time,
        "bfloat16_ms": bfloat16_time,
        "float32_gain": plain_time / float32_time,
        "bfloat16_gain": plain_time / bfloat16_time,
    }


def median_times(variants, repeats: int) -> list[float]:
    """Returns the median milliseconds of each call, without the first two."""
    times = [[] for _ in variants]
    for _ in range(repeats + 2):
        for run, variant_times in zip(variants, times):
            start_time = time.perf_counter()
            run()
            variant_times.append(1000 * (time.perf_counter() - start_time))
    return [statistics.median(variant_times[2:]) for variant_times in times]
