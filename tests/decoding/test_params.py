"""Parameters keep their values from a config to a traced function and back."""

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.params import PARAMS_SPEC, DecodingParams


def test_every_number_keeps_its_place_when_packed():
    numbers = DecodingParams._fields[:-2]
    assert set(numbers) < set(vars(DecodingConfig()))
    types = [type(getattr(DecodingConfig(), name)) for name in numbers]
    # All different.
    params = DecodingParams(
        *(kind(index + 1) for index, kind in enumerate(types)), suppressed_ids=[4], prefix_ids=[]
    )
    packed = params.pack()
    assert packed.integers.shape[0] + packed.floats.shape[0] == len(numbers)
    unpacked = tf.function(lambda packed: packed.unpack(), [PARAMS_SPEC])(packed)
    for field, kind, value in zip(numbers, types, range(1, 99)):
        tensor = getattr(unpacked, field)
        assert (tensor.shape, tensor.dtype) == ([], {int: tf.int32, float: tf.float32}[kind])
        assert tensor.numpy() == value, field
    np.testing.assert_array_equal(unpacked.suppressed_ids, [4])
    assert unpacked.prefix_ids.shape == [0]


def test_a_traced_function_packs_tensors_and_constants():
    constants = DecodingParams.from_config(DecodingConfig(), 9)

    @tf.function(input_signature=[PARAMS_SPEC])
    def with_width(packed):
        params = packed.unpack()._replace(beam_width=np.int32(4), top_p=tf.constant(0.25))
        return params.pack(), constants.pack()

    mixed, same = with_width(constants.pack())
    assert mixed.unpack().beam_width == 4
    assert mixed.unpack().top_p == 0.25
    assert mixed.unpack().max_length == same.unpack().max_length == 9
