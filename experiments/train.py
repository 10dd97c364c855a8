"""Trains the attention seq2seq model and writes it into a folder.

    python experiments/train.py --model_dir=models/mine --data=mine.tsv
    python experiments/train.py --model_dir=models/mine --data=prepared/mine
    python experiments/train.py --model_dir=models/demo --flagfile=experiments/presets/demo.flags

Without --data it trains on the default corpus: small talk and generated meal talk. A folder
that prepare.py has written brings its options of reading and cutting with it.
"""

import dataclasses
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
    from attention_seq2seq.training.precision import with_dtype_resolved

    config = console.config_from_flags()
    config = dataclasses.replace(config, training=with_dtype_resolved(config.training))
    prepared = prepared_corpus(config.data.data)
    if prepared:
        config = with_options_of(prepared, config)
    folder = Path(MODEL_DIR.value)
    if not OVERWRITE.value and already_trained(folder, config, prepared):
        print(f"{folder} is trained with these options already; --overwrite trains it anew.")
        return
    if prepared:
        from attention_seq2seq.training.trainer import train_prepared

        history = train_prepared(prepared.folder, folder, config.model, config.training)
    else:
        history = train_on_files(config, folder)
    if "val_perplexity" in history:
        print(
            f"validation perplexity: best {min(history['val_perplexity']):.3f}, "
            f"last {history['val_perplexity'][-1]:.3f}"
        )
    console.say_how_to_talk(folder)


def train_on_files(config, folder: Path) -> dict:
    """Trains on corpus files, or on the default corpus, in memory."""
    from attention_seq2seq.data.corpora import load_corpus
    from attention_seq2seq.training.trainer import train

    corpus, skipped = load_corpus(
        config.data.data,
        config.data.skip_bad_lines,
        config.data.validation_fraction,
        config.training.seed,
    )
    for reason, count in skipped.items():
        print(f"{count} bad lines left out: {reason}")
    if corpus.num_dropped:
        print(f"{corpus.num_dropped} validation pairs also stand in training: dropped")
    return train(corpus.training, folder, config, corpus.validation)


def prepared_corpus(data: tuple):
    """The prepared corpus that --data names; None where it names files."""
    from attention_seq2seq.preparation.manifest import Prepared, is_prepared

    return Prepared.load(data[0]) if is_prepared(data) else None


def with_options_of(prepared, config):
    """The config with the options that the corpus was prepared with.

    Raises:
        ValueError: the command line gives one of them another value.
    """
    given = {"data": prepared.data_of_training(), "text": prepared.text}
    for group, options in given.items():
        for name, value in vars(options).items():
            asked = getattr(getattr(config, group), name)
            if name != "data" and console.FLAGS[name].present and asked != value:
                raise ValueError(
                    f"--{name}={asked}, but {prepared.folder} was prepared with {value!r}. Leave "
                    "the flag out, or prepare the corpus again."
                )
    return dataclasses.replace(config, **given)


def already_trained(folder: Path, config, prepared) -> bool:
    """Whether a training with these options has come to its end in the folder.

    Raises:
        ValueError: a training with other options has, or on what was prepared there before.
    """
    from attention_seq2seq.preparation.manifest import read_json
    from attention_seq2seq.training.trainer import TRAINED_ON, finished_config

    trained = finished_config(folder)
    if trained is not None and trained != config:
        raise ValueError(
            f"{folder} holds a model trained with other options. Give another --model_dir, or "
            "--overwrite to replace it."
        )
    if trained is not None and prepared and prepared.trained_on() != read_json(folder / TRAINED_ON):
        raise ValueError(
            f"{folder} was trained on what was in {prepared.folder} before it was prepared anew. "
            "Give another --model_dir, or --overwrite to replace the model."
        )
    return trained is not None


if __name__ == "__main__":
    console.run(main)
