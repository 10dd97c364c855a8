"""Trains an attention seq2seq model.

    python experiments/train.py --model_dir=models/mine --data=mine.tsv
    python experiments/train.py --model_dir=models/mine --data=prepared/mine
    python experiments/train.py --model_dir=models/demo --flagfile=experiments/configs/demo.flags

The default corpus, without --data, is small talk and generated meal dialogues. A folder written by
prepare.py determines the options of data and text.
"""

import dataclasses
import logging
from pathlib import Path

from absl import flags

import common
import config_flags
import console

MODEL_DIR = config_flags.define_path(
    "model_dir", None, "folder of the trained model [path]", required=True
)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "replace a trained model in --model_dir")
CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    5.0,
    "interval between checkpoints, from which an interrupted training resumes [minutes]",
    lower_bound=0.0,
)
SAMPLE_PROMPTS = config_flags.define_path(
    "sample_prompts",
    None,
    "file with a prompt per line, for sample replies after each epoch; default: the first "
    "validation pairs, or none with a prepared corpus [path]",
)
TENSORBOARD = flags.DEFINE_bool(
    "tensorboard",
    False,
    "write metrics, sample replies and attention weights for TensorBoard into --model_dir",
)
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    ["none", "mirrored", "multi_worker"],
    "distribution strategy; mirrored: all devices of this machine; multi_worker: the machines in "
    "TF_CONFIG, each running the same command; --batch_size is the global batch size",
)
config_flags.define_config_flags()


def main(_) -> None:
    """Trains the model, and prints the command to chat with it."""
    from strategies import make_strategy

    from attention_seq2seq.training.model_dir import is_finished

    common.enable_determinism()
    # The strategy must be created before any TensorFlow operation runs.
    strategy = make_strategy(STRATEGY.value)
    if strategy and not strategy.extended.should_checkpoint:
        # The chief logs for all workers.
        logging.getLogger("attention_seq2seq").setLevel(logging.WARNING)
    config = config_flags.config_from_flags()
    prepared = load_prepared_corpus(config.data.data)
    if prepared:
        config = apply_prepared_options(prepared, config)
    folder = Path(MODEL_DIR.value)
    was_finished = is_finished(folder) and not OVERWRITE.value
    history = train_model(prepared, config, folder, strategy)
    if strategy and not strategy.extended.should_checkpoint:
        print("The training has ended; the first worker has written it.")
        return
    if was_finished:
        print(f"{folder} is trained with these options already; --overwrite trains it again.")
        return
    if "val_perplexity" in history:
        print(
            f"validation perplexity: lowest {min(history['val_perplexity']):.3f}, "
            f"last {history['val_perplexity'][-1]:.3f}"
        )
    common.print_chat_command(folder)


def train_model(prepared, config, folder: Path, strategy) -> dict:
    """Trains on a prepared corpus, on corpus files, or on the default corpus, in memory."""
    from attention_seq2seq.config.artifacts import TENSORBOARD_DIR
    from attention_seq2seq.data.default_corpus import LICENSE, load_corpus
    from attention_seq2seq.training.api import train, train_prepared
    from attention_seq2seq.training.callbacks.sample_replies import first_prompts
    from attention_seq2seq.training.callbacks.tensorboard import TensorBoard

    prompts = read_sample_prompts(SAMPLE_PROMPTS.value) if SAMPLE_PROMPTS.value else []
    options = {
        "overwrite": OVERWRITE.value,
        "checkpoint_minutes": CHECKPOINT_MINUTES.value,
        "strategy": strategy,
        "callbacks": [TensorBoard(folder / TENSORBOARD_DIR)] if TENSORBOARD.value else [],
    }
    if prepared:
        if not prompts:
            print("No sample replies: --sample_prompts=FILE gives the prompts.")
        return train_prepared(
            *(prepared.directory, folder, config.model, config.training),
            sample_prompts=prompts,
            **options,
        )
    if not config.data.data:
        data = dataclasses.replace(config.data, data_license=config.data.data_license or LICENSE)
        config = dataclasses.replace(config, data=data)
    corpus, skipped = load_corpus(
        config.data.data,
        config.data.skip_bad_lines,
        config.data.validation_fraction,
        config.training.seed,
    )
    common.print_skipped_lines(skipped)
    if corpus.num_dropped:
        print(f"{corpus.num_dropped} validation pairs also occur in training: dropped")
    prompts = prompts or first_prompts(corpus.validation or corpus.training)
    return train(
        *(corpus.training, folder, config, corpus.validation),
        sample_prompts=prompts,
        **options,
    )


def read_sample_prompts(path: str) -> list[str]:
    """Reads the nonblank lines of a file.

    Raises:
        ValueError: The file cannot be read, or has no such line.
    """
    with common.open_prompts(path) as lines:
        prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise ValueError(f"--sample_prompts={path}: no prompt in it; expected one a line.")
    return prompts


def load_prepared_corpus(data: tuple):
    """Returns the prepared corpus in --data, or None if there are corpus files."""
    from attention_seq2seq.data.preprocessing.manifest import PreparedDataset, is_prepared_dir

    return PreparedDataset.load(data[0]) if is_prepared_dir(data) else None


def apply_prepared_options(prepared, config):
    """Returns the config with the options of a prepared corpus.

    Raises:
        ValueError: A flag contradicts one of these options.
    """
    prepared_options = {"data": prepared.training_data_config(), "text": prepared.text}
    for group, options in prepared_options.items():
        for name, value in vars(options).items():
            flag_value = getattr(getattr(config, group), name)
            if name != "data" and config_flags.FLAGS[name].present and flag_value != value:
                raise ValueError(
                    f"--{name}={flag_value}, but {prepared.directory} was prepared with {value!r}. "
                    "Leave the flag out, or prepare the corpus again."
                )
    return dataclasses.replace(config, **prepared_options)


if __name__ == "__main__":
    console.run_main(main)
