"""Counts replies that depend on the other prompts of their batch."""

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.models.seq2seq import make_model

BOS_ID, EOS_ID, VOCABULARY_SIZE, MAX_LENGTH = 1, 2, 501, 40
DECODING_CONFIGS = {
    "greedy": DecodingConfig(),
    "greedy with logits processors": DecodingConfig(
        no_repeat_ngram_size=3, prompt_bigram_penalty=2.0, min_length=3
    ),
    "beam": DecodingConfig(method="beam", num_return_sequences=2),
    "diverse beam": DecodingConfig(
        method="beam", beam_width=4, num_beam_groups=2, coverage_penalty=0.2
    ),
    "mmi": DecodingConfig(method="beam", mmi_weight=0.4, rerank_mmi_weight=0.3),
    "sampling": DecodingConfig(method="sample", top_p=0.9, num_return_sequences=2),
}
# Added to the logit of the end token, which makes replies end late, early or never.
EOS_BIASES = {"late": 0.0, "early": 3.0, "never": -1e9}


def random_prompts(num_prompts: int, seed: int):
    """Returns ids int[batch, 40] and lengths int[batch], from 1 to 40."""
    rng = np.random.default_rng(seed)
    length = rng.integers(1, MAX_LENGTH + 1, num_prompts)
    length[:2] = 1, MAX_LENGTH
    mask = np.arange(MAX_LENGTH) < length[:, np.newaxis]
    return np.where(mask, rng.integers(5, VOCABULARY_SIZE, [num_prompts, MAX_LENGTH]), 0), length


def generate(generator, decoding, ids, length, rows, padding=0):
    """Returns the reply ids of the prompts in `rows`, generated as one batch."""
    max_length = length[rows].max()
    batch = np.pad(ids[rows, :max_length], [[0, 0], [0, padding]])
    batch = tf.constant(batch, tf.int32)
    params = DecodingParams.from_config(decoding, MAX_LENGTH, (0, BOS_ID, 3, 4)).pack()
    lengths = tf.constant(length[rows], tf.int32)
    hypotheses = generator.methods[decoding.method](batch, lengths, batch, params)
    replies = [r[:n].tolist() for r, n in zip(hypotheses.ids.numpy(), hypotheses.lengths.numpy())]
    num_return_sequences = decoding.num_return_sequences
    return {
        row: replies[i * num_return_sequences : (i + 1) * num_return_sequences]
        for i, row in enumerate(rows)
    }


def count_batch_differences(units: int, scales, num_prompts: int, seed: int = 1) -> tuple[int, int]:
    """Generates replies in one batch, in small batches with padding, and one by one.

    Args:
        units: width of the model.
        scales: standard deviations of its random weights; None keeps the initial weights.
        num_prompts: prompts for each model, decoding config and bias of the end token.
        seed: seed of weights and prompts.

    Returns:
        The number of replies that differ, and the number of replies compared.
    """
    tf.keras.utils.set_random_seed(seed)
    model = make_model(ModelConfig(units=units), VOCABULARY_SIZE, VOCABULARY_SIZE)
    generator = SequenceGenerator(model, BOS_ID, EOS_ID)
    untrained = {name: weight.numpy() for name, weight in model.named_weights().items()}
    ids, length = random_prompts(num_prompts, seed)
    rng = np.random.default_rng(seed)
    num_different = num_replies = 0
    for scale in scales:
        for name, weight in model.named_weights().items():
            random_weights = rng.normal(0, scale or 1, weight.shape)
            weight.assign(untrained[name] if scale is None else random_weights)
        bias = model.decoder.output_projection.bias
        initial_bias = bias.numpy()
        for eos_bias in EOS_BIASES.values():
            bias.assign(initial_bias + eos_bias * (np.arange(VOCABULARY_SIZE) == EOS_ID))
            for decoding in DECODING_CONFIGS.values():
                batched = generate(generator, decoding, ids, length, np.arange(num_prompts))
                single = {}
                for row in range(num_prompts):
                    single[row] = generate(generator, decoding, ids, length, np.array([row]))[row]
                shuffled = rng.permutation(num_prompts)
                small_batches = {}
                for rows in np.array_split(shuffled, max(1, num_prompts // 3)):
                    small_batches.update(
                        generate(generator, decoding, ids, length, rows, padding=3)
                    )
                for row, expected in batched.items():
                    for replies in (single, small_batches):
                        pairs = list(zip(replies[row], expected, strict=True))
                        num_different += sum(a != b for a, b in pairs)
                        num_replies += len(pairs)
    return num_different, num_replies
