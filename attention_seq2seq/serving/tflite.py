"""Exports greedy search for one prompt to TensorFlow Lite, with ids as inputs and outputs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.logits_processors import NEG_INF, suppress_tokens
from attention_seq2seq.serving.assets import require_new_dir, staged_dir, write_assets
from attention_seq2seq.text.vocabulary import BOS, EOS
from attention_seq2seq.utils.tf_function import graph_function

FLOAT_FILE, INT8_FILE = "model.tflite", "model_int8.tflite"


def export_tflite(
    model_dir: str | Path, export_dir: str | Path, decoding: DecodingConfig | None = None
) -> None:
    """Writes a directory with two TensorFlow Lite models that only use builtin operations.

    `model.tflite` has float weights. `model_int8.tflite` has one-byte weights: it is a quarter of
    the size, and its replies may differ. Each model has one signature. Inputs are source_ids
    int32[1, max_source_length], padded with 0, and source_length int32[1]. Outputs are reply_ids
    int32[1, max_target_length + 1], padded with 0, and reply_length int32[1], which includes
    EOS if it was reached. The vocabulary file beside the models has one token per line; the first
    line is id 0.

    Args:
        model_dir: directory of a trained model.
        export_dir: directory to create; it appears only when it is complete.
        decoding: may set `max_length`, `suppress_tokens` and `unk_policy`.

    Raises:
        FileNotFoundError: there is no trained model.
        ValueError: `export_dir` exists, or `decoding` has an unsupported option.
    """
    export_dir = require_new_dir(export_dir)
    decoding = decoding or DecodingConfig()
    _require_greedy(decoding)
    chat = Chat.load(model_dir)
    with staged_dir(export_dir) as staging_dir:
        for name, is_int8 in ((FLOAT_FILE, False), (INT8_FILE, True)):
            search = _make_greedy_search(chat, decoding, is_int8)
            (staging_dir / name).write_bytes(_convert(search, chat, is_int8))
        write_assets(staging_dir, chat, model_dir, {"decoding": decoding}, uses_jieba=False)


def _require_greedy(decoding: DecodingConfig) -> None:
    names = ("max_length", "suppress_tokens", "unk_policy")
    supported = DecodingConfig(**{name: getattr(decoding, name) for name in names})
    unsupported = [
        field.name
        for field in dataclasses.fields(decoding)
        if getattr(decoding, field.name) != getattr(supported, field.name)
    ]
    if decoding.unk_policy == "replace":
        unsupported.append("unk_policy")
    if unsupported:
        name = unsupported[0]
        expectations = {"method": "Expected 'greedy'", "unk_policy": "Expected 'forbid' or 'allow'"}
        expectation = expectations.get(name, f"Omit {name}; only {', '.join(names)} can be set")
        raise ValueError(
            f"{name} is {getattr(decoding, name)!r}, which TensorFlow Lite does not support. "
            f"{expectation}."
        )


def _make_greedy_search(chat: Chat, decoding: DecodingConfig, is_int8: bool) -> tf.function:
    """Returns greedy search for one prompt, built from TensorFlow Lite operations."""
    model, params = chat.model, chat.decoding_params(decoding)
    max_length = int(params.max_length)
    source_time = chat.config.data.max_source_length
    projection = model.decoder.output_projection
    project = _rescaled_projection(projection) if is_int8 else projection

    def search(source_ids, source_length):
        memory, state = model.decoder.initial_state(model.encoder(source_ids, source_length))
        suppressed = suppress_tokens(params.suppressed_ids, projection.units, BOS, EOS).suppressed

        def body(time, input_ids, state, reply_ids):
            vector, _, state = model.decoder.rnn.step(
                model.decoder.embedding(input_ids), memory, state
            )
            logits = project(vector) + suppressed
            if len(params.suppressed_sequences):
                is_suppressed = _completed_sequences(
                    params.suppressed_sequences, reply_ids[0], time, projection.units
                )
                logits = tf.where(is_suppressed, NEG_INF, logits)
            input_ids = tf.argmax(logits, axis=1, output_type=tf.int32)
            is_now = tf.range(max_length) == time
            reply_ids = tf.where(is_now, input_ids[:, tf.newaxis], reply_ids)
            return time + 1, input_ids, state, reply_ids

        reply_ids = tf.zeros([1, max_length], tf.int32)
        time, _, _, reply_ids = tf.while_loop(
            lambda time, input_ids, *_: (time < max_length) & (input_ids[0] != EOS),
            body,
            (tf.constant(0), tf.constant([BOS]), state, reply_ids),
        )
        return {"reply_ids": reply_ids, "reply_length": time[tf.newaxis]}

    specs = [
        tf.TensorSpec([1, source_time], tf.int32, "source_ids"),
        tf.TensorSpec([1], tf.int32, "source_length"),
    ]
    return graph_function(search, specs)


def _completed_sequences(sequences: np.ndarray, ids, time, vocabulary_size: int):
    """Returns bool[vocab], the tokens that would complete a suppressed sequence.

    Unlike in `logits_processors`, all shapes are static, and all operations are builtin.
    """
    num_previous = sequences.shape[1] - 1
    padded = tf.concat([tf.fill([num_previous], -2), ids], axis=0)
    previous = tf.slice(padded, [time], [num_previous])
    is_match = tf.reduce_all(
        (sequences[:, :-1] == -1) | (previous == sequences[:, :-1]), axis=1, keepdims=True
    )
    is_last = tf.one_hot(sequences[:, -1], vocabulary_size, True, False)
    return tf.reduce_any(is_match & is_last, axis=0)


def _rescaled_projection(projection) -> Callable:
    """Returns the projection with weights normalized per token, and logits scaled back.

    TensorFlow Lite quantizes a matrix with a single scale. A few tokens with large weights would
    leave little precision for all other tokens.
    """
    kernel = projection.kernel.numpy()
    scale = np.abs(kernel).max(axis=0, keepdims=True) + 1e-30
    normalized_kernel = tf.constant(kernel / scale)
    # The maximum is a no-op that keeps the converter from folding the scale into the weights.
    return lambda vector: tf.maximum(vector @ normalized_kernel, -1e30) * scale + projection.bias


def _convert(search: tf.function, chat: Chat, is_int8: bool) -> bytes:
    variables = tf.Module()
    variables.weights = list(chat.model.named_weights().values())
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [search.get_concrete_function()], variables
    )
    # Otherwise the product for a batch of one is converted to a wrong rank.
    converter.unfold_batchmatmul = True
    if is_int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()
