"""A trained model for TensorFlow Lite: ids in, ids out, greedily, one prompt at a time."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.logits_processors import suppress_tokens
from attention_seq2seq.serving.assets import (
    failures_named,
    new_folder,
    say_size,
    write_documents,
)
from attention_seq2seq.text.vocabulary import BOS, EOS
from attention_seq2seq.utils.tf_function import graph_function

FLOAT_FILE, INT8_FILE = "model.tflite", "model_int8.tflite"


def export_lite(
    model_dir: str | Path, export_dir: str | Path, decoding: DecodingConfig | None = None
) -> None:
    """Writes a folder with two TensorFlow Lite models of builtin operations only.

    In `model.tflite` the weights are floats; in `model_int8.tflite` they are bytes, a quarter of
    the size, and replies may differ. Both have one signature: source_ids int32[1,
    max_source_length] padded with 0 and source_length int32[1] to reply_ids int32[1,
    max_target_length + 1], padded with 0, and reply_length int32[1], the end counted where it was
    reached. The vocabulary stands beside them, a word a line, the first line is id 0.

    Args:
        model_dir: a trained model.
        export_dir: the folder to be made; it appears when it is whole.
        decoding: may name `maximum_length`, `forbidden_words` and `unknown`; all else is as it is
            in greedy decoding.

    Raises:
        FileNotFoundError: there is no trained model.
        ValueError: `export_dir` exists, or `decoding` asks for more than greedy decoding.
    """
    export_dir = new_folder(export_dir)
    decoding = decoding or DecodingConfig()
    _check_greedy(decoding)
    chat = Chat.load(model_dir)
    with (
        failures_named(export_dir),
        tempfile.TemporaryDirectory(dir=export_dir.parent, prefix=".export-") as temporary,
    ):
        whole = Path(temporary) / "whole"
        whole.mkdir()
        for name, is_int8 in ((FLOAT_FILE, False), (INT8_FILE, True)):
            reply = _greedy_function(chat, decoding, is_int8)
            (whole / name).write_bytes(_converted(reply, chat, is_int8))
        write_documents(whole, chat, model_dir, {"decoding": decoding}, uses_jieba=False)
        whole.rename(export_dir)
    say_size(export_dir)


def _check_greedy(decoding: DecodingConfig) -> None:
    names = ("maximum_length", "forbidden_words", "unknown")
    plain = DecodingConfig(**{name: getattr(decoding, name) for name in names})
    others = [
        field.name
        for field in dataclasses.fields(decoding)
        if getattr(decoding, field.name) != getattr(plain, field.name)
    ]
    if others or decoding.unknown == "replace":
        raise ValueError(
            f"{(others or ['unknown'])[0]}: a TensorFlow Lite model answers greedily, and has "
            f"ids only. Of the options of answering it knows {', '.join(names)} (forbid or allow)."
        )


def _greedy_function(chat: Chat, decoding: DecodingConfig, is_int8: bool) -> tf.function:
    """Greedy decoding of one prompt, in operations that TensorFlow Lite has."""
    model, params = chat.model, chat.decoding_params(decoding)
    longest = int(params.maximum_length)
    source_time = chat.config.data.max_source_length
    projection = model.decoder.output_projection
    project = _projection_of_scaled_words(projection) if is_int8 else projection

    def reply(source_ids, source_length):
        memory, state = model.decoder.initial_state(model.encoder(source_ids, source_length))
        forbidden = suppress_tokens(params.forbidden_ids, projection.units, EOS).forbidden

        def body(time, fed, state, said):
            vector, _, state = model.decoder.rnn.step(model.decoder.embedding(fed), memory, state)
            logits = project(vector)
            fed = tf.argmax(logits + forbidden, axis=1, output_type=tf.int32)
            said = tf.where(tf.range(longest) == time, fed[:, tf.newaxis], said)
            return time + 1, fed, state, said

        start = (tf.constant(0), tf.constant([BOS]), state, tf.zeros([1, longest], tf.int32))
        time, *_, said = tf.while_loop(
            lambda time, fed, *_: (time < longest) & (fed[0] != EOS), body, start
        )
        return {"reply_ids": said, "reply_length": time[tf.newaxis]}

    specs = [
        tf.TensorSpec([1, source_time], tf.int32, "source_ids"),
        tf.TensorSpec([1], tf.int32, "source_length"),
    ]
    return graph_function(reply, specs)


def _projection_of_scaled_words(projection) -> Callable:
    """The projection, each word's weights scaled to one size before they become bytes, and back.

    TensorFlow Lite has one scale for a whole matrix, and few words have weights as large as it
    must then allow for.
    """
    kernel = projection.kernel.numpy()
    scale = np.abs(kernel).max(axis=0, keepdims=True) + 1e-30
    same_size = tf.constant(kernel / scale)
    # The maximum changes nothing; without it the scale would be multiplied into the weights again.
    return lambda vector: tf.maximum(vector @ same_size, -1e30) * scale + projection.bias


def _converted(reply: tf.function, chat: Chat, is_int8: bool) -> bytes:
    variables = tf.Module()
    variables.weights = list(chat.model.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [reply.get_concrete_function()], variables
    )
    # As it stands, a product of a batch of one is turned into one of too low a rank.
    converter.unfold_batchmatmul = True
    if is_int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()
