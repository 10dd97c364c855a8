"""Runs training on all workers, from inputs and options to a finished model directory."""

import contextlib
import dataclasses
import logging
from functools import partial
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.config import Config
from attention_seq2seq.models.seq2seq import Seq2Seq, make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.early_stopping import should_stop_early
from attention_seq2seq.training.inputs import TrainingInputs
from attention_seq2seq.training.model_dir import ModelDir, is_finished, read_history
from attention_seq2seq.training.precision import resolve_compute_dtype
from attention_seq2seq.training.provenance import (
    check_workers_agree,
    hash_initial_weights,
    hash_rows,
)
from attention_seq2seq.training.trainer import Trainer
from attention_seq2seq.training.trainer_options import TrainerOptions
from attention_seq2seq.training.warm_start import init_embeddings_from_file, init_from_model

log = logging.getLogger(__name__)

_MAX_SEED = 2**31 - 1


def fit(
    inputs: TrainingInputs, path: Path, config: Config, options: TrainerOptions
) -> dict[str, list[float]]:
    """Runs training, or resumes it. A finished run is not repeated.

    Args:
        inputs: training and validation pairs.
        path: the model directory.
        config: the options of data, text, model and training.
        options: callbacks, checkpoint interval, distribution strategy and other settings.

    Returns:
        The metrics of each epoch by name.

    Raises:
        ValueError: options contradict each other, workers have different options or data, or the
            directory cannot be used for this run.
        NonFiniteLossError: the loss or gradient of an update is not finite.
        OSError: a file cannot be written, or the prepared dataset can no longer be read.
        ConnectionError: another worker cannot be reached.
    """
    _check_options(path, config, options)
    distributor = Distributor(options.strategy)
    provenance = {
        **inputs.provenance,
        "sha256_of_sample_prompts": hash_rows(options.sample_prompts),
        **hash_initial_weights(config),
    }
    model_dir = ModelDir(path, config, provenance)
    # Only the chief uses the directory.
    opened_dir = (
        model_dir.open(options.overwrite)
        if distributor.is_chief
        else contextlib.nullcontext(enter_result=False)
    )
    with distributor.report_lost_workers(), opened_dir as is_resumed:
        is_done = is_resumed and is_finished(path)
        history = distributor.broadcast_object(read_history(path) if is_done else {})
        if not history:
            return _train(inputs, config, options, distributor, model_dir, is_resumed)
        if distributor.is_chief:
            # A run that was killed just before its last action has left its checkpoints.
            model_dir.checkpoints.delete_all()
        return history


def _check_options(path: Path, config: Config, options: TrainerOptions) -> None:
    monitor, init_from = config.training.monitor, config.training.init_from
    if monitor.startswith("sample_") and not options.sample_prompts:
        raise ValueError(
            f"monitor is {monitor!r}, a metric of sample replies, and there are no sample prompts. "
            "Give sample_prompts, or monitor val_perplexity."
        )
    if init_from and Path(init_from).resolve() == path.resolve():
        raise ValueError(
            f"init_from is {path}, which is also the directory of the new model. Give another "
            "model_dir."
        )


def _train(
    inputs: TrainingInputs,
    config: Config,
    options: TrainerOptions,
    distributor: Distributor,
    model_dir: ModelDir,
    is_resumed: bool,
) -> dict[str, list[float]]:
    """Starts or resumes a run that is not finished."""
    # A resumed run keeps its dtype and vocabulary, because `auto` may resolve to another dtype now,
    # and the vocabulary's source files may have changed.
    training = Config.load(model_dir.path).training if is_resumed else config.training
    config = dataclasses.replace(config, training=resolve_compute_dtype(training))
    if is_resumed:
        tokenizer = Seq2SeqTokenizer.load(model_dir.path, config.text)
    else:
        tokenizer = inputs.build_tokenizer()
    config = check_workers_agree(distributor, config, model_dir.provenance, tokenizer)
    datasets = inputs.encode(tokenizer)
    # With a global seed of 0, TensorFlow does not shuffle a dataset by the value of a tensor.
    keras.utils.set_random_seed(config.training.seed % _MAX_SEED or _MAX_SEED - 1)
    has_checkpoint = is_resumed and model_dir.checkpoints.restore_latest() is not None
    model = _make_initialized_model(config, tokenizer, distributor, has_checkpoint)
    log.info(
        "Training on %d pairs, validating on %d", len(datasets.training), len(datasets.validation)
    )
    log.info(
        "Target vocabulary: %d tokens. Model: %s weights, %s",
        len(tokenizer.target.vocabulary),
        f"{model.count_params():,}",
        config.training.compute_dtype,
    )
    has_model_selection = training.patience or training.restore_best_weights
    if has_model_selection and training.monitor.startswith("val_") and not len(datasets.validation):
        log.info("No validation pairs: no early stopping, and the last epoch is used")
    trainer = Trainer(model, tokenizer, datasets, model_dir, config, options, distributor)
    # All checks have passed, so the files of another run may be replaced from here on.
    is_new = distributor.is_chief and not is_resumed
    on_start = partial(model_dir.start, config, tokenizer) if is_new else None
    with _explain_file_errors(model_dir.path):
        history = trainer.run(on_start)
    _finish(history, config, distributor, model_dir)
    return {name: [metrics[name] for metrics in history] for name in history[0]} if history else {}


def _make_initialized_model(
    config: Config, tokenizer: Seq2SeqTokenizer, distributor: Distributor, has_checkpoint: bool
) -> Seq2Seq:
    """Returns a model with the initial weights, which are skipped if there is a checkpoint."""
    make = partial(
        make_model,
        config.model,
        len(tokenizer.source.vocabulary),
        len(tokenizer.target.vocabulary),
    )
    model = make()
    if distributor.is_chief and not has_checkpoint:
        if config.training.init_from:
            init_from_model(model, tokenizer, config)
        if config.training.pretrained_embeddings:
            init_embeddings_from_file(model, tokenizer, config.training.pretrained_embeddings)
    return distributor.replicate(model, make)


@contextlib.contextmanager
def _explain_file_errors(path: Path):
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{path}: cannot write the model files ({error.strerror or error}). The files "
            "written so far are intact. Free some space, and run the same training again to "
            "resume."
        ) from error
    except (tf.errors.NotFoundError, tf.errors.DataLossError) as error:
        raise OSError(
            f"Cannot read the prepared dataset ({error.message}). Restore the missing files or "
            "prepare the dataset again, and run the same training again to resume."
        ) from error


def _finish(
    history: list[dict[str, float]],
    config: Config,
    distributor: Distributor,
    model_dir: ModelDir,
) -> None:
    """Marks the run as finished, and deletes its checkpoints."""
    monitor, patience = config.training.monitor, config.training.patience
    is_shortened = len(history) < config.training.epochs
    if is_shortened and should_stop_early(monitor, history, patience):
        log.info(
            "Early stopping after epoch %d of %d: %s did not improve for %d epochs",
            len(history),
            config.training.epochs,
            monitor,
            patience,
        )
    if distributor.is_chief:
        model_dir.finish(config, history)
        model_dir.checkpoints.delete_all()
    # Other workers return only after the chief has written all files.
    distributor.broadcast_object(None)
