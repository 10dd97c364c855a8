"""Compares validation perplexities of lazy Adam and bfloat16 with those of plain training.

    python -m experiments.studies.precision_parity --data=chat.tsv --epochs=5

Trains like train.py for each seed, except for the optimizer and the compute dtype. Prints the
relative change of the perplexity after the last epoch: lazy Adam compared with Adam, and bfloat16
with float32.
"""

import dataclasses
import logging
import statistics
import tempfile

from absl import flags

import console
from attention_seq2seq.cli import corpora
from attention_seq2seq.cli import flags as cli_flags
from experiments.result_files import define_results_flag, update_results

SEEDS = flags.DEFINE_list("seeds", ["1", "2", "3"], "training seeds")
RESULTS_JSON = define_results_flag()
cli_flags.define_config_flags()

ADAM, LAZY = ("adam", "float32"), ("lazy_adam", "float32")
REFERENCES = {
    LAZY: ADAM,
    ("adam", "bfloat16"): ADAM,
    ("lazy_adam", "bfloat16"): LAZY,
}


def main(_) -> None:
    """Trains all models, and prints a line for each seed and a summary."""
    config = cli_flags.config_from_flags()
    seeds = cli_flags.parse_seeds(SEEDS.value)
    logging.getLogger("attention_seq2seq").setLevel(logging.WARNING)
    print(f"{'seed':6}{', '.join(ADAM):>14}", end="")
    print("".join(f"{', '.join(setting):>20}" for setting in REFERENCES), flush=True)
    changes = {setting: [] for setting in REFERENCES}
    for seed in seeds:
        perplexities = {ADAM: perplexity(config, seed, *ADAM)}
        row = {"seed": seed, ", ".join(ADAM): perplexities[ADAM]}
        print(f"{seed:<6}{perplexities[ADAM]:>14.2f}", end="", flush=True)
        for setting, reference in REFERENCES.items():
            perplexities[setting] = perplexity(config, seed, *setting)
            changes[setting].append(perplexities[setting] / perplexities[reference] - 1)
            row[", ".join(setting)] = {
                "perplexity": perplexities[setting],
                "change": changes[setting][-1],
            }
            print(
                f"{f'{perplexities[setting]:.2f} {changes[setting][-1]:+.2%}':>20}",
                end="",
                flush=True,
            )
        print()
        update_results(RESULTS_JSON.value, [row], key=["seed"])
    for name, summary in (("mean", statistics.mean), ("largest", largest_change)):
        row = "".join(f"{summary(values):>+20.2%}" for values in changes.values())
        print(f"{name:20}{row}")
        row = {"seed": name, ", ".join(ADAM): None}
        for setting, values in changes.items():
            row[", ".join(setting)] = {"perplexity": None, "change": summary(values)}
        update_results(RESULTS_JSON.value, [row], key=["seed"])
    print("bfloat16 is compared with float32, lazy Adam with Adam.")


def largest_change(changes: list[float]) -> float:
    """Returns the change with the largest absolute value."""
    return max(changes, key=abs)


def perplexity(config, seed: int, optimizer: str, dtype: str) -> float:
    """Trains a model; returns the validation perplexity after the last epoch."""
    from attention_seq2seq.training.api import train

    # With early stopping, runs would have different lengths.
    training = dataclasses.replace(
        config.training, seed=seed, optimizer=optimizer, compute_dtype=dtype, patience=0
    )
    config = dataclasses.replace(config, training=training)
    corpus = corpora.load_training_corpus(config)
    with tempfile.TemporaryDirectory() as directory:
        history = train(corpus.training, directory, config, corpus.validation, progress=False)
    return history["val_perplexity"][-1]


if __name__ == "__main__":
    console.run_main(main)
