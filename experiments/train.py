"""Trains the attention seq2seq model and writes it into a folder.

    python experiments/train.py --model_dir=models/mine --data=mine.tsv
    python experiments/train.py --model_dir=models/mine --data=prepared/mine
    python experiments/train.py --model_dir=models/demo --flagfile=experiments/configs/demo.flags

Without --data it trains on the default corpus: small talk and generated meal talk. A folder
that prepare.py has written brings its options of reading and cutting with it.
"""

import dataclasses
import logging
from pathlib import Path

from absl import flags

import common
import config_flags
import console

MODEL_DIR = config_flags.define_path(
    "model_dir", None, "the folder that the trained model is written into", required=True
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "replace a trained model in --model_dir by a new one"
)
CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    5.0,
    "between two checkpoints, from which a training that was stopped goes on [minutes]",
    lower_bound=0.0,
)
SAMPLE_PROMPTS = config_flags.define_path(
    "sample_prompts",
    None,
    "a file of prompts, one a line, that are answered after each epoch; without it the first of "
    "the validation pairs, of a prepared corpus none [path]",
)
TENSORBOARD = flags.DEFINE_bool(
    "tensorboard", False, "write curves, replies and attention for TensorBoard into --model_dir"
)
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "none",
    ["none", "mirrored", "multi_worker"],
    "what the work is shared by: mirrored: all devices of this machine; multi_worker: the "
    "machines that TF_CONFIG names, each of which runs the same command; --batch_size is of all",
)
config_flags.define_config_flags()


def main(_) -> None:
    """Reads the corpus, trains, and says how to go on."""
    from strategies import make_strategy

    from attention_seq2seq.training.model_dir import is_finished

    common.enable_determinism()
    # Before anything else of TensorFlow's runs, as it wants it.
    strategy = make_strategy(STRATEGY.value)
    if strategy and not strategy.extended.should_checkpoint:
        # What there is to be told the first worker tells.
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
        print(f"{folder} is trained with these options already; --overwrite trains it anew.")
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
    from attention_seq2seq.training.callbacks.sample_replies import SampleReplies, first_prompts
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
            print("No prompts are answered while it trains: --sample_prompts=FILE names some.")
        return train_prepared(
            *(prepared.directory, folder, config.model, config.training),
            sample_replies=SampleReplies(prompts) if prompts else None,
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
        print(f"{corpus.num_dropped} validation pairs also stand in training: dropped")
    prompts = prompts or first_prompts(corpus.validation or corpus.training)
    return train(
        *(corpus.training, folder, config, corpus.validation),
        sample_replies=SampleReplies(prompts),
        **options,
    )


def read_sample_prompts(path: str) -> list[str]:
    """Reads the lines of a file that are not blank.

    Raises:
        ValueError: the file cannot be read, or has no such line.
    """
    with common.open_prompts(path) as lines:
        prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise ValueError(f"--sample_prompts={path}: no prompt in it; expected one a line.")
    return prompts


def load_prepared_corpus(data: tuple):
    """The prepared corpus that --data names; None where it names files."""
    from attention_seq2seq.data.preprocessing.manifest import PreparedDataset, is_prepared_dir

    return PreparedDataset.load(data[0]) if is_prepared_dir(data) else None


def apply_prepared_options(prepared, config):
    """The config with the options that the corpus was prepared with.

    Raises:
        ValueError: the command line gives one of them another value.
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
