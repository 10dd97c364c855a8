"""Trains a model from pairs, or from a prepared dataset."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.callbacks.diagnostics import TrainingDiagnostics
from attention_seq2seq.training.callbacks.progress_bar import ProgressBar
from attention_seq2seq.training.fit import fit
from attention_seq2seq.training.inputs import InMemoryInputs, PreparedInputs
from attention_seq2seq.training.trainer_options import TrainerOptions

CHECKPOINT_MINUTES = TrainerOptions.checkpoint_minutes


def train(
    pairs: Sequence[Sequence],
    model_dir: str | Path,
    config: Config | None = None,
    validation_pairs: Sequence[Sequence] | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    sample_prompts: Sequence[str] = (),
    overwrite: bool = False,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, list[float]]:
    """Trains a model from pairs of strings, and writes it into a directory.

    The directory then holds the options (config.json), the vocabulary, the weights (best.npz and
    last.npz), the metrics of each epoch (log.csv), the number and hashes of the pairs
    (provenance.json), and the model card (CARD.md). `Chat.load` loads the model.

    Training is resumable: the same call after an interruption continues from the latest checkpoint
    and ends with the weights of an uninterrupted run. On one machine they are bit-identical after
    `tf.config.experimental.enable_op_determinism`. A finished run is not repeated.

    Args:
        pairs: (prompt, reply), or `Pair` with the index of its conversation.
        model_dir: the directory of the model; created if it does not exist.
        config: the options of data, text, model and training; None: the defaults.
        validation_pairs: pairs to evaluate on; None: `config.data.validation_fraction` of `pairs`
            is held out by conversation.
        progress: whether to show a progress bar, or log lines if the output is not a terminal.
        callbacks: callbacks whose hooks are called after each update and each epoch.
        sample_prompts: prompts that the model replies to after each epoch.
        overwrite: whether to replace a finished or different training run in the directory.
        checkpoint_minutes: interval between checkpoints [minutes].
        strategy: distributes each update over devices or machines. Every worker calls `train` with
            the same arguments. Only the chief uses `model_dir`, `callbacks` and `sample_prompts`.

    Returns:
        The metrics of each epoch by name: loss, perplexity, val_loss, val_perplexity,
        val_character_perplexity, val_accuracy, and those of the sample replies. Losses are in nats
        per token.

    Raises:
        TypeError: `config` is not a `Config`.
        ValueError: there are no pairs or no tokens to train on, an element of `pairs` is not a
            pair, the user dictionary cannot be read, or `monitor` needs sample prompts and there
            are none. Also raised if the directory holds a different training run or other files
            with the same names, or if another process uses the directory.
        NonFiniteLossError: the loss or gradient of an update is not finite.
        OSError: a file cannot be written.
        ConnectionError: another worker cannot be reached.

    Example:
        >>> pairs, model_dir = [("你好", "你好呀"), ("吃什么", "吃烤鸭")], getfixture("tmp_path")
        >>> history = train(pairs, model_dir, progress=False)
        >>> len(history["loss"])
        20
        >>> from attention_seq2seq import Chat
        >>> Chat.load(model_dir).reply(["吃什么"])[0].prompt_tokens
        ['吃', '什么']
    """
    config = Config() if config is None else config
    if not isinstance(config, Config):
        raise TypeError(
            f"config is a {type(config).__name__}; expected a Config, as in "
            "Config(training=TrainingConfig(epochs=5))."
        )
    callbacks = _add_default_callbacks(callbacks, progress)
    options = TrainerOptions(callbacks, sample_prompts, overwrite, checkpoint_minutes, strategy)
    inputs = InMemoryInputs(pairs, validation_pairs, config)
    return fit(inputs, _as_path(model_dir), config, options)


def train_prepared(
    prepared_dir: str | Path,
    model_dir: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    sample_prompts: Sequence[str] = (),
    overwrite: bool = False,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, list[float]]:
    """Trains a model from a prepared dataset of any size, and writes it into a directory.

    `train` documents the written files and how training resumes.

    Args:
        prepared_dir: the directory written by `prepare`, which determines data and text options.
        model_dir: the directory of the model; created if it does not exist.
        model: the options of the model; None: the defaults.
        training: the options of training; None: the defaults.
        progress: whether to show a progress bar, or log lines if the output is not a terminal.
        callbacks: callbacks whose hooks are called after each update and each epoch.
        sample_prompts: prompts that the model replies to after each epoch.
        overwrite: whether to replace a finished or different training run in the directory.
        checkpoint_minutes: interval between checkpoints [minutes].
        strategy: distributes each update over devices or machines; None: one device.

    Returns:
        The metrics of each epoch by name, as from `train`.

    Raises:
        FileNotFoundError: there is no prepared dataset in `prepared_dir`.
        ValueError: the prepared dataset is damaged, or for the reasons listed in `train`.
        NonFiniteLossError: the loss or gradient of an update is not finite.
        OSError: a file cannot be written, or the prepared dataset can no longer be read.
        ConnectionError: another worker cannot be reached.
    """
    dataset = PreparedDataset.load(prepared_dir)
    config = Config(
        data=dataset.training_data_config(),
        text=dataset.text,
        model=model or ModelConfig(),
        training=training or TrainingConfig(),
    )
    callbacks = _add_default_callbacks(callbacks, progress)
    options = TrainerOptions(callbacks, sample_prompts, overwrite, checkpoint_minutes, strategy)
    return fit(PreparedInputs(dataset), _as_path(model_dir), config, options)


def _as_path(model_dir: str | Path) -> Path:
    """Returns the path of a model directory; an empty path would be the working directory."""
    if not str(model_dir):
        raise ValueError("model_dir is empty; expected the path of a directory.")
    return Path(model_dir)


def _add_default_callbacks(callbacks: Sequence[Callback], progress: bool) -> list[Callback]:
    return [*callbacks, TrainingDiagnostics(), *([ProgressBar()] if progress else [])]
