"""Trains an attention seq2seq model on pairs of prompts and replies.

    attention-seq2seq train --model_dir=models/mine --data=mine.tsv
    attention-seq2seq train --model_dir=models/mine --data=prepared/mine
    attention-seq2seq train --model_dir=models/demo --config=demo

Each line of a TSV file has a prompt, a tab and a reply. Several files are separated by commas.
Without --data, the model is trained on the default corpus of small talk and meals. With a prepared
dataset, the corpus and tokenization flags were fixed by prepare and cannot be changed.

--model_dir receives the options, the vocabulary, the weights, the metrics of each epoch (log.csv)
and a model card (CARD.md). Training is resumable: after an interruption, run the same command
again.

The default model is that of the article, part three of a Chinese series of articles on a seq2seq
chat model in TensorFlow 1.
"""

import dataclasses
import logging
from pathlib import Path

from absl import flags

from attention_seq2seq.cli import corpora
from attention_seq2seq.cli.flags import config_from_flags, define_config_flags, define_path
from attention_seq2seq.cli.next_command import print_next_command
from attention_seq2seq.cli.paths import require_dir_path
from attention_seq2seq.utils.native_output import import_tensorflow

REQUIRED_FLAGS = ("model_dir",)
COMMON_FLAGS = (
    "data",
    "config",
    "epochs",
    "batch_size",
    "learning_rate",
    "units",
    "dropout",
    "vocabulary_size",
    "context_turns",
    "patience",
    "seed",
    "overwrite",
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_path(
        "model_dir",
        None,
        "directory that the trained model is written to",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "whether to replace an existing model in --model_dir",
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "checkpoint_minutes",
        5.0,
        "interval between checkpoints [minutes]",
        lower_bound=0.0,
        flag_values=flag_values,
    )
    define_path(
        "sample_prompts",
        None,
        "file of prompts, one per line, that the model replies to after each epoch; default: the "
        "prompts of the first validation pairs, or none for a prepared dataset",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "tensorboard",
        False,
        "whether to write metrics, sample replies and attention for TensorBoard to --model_dir",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "strategy",
        "none",
        ["none", "mirrored", "multi_worker"],
        "distribution strategy: none, mirrored (all devices of this machine) or multi_worker (the "
        "machines in TF_CONFIG, each running the same command); --batch_size is the global batch "
        "size",
        flag_values=flag_values,
    )
    define_config_flags(flag_values)


def run(args: flags.FlagValues) -> None:
    """Trains a model."""
    require_dir_path(args.model_dir)

    tf = import_tensorflow()

    from attention_seq2seq.cli.strategies import make_strategy
    from attention_seq2seq.training.model_dir import is_finished

    # A resumed run must end with the same weights as an uninterrupted one.
    tf.config.experimental.enable_op_determinism()
    # TensorFlow requires this before any other operation.
    strategy = make_strategy(args.strategy)
    is_chief = strategy is None or strategy.extended.should_checkpoint
    if not is_chief:
        logging.getLogger("attention_seq2seq").setLevel(logging.WARNING)
    config = config_from_flags(args)
    prepared = load_prepared_dataset(config.data.data)
    if prepared:
        config = apply_prepared_options(prepared, config, args)
    model_dir = Path(args.model_dir)
    was_finished = is_finished(model_dir) and not args.overwrite
    history = train_model(prepared, config, args, strategy)
    if not is_chief:
        print("Training is finished. The chief has written the model.")
        return
    if was_finished:
        print(f"{model_dir} is already trained with these options. Use --overwrite to train again.")
        return
    if "val_perplexity" in history:
        perplexities = history["val_perplexity"]
        print(f"Validation perplexity: best {min(perplexities):.3f}, last {perplexities[-1]:.3f}")
    print_next_command("Chat with the model", "chat", model_dir=model_dir)


def train_model(prepared, config, args: flags.FlagValues, strategy) -> dict:
    """Trains on a prepared dataset, on corpus files, or on the default corpus."""
    from attention_seq2seq.config.artifacts import TENSORBOARD_DIR
    from attention_seq2seq.data.default_corpus import LICENSE, load_corpus
    from attention_seq2seq.training.api import train, train_prepared
    from attention_seq2seq.training.callbacks.sample_replies import first_prompts
    from attention_seq2seq.training.callbacks.tensorboard import TensorBoard

    model_dir = Path(args.model_dir)
    prompts = read_sample_prompts(args.sample_prompts) if args.sample_prompts else []
    options = {
        "overwrite": args.overwrite,
        "checkpoint_minutes": args.checkpoint_minutes,
        "strategy": strategy,
        "callbacks": [TensorBoard(model_dir / TENSORBOARD_DIR)] if args.tensorboard else [],
    }
    if prepared:
        if not prompts:
            print("No sample prompts. Set --sample_prompts to see replies after each epoch.")
        return train_prepared(
            prepared.directory,
            model_dir,
            config.model,
            config.training,
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
    corpora.print_skipped_lines(skipped)
    if corpus.num_dropped:
        print(f"Dropped {corpus.num_dropped} validation pairs that also occur in training.")
    prompts = prompts or first_prompts(corpus.validation or corpus.training)
    return train(
        corpus.training,
        model_dir,
        config,
        corpus.validation,
        sample_prompts=prompts,
        **options,
    )


def read_sample_prompts(path: str) -> list[str]:
    """Reads the prompts of a file; blank lines are skipped.

    Raises:
        ValueError: the file cannot be read, or has no prompt.
    """
    with corpora.open_prompts(path) as lines:
        prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise ValueError(f"--sample_prompts={path} has no prompt; expected one per line.")
    return prompts


def load_prepared_dataset(data: tuple):
    """Returns the prepared dataset that --data names; None if it names files."""
    from attention_seq2seq.data.preprocessing.manifest import PreparedDataset, is_prepared_dir

    return PreparedDataset.load(data[0]) if is_prepared_dir(data) else None


def apply_prepared_options(prepared, config, args: flags.FlagValues):
    """Returns the config with the data and text options of a prepared dataset.

    Raises:
        ValueError: a flag contradicts one of these options.
    """
    prepared_options = {"data": prepared.training_data_config(), "text": prepared.text}
    for group, options in prepared_options.items():
        for name, value in vars(options).items():
            flag_value = getattr(getattr(config, group), name)
            if name != "data" and args[name].present and flag_value != value:
                raise ValueError(
                    f"--{name}={flag_value}, but {prepared.directory} was prepared with {value!r}. "
                    "Omit the flag, or prepare the corpus again with this value."
                )
    return dataclasses.replace(config, **prepared_options)
