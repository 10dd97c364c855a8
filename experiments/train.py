"""Trains the attention seq2seq model and writes it into a folder.

    python experiments/train.py --model_dir=models/mine --files=mine.tsv
    python experiments/train.py --model_dir=models/demo --flagfile=experiments/presets/demo.flags

Without --files it trains on the default corpus: small talk and generated meal talk.
"""

from pathlib import Path

from absl import flags

import console

MODEL_DIR = flags.DEFINE_string(
    "model_dir", None, "the folder that the trained model is written into", required=True
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "replace a trained model in --model_dir by a new one"
)
console.define_config_flags()
flags.adopt_module_key_flags(console)


def main(_) -> None:
    """Reads the corpus, trains, and says how to go on."""
    config = console.config_from_flags()
    folder = Path(MODEL_DIR.value)
    if not OVERWRITE.value and already_trained(folder, config):
        print(f"{folder} is trained with these options already; --overwrite trains it anew.")
        return

    from attention_seq2seq.data.corpora import load_corpus
    from attention_seq2seq.training.trainer import train

    corpus, skipped = load_corpus(
        config.data.files,
        config.data.skip_bad_lines,
        config.data.validation_fraction,
        config.training.seed,
    )
    for reason, count in skipped.items():
        print(f"{count} bad lines left out: {reason}")
    if corpus.num_dropped:
        print(f"{corpus.num_dropped} validation pairs also stand in training: dropped")
    history = train(corpus.training, folder, config, corpus.validation)
    if "val_perplexity" in history:
        print(
            f"validation perplexity: best {min(history['val_perplexity']):.3f}, "
            f"last {history['val_perplexity'][-1]:.3f}"
        )
    console.say_how_to_talk(folder)


def already_trained(folder: Path, config) -> bool:
    """Whether a training with these options has come to its end in the folder.

    Raises:
        ValueError: a training with other options has.
    """
    from attention_seq2seq.training.trainer import finished_config

    trained = finished_config(folder)
    if trained is not None and trained != config:
        raise ValueError(
            f"{folder} holds a model trained with other options. Give another --model_dir, or "
            "--overwrite to replace it."
        )
    return trained is not None


if __name__ == "__main__":
    console.run(main)
