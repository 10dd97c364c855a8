"""Whether what makes training fast makes models worse: validation perplexity, seed by seed.

    python -m experiments.studies.precision_parity --data=chat.tsv --epochs=5

Trains as train.py does, with every option as given but the optimizer and the type that products
are computed in, for each seed, and says by how much the perplexity after the last epoch differs:
of lazy Adam from that of Adam, and of bfloat16 from that of float32.
"""

import dataclasses
import logging
import statistics
import tempfile

from absl import flags

import common
import config_flags
import console

SEEDS = flags.DEFINE_list("seeds", ["1", "2", "3"], "the seeds to train with")
config_flags.define_config_flags()

ADAM, LAZY = ("adam", "float32"), ("lazy_adam", "float32")
COMPARED = {
    LAZY: ADAM,
    ("adam", "bfloat16"): ADAM,
    ("lazy_adam", "bfloat16"): LAZY,
}


def main(_) -> None:
    """Trains all, and prints a line for each seed and one for the means."""
    config = config_flags.config_from_flags()
    seeds = config_flags.parse_seeds(SEEDS.value)
    logging.getLogger("attention_seq2seq").setLevel(logging.WARNING)
    print(f"{'seed':6}{', '.join(ADAM):>14}", end="")
    print("".join(f"{', '.join(way):>20}" for way in COMPARED), flush=True)
    changes = {way: [] for way in COMPARED}
    for seed in seeds:
        found = {ADAM: perplexity(config, seed, *ADAM)}
        print(f"{seed:<6}{found[ADAM]:>14.2f}", end="", flush=True)
        for way, reference in COMPARED.items():
            found[way] = perplexity(config, seed, *way)
            changes[way].append(found[way] / found[reference] - 1)
            print(f"{f'{found[way]:.2f} {changes[way][-1]:+.2%}':>20}", end="", flush=True)
        print()
    for name, summary in (("mean", statistics.mean), ("largest", largest_of)):
        print(f"{name:20}" + "".join(f"{summary(found):>+20.2%}" for found in changes.values()))
    print("bfloat16 is compared with float32, lazy Adam with Adam.")


def largest_of(changes: list[float]) -> float:
    """The one that is farthest from none."""
    return max(changes, key=abs)


def perplexity(config, seed: int, optimizer: str, dtype: str) -> float:
    """The validation perplexity after the last epoch of a training."""
    from attention_seq2seq.training.api import train

    # Stopped early, each would be another training.
    training = dataclasses.replace(
        config.training, seed=seed, optimizer=optimizer, dtype=dtype, patience=0
    )
    config = dataclasses.replace(config, training=training)
    corpus = common.load_training_corpus(config)
    with tempfile.TemporaryDirectory() as folder:
        history = train(corpus.training, folder, config, corpus.validation, progress=False)
    return history["val_perplexity"][-1]


if __name__ == "__main__":
    console.run_main(main)
