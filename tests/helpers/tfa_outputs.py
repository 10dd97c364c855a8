"""Outputs of a small model in TensorFlow Addons, stored for systems without it.

    python tests/helpers/tfa_outputs.py

writes them to `tests/fixtures/tfa_outputs.npz`, with TensorFlow 2.15 and TensorFlow Addons.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from attention_seq2seq.config.model import ATTENTIONS, ModelConfig
from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.models.seq2seq import make_model
from helpers.small_models import (
    BOS_ID,
    SOURCE_VOCABULARY_SIZE,
    TARGET_VOCABULARY_SIZE,
    make_objective,
    mean_loss,
    random_batch,
)
from helpers.toy_models import make_beam_params, make_processors

FILE = Path(__file__).parents[1] / "fixtures" / "tfa_outputs.npz"
ATTENTION = [name for name in ATTENTIONS if name != "none"]
EOS_ID, ROWS, TARGET_TIME, MAX_LENGTH, BEAM_WIDTH = 2, 6, 5, 9, 3


def make_config(attention: str) -> ModelConfig:
    """Returns the options of the model: two layers, starting from the encoder."""
    return ModelConfig(units=4, num_layers=2, attention=attention, initial_state="encoder")


def make_batch() -> dict:
    """Returns prompts and replies of different lengths."""
    return random_batch(ROWS, 7, TARGET_TIME)


def random_weights(attention: str) -> dict[str, np.ndarray]:
    """Returns weights large enough for attention that is not uniform, and for ends of replies."""
    model = make_model(make_config(attention), SOURCE_VOCABULARY_SIZE, TARGET_VOCABULARY_SIZE)
    rng = np.random.default_rng(ATTENTION.index(attention))
    weights = {
        name: rng.normal(0, 0.8, variable.shape).astype(np.float32)
        for name, variable in model.named_weights().items()
    }
    weights["decoder/output_projection/bias"][EOS_ID] += 0.3
    return weights


def package_outputs(attention: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Computes the numbers with this package; hypotheses are padded with 0."""
    model = make_model(make_config(attention), SOURCE_VOCABULARY_SIZE, TARGET_VOCABULARY_SIZE)
    for name, variable in model.named_weights().items():
        variable.assign(weights[name])
    objective, batch = make_objective(model), make_batch()
    with tf.GradientTape() as tape:
        loss = mean_loss(objective, batch)
    gradients = tape.gradient(loss, model.named_weights())
    ids, length = batch["source_ids"], batch["source_length"]
    step, state = prepare_decoding(model, ids, length)
    greedy = greedy_search(step, state, make_processors(ROWS), tf.constant(MAX_LENGTH))
    prompts = tf.repeat(tf.range(ROWS), BEAM_WIDTH)
    step, state = prepare_decoding(model, ids, length, prompts)
    mask = tf.sequence_mask(tf.gather(length, prompts), ids.shape[1])
    params = make_beam_params(beam_width=BEAM_WIDTH, max_length=MAX_LENGTH)
    beam = beam_search(step, state, params, make_processors(len(prompts)), mask)
    return {
        "logits": objective.logits(batch) * target_mask(batch),
        "loss": loss,
        **{f"gradient/{name}": tf.convert_to_tensor(g) for name, g in gradients.items()},
        "greedy_ids": greedy.ids,
        "beam_ids": beam.ids,
        "beam_log_probs": tf.reshape(beam.log_prob, [ROWS, BEAM_WIDTH]),
    }


def tfa_outputs(attention: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Computes the same numbers with TensorFlow Addons."""
    from helpers.reference_models import TFASeq2Seq, tfa

    reference, batch = TFASeq2Seq(weights, make_config(attention)), make_batch()
    prompts = batch["source_ids"], batch["source_length"]
    bos = tf.fill([ROWS, 1], BOS_ID)
    with tf.GradientTape() as tape:
        logits = reference.logits(
            *prompts,
            tf.concat([bos, batch["target_ids"][:, :-1]], axis=1),
            batch["target_length"],
        )
        mask = target_mask(batch)
        loss = tfa.seq2seq.sequence_loss(logits, batch["target_ids"], mask[:, :, 0])
    gradients = tape.gradient(loss, reference.variables)
    greedy_ids, lengths = reference.greedy(*prompts, BOS_ID, EOS_ID, MAX_LENGTH)
    outputs, state, _ = reference.beam(*prompts, BOS_ID, EOS_ID, BEAM_WIDTH, MAX_LENGTH)
    beam_ids = outputs.predicted_ids.numpy().transpose(0, 2, 1).reshape(ROWS * BEAM_WIDTH, -1)
    return {
        "logits": (logits * mask).numpy(),
        "loss": loss.numpy(),
        **{f"gradient/{name}": tf.convert_to_tensor(g).numpy() for name, g in gradients.items()},
        "greedy_ids": greedy_ids * np.array(tf.sequence_mask(lengths, greedy_ids.shape[1])),
        "beam_ids": clear_after_eos(beam_ids),
        "beam_log_probs": state.log_probs.numpy(),
    }


def target_mask(batch) -> tf.Tensor:
    """Returns float32[rows, target_time, 1], 1 at target tokens."""
    return tf.sequence_mask(batch["target_length"], TARGET_TIME, dtype=tf.float32)[:, :, tf.newaxis]


def clear_after_eos(ids: np.ndarray) -> np.ndarray:
    """Replaces the ids after the first end token by 0."""
    is_eos = ids == EOS_ID
    return np.where(np.cumsum(is_eos, axis=1) - is_eos > 0, 0, ids)


def read_outputs(attention: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns the weights and the numbers of TensorFlow Addons from the file."""
    parts = {"weights": {}, "numbers": {}}
    with np.load(FILE) as archive:
        for key in archive.files:
            name, part, rest = key.split("/", 2)
            if name == attention:
                parts[part][rest] = archive[key]
    return parts["weights"], parts["numbers"]


if __name__ == "__main__":
    arrays = {}
    for name in ATTENTION:
        weights = random_weights(name)
        arrays |= {f"{name}/weights/{key}": array for key, array in weights.items()}
        numbers = tfa_outputs(name, weights)
        arrays |= {f"{name}/numbers/{key}": array for key, array in numbers.items()}
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **arrays)
    print(f"{FILE}: {len(arrays)} arrays, {FILE.stat().st_size:,} bytes")
