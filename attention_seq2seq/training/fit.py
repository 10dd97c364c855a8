"""One training, on all that share its work: from its options to what it writes."""

import contextlib
import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.config import Config
from attention_seq2seq.data.datasets import InMemoryPairs, TFRecordPairs
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.callbacks.sample_replies import SampleReplies
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.model_dir import (
    FILE_OPTIONS,
    UNREADABLE,
    ModelDir,
    is_finished,
    read_history,
)
from attention_seq2seq.training.precision import resolve_compute_dtype
from attention_seq2seq.training.trainer import Trainer
from attention_seq2seq.training.validation import SAMPLE_METRICS
from attention_seq2seq.training.warm_start import init_embeddings_from_file, init_from_model
from attention_seq2seq.utils.files import sha256_file

log = logging.getLogger(__name__)

_LARGEST_SEED = 2**31 - 1


def run(
    build_tokenizer: Callable[[], Seq2SeqTokenizer],
    encoded: Callable[[Seq2SeqTokenizer], Sequence[InMemoryPairs | TFRecordPairs]],
    folder: Path,
    config: Config,
    provenance: dict,
    callbacks: Sequence[Callback],
    sample_replies: SampleReplies | None,
    overwrite: bool,
    checkpoint_minutes: float,
    strategy: tf.distribute.Strategy | None,
) -> dict[str, list[float]]:
    """Trains to the end, or goes on to it, or reads what a training that has ended came to.

    Args:
        build_tokenizer: makes the tokenizer of a new training.
        encoded: pairs to train on and to validate on, as ids.
        folder: of the model.
        config: all options.
        provenance: what is known of the pairs.
        callbacks: see `trainer.train`, and so are the others.
        sample_replies: see there.
        overwrite: see there.
        checkpoint_minutes: see there.
        strategy: see there.

    Returns:
        See there.

    Raises:
        ValueError: see there.
    """
    if config.training.monitor in SAMPLE_METRICS and not sample_replies:
        raise ValueError(
            f"monitor is {config.training.monitor!r}, which replies to sample prompts are measured "
            "by, and there are none. Give sample_replies (train.py: --sample_prompts), or choose "
            "by perplexity or accuracy."
        )
    initial = config.training.init_from
    if initial and Path(initial).resolve() == folder.resolve():
        raise ValueError(
            f"init_from is {folder}, where the new model is to be written. Give another model_dir."
        )
    prompts = sample_replies.prompts if sample_replies else ()
    provenance = {
        **provenance,
        "sha256_of_sample_prompts": fingerprint_rows(prompts),
        **_hashes_of_files(config),
    }
    distributor = Distributor(strategy)
    model_dir = ModelDir(folder, config, provenance)
    with contextlib.ExitStack() as leaving:
        leaving.enter_context(distributor.report_lost_workers())
        was_begun = distributor.is_chief and leaving.enter_context(model_dir.open(overwrite))
        finished = was_begun and is_finished(folder) and read_history(folder)
        if finished := distributor.broadcast_object(finished):
            if distributor.is_chief:
                # Killed between the two, a training has left its checkpoints.
                model_dir.checkpoints.delete_all()
            return finished
        # What was begun goes on in its dtype and with its words, whatever `auto` would be by now
        # and has become of what the words were made of.
        options = Config.load(folder).training if was_begun else config.training
        config = dataclasses.replace(config, training=resolve_compute_dtype(options))
        tokenizer = Seq2SeqTokenizer.load(folder, config.text) if was_begun else build_tokenizer()
        config = _check_workers_agree(distributor, config, provenance, tokenizer)
        training, validation = encoded(tokenizer)
        # A dataset is not shuffled by a tensor's value where the global seed is 0 to TensorFlow.
        keras.utils.set_random_seed(config.training.seed % _LARGEST_SEED or _LARGEST_SEED - 1)
        sizes = len(tokenizer.source.vocabulary), len(tokenizer.target.vocabulary)
        model = make_model(config.model, *sizes)
        log.info(
            "%d pairs to train on, %d to validate on; %d words; %s weights; products in %s",
            len(training),
            len(validation),
            len(tokenizer.target.vocabulary),
            f"{model.count_params():,}",
            config.training.compute_dtype,
        )
        if distributor.is_chief and not (was_begun and model_dir.checkpoints.restore_latest()):
            if initial:
                init_from_model(model, tokenizer, config)
            if config.training.pretrained_embeddings:
                init_embeddings_from_file(model, tokenizer, config.training.pretrained_embeddings)
        model = distributor.replicate(model, lambda: make_model(config.model, *sizes))
        loop = Trainer(
            *(model, tokenizer, training, validation, model_dir, config),
            sample_replies.bind(model, tokenizer, config)
            if sample_replies and distributor.is_chief
            else None,
            callbacks if distributor.is_chief else (),
            60 * checkpoint_minutes,
            distributor,
        )
        is_new = distributor.is_chief and not was_begun
        # Whatever is wrong has been said by then: from there on what was there is replaced.
        history = _train_to_end(
            loop, folder, partial(model_dir.start, config, tokenizer) if is_new else None
        )
        if loop.should_stop_early() and len(history) < config.training.epochs:
            log.info(
                "stopped after epoch %d of %d: none better by %s for %d epochs",
                len(history),
                config.training.epochs,
                config.training.monitor,
                config.training.patience,
            )
        if distributor.is_chief:
            model_dir.finish(config, history)
        loop.finish()
        # Nobody says that it has ended before it is written.
        distributor.broadcast_object(None)
    return {name: [m[name] for m in history] for name in (history[0] if history else ())}


def _check_workers_agree(
    distributor: Distributor, config: Config, provenance: dict, tokenizer: Seq2SeqTokenizer
) -> Config:
    """The config, with the chief's `compute_dtype`, where all processes were given the same.

    Raises:
        ValueError: this one was given something else.
    """
    options = dict(pair for group in vars(config).values() for pair in vars(group).items())
    # The same files may lie elsewhere; they have hashes.
    for name in FILE_OPTIONS:
        del options[name]
    dtype = distributor.broadcast_object(options.pop("compute_dtype"))
    sides = tokenizer.source.vocabulary, tokenizer.target.vocabulary
    words = [side.tokens(range(len(side))) for side in sides]
    # As it arrives, where tuples are lists.
    given = json.loads(json.dumps({**provenance, **options, "words": fingerprint_rows(words)}))
    for name, value in distributor.broadcast_object(given).items():
        # Of what weights start from, only the first one has any need.
        if given.get(name) != value and given.get(name) != UNREADABLE:
            what = name.removeprefix("sha256_of_").replace("_", " ")
            what = f"other {what} than the first one"
            if name in options:
                what = f"{name} {given[name]!r}, the first one {value!r}"
            raise ValueError(
                f"this process was given {what}; start all with the same options and the same data."
            )
    return dataclasses.replace(
        config, training=dataclasses.replace(config.training, compute_dtype=dtype)
    )


def _hashes_of_files(config: Config) -> dict[str, str]:
    """Of what weights start from, wherever it lies; known once a training was begun."""
    hashes = {}
    for name in ("pretrained_embeddings", "init_from"):
        if path := getattr(config.training, name):
            hashes[f"sha256_of_{name}"] = UNREADABLE
            with contextlib.suppress(OSError, ValueError):
                if name == "init_from":
                    path = Path(path) / Config.load(path).training.weights_file
                # A pipe can be read only once, and not yet.
                if Path(path).is_file():
                    hashes[f"sha256_of_{name}"] = sha256_file(Path(path))
    return hashes


def _train_to_end(
    loop: Trainer, folder: Path, start: Callable[[], None] | None
) -> list[dict[str, float]]:
    try:
        return loop.run(start)
    except OSError as error:
        raise OSError(
            f"{folder}: nothing more can be written ({error.strerror or error}). What was written "
            "is whole: make room, and run the same again."
        ) from error
    except (tf.errors.NotFoundError, tf.errors.DataLossError) as error:
        raise OSError(
            f"the prepared corpus can no longer be read ({error.message}). Bring back what is "
            "missing, or prepare it again, and run the same again."
        ) from error


def fingerprint_rows(rows: Iterable) -> str:
    """Of rows as JSON, one a line."""
    lines = (json.dumps(row) + "\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
