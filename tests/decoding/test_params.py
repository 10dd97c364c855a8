"""Parameters keep their values from a config to a traced function and back."""

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.params import PARAMS_SPEC, DecodingParams


def test_packing_and_unpacking_restores_every_parameter():
    names = DecodingParams._fields[:-3]
    assert set(names) < set(vars(DecodingConfig()))
    types = [type(getattr(DecodingConfig(), name)) for name in names]
    # Distinct values reveal swapped parameters.
    values = {name: cast(i) for i, (name, cast) in enumerate(zip(names, types), start=1)}
    arrays = {"suppressed_ids": [4], "prefix_ids": [], "suppressed_sequences": [[-1, 5], [6, 7]]}
    packed = DecodingParams(**values, **arrays).pack()
    assert packed.integers.shape[0] + packed.floats.shape[0] == len(names)
    unpacked = tf.function(lambda packed: packed.unpack(), [PARAMS_SPEC])(packed)
    for name, value in values.items():
        tensor = getattr(unpacked, name)
        dtype = {int: tf.int32, float: tf.float32}[type(value)]
        assert (tensor.shape, tensor.dtype) == ([], dtype)
        assert tensor.numpy() == value, name
    np.testing.assert_array_equal(unpacked.suppressed_ids, [4])
    assert unpacked.prefix_ids.shape == [0]
    np.testing.assert_array_equal(unpacked.suppressed_sequences, [[-1, 5], [6, 7]])


def test_suppressed_sequences_are_padded_before_the_first_token():
    params = DecodingParams.from_config(
        DecodingConfig(), 9, suppressed_sequences=([5, 6], [7, 8, 9])
    )
    assert params.suppressed_sequences.tolist() == [[-1, 5, 6], [7, 8, 9]]
    assert DecodingParams.from_config(DecodingConfig(), 9).suppressed_sequences.shape == (0, 1)


def test_a_traced_function_packs_tensors_and_constants():
    constants = DecodingParams.from_config(DecodingConfig(), 9)

    @tf.function(input_signature=[PARAMS_SPEC])
    def replace_params(packed):
        params = packed.unpack()._replace(beam_width=np.int32(4), top_p=tf.constant(0.25))
        return params.pack(), constants.pack()

    replaced, original = replace_params(constants.pack())
    assert replaced.unpack().beam_width == 4
    assert replaced.unpack().top_p == 0.25
    assert replaced.unpack().max_length == original.unpack().max_length == 9
