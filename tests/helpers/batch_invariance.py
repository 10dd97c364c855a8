"""How often a reply depends on the prompts beside it; it should not."""

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.config import ModelConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.models.seq2seq import make_model

BEGIN, END, WORDS, LIMIT = 1, 2, 501, 40
DECODING = {
    "greedy": DecodingConfig(),
    "greedy by rules": DecodingConfig(no_repeat_ngram=3, echo_penalty=2.0, minimum_length=3),
    "beam": DecodingConfig(method="beam", num_best=2),
    "groups": DecodingConfig(method="beam", beam_width=4, beam_groups=2, coverage_penalty=0.2),
    "against dullness": DecodingConfig(
        method="beam", anti_language_model=0.4, rerank_anti_language_model=0.3
    ),
    "sampling": DecodingConfig(method="sample", top_p=0.9, num_best=2),
}
# Added to the logit of the end: replies end late, early, never.
ENDS = {"late": 0.0, "early": 3.0, "never": -1e9}


def prompts(rows: int, seed: int):
    """Ids int32[rows, 40] and lengths from 1 to 40."""
    draw = np.random.default_rng(seed)
    length = draw.integers(1, LIMIT + 1, rows)
    length[:2] = 1, LIMIT
    real = np.arange(LIMIT) < length[:, np.newaxis]
    return np.where(real, draw.integers(5, WORDS, [rows, LIMIT]), 0), length


def replies(search, decoding, ids, length, places, padding=0):
    """The ids of the replies to the prompts at these places, answered in one call."""
    longest = length[places].max()
    batch = np.pad(ids[places, :longest], [[0, 0], [0, padding]])
    batch = tf.constant(batch, tf.int32)
    params = DecodingParams.from_config(decoding, LIMIT, forbidden_ids=(0, BEGIN, 3, 4))
    lengths = tf.constant(length[places], tf.int32)
    found = search.methods[decoding.method](batch, lengths, batch, params)
    rows = [row[:n].tolist() for row, n in zip(found.ids.numpy(), found.length.numpy())]
    best = decoding.num_best
    return {place: rows[i * best : (i + 1) * best] for i, place in enumerate(places)}


def exchanges(units: int, scales, rows: int, seed: int = 1) -> tuple[int, int]:
    """Answers prompts together, in small batches with padding, and alone.

    Args:
        units: of the model.
        scales: of its random weights; None: as a model is before training.
        rows: prompts for each model, way of decoding and place of the end.
        seed: of weights and prompts.

    Returns:
        How many replies were not the same, and how many there were.
    """
    tf.keras.utils.set_random_seed(seed)
    model = make_model(ModelConfig(units=units), WORDS, WORDS)
    search = SequenceGenerator(model, BEGIN, END)
    untrained = {name: weight.numpy() for name, weight in model.named_weights().items()}
    ids, length = prompts(rows, seed)
    draw = np.random.default_rng(seed)
    different = total = 0
    for scale in scales:
        for name, weight in model.named_weights().items():
            random = draw.normal(0, scale or 1, weight.shape)
            weight.assign(untrained[name] if scale is None else random)
        bias = model.decoder.output_projection.bias
        start = bias.numpy()
        for more in ENDS.values():
            bias.assign(start + more * (np.arange(WORDS) == END))
            for decoding in DECODING.values():
                together = replies(search, decoding, ids, length, np.arange(rows))
                others = {}
                for place in range(rows):
                    others[place] = replies(search, decoding, ids, length, np.array([place]))[place]
                shuffled = draw.permutation(rows)
                few = {}
                for places in np.array_split(shuffled, max(1, rows // 3)):
                    few.update(replies(search, decoding, ids, length, places, padding=3))
                for place, expected in together.items():
                    for route in (others, few):
                        pairs = list(zip(route[place], expected, strict=True))
                        different += sum(a != b for a, b in pairs)
                        total += len(pairs)
    return different, total
