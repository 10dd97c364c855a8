"""Pairs to a model folder."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config import Config, ModelConfig, TrainingConfig
from attention_seq2seq.data.pairs import as_pairs, with_context
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.preparation.manifest import Prepared
from attention_seq2seq.text.codec import Codec
from attention_seq2seq.text.cutting import CutPair, PairCutter, read_user_dictionary
from attention_seq2seq.text.vocabulary import BOS, UNK
from attention_seq2seq.training.batching import batches
from attention_seq2seq.training.callbacks import Checkpoints, Progress
from attention_seq2seq.training.encoded_pairs import InMemory, Shards
from attention_seq2seq.training.optimizer import optimizer_of
from attention_seq2seq.training.precision import with_dtype_resolved
from attention_seq2seq.training.teacher_forcing import TeacherForcing

log = logging.getLogger(__name__)

# An empty file that says: the weights beside it are those of a whole training.
FINISHED = "finished"

# How many pairs a model has learnt from, and their hash.
TRAINED_ON = "trained_on.json"


def train(
    pairs: Sequence[Sequence],
    model_dir: str | Path,
    config: Config | None = None,
    validation_pairs: Sequence[Sequence] | None = None,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains a model from pairs of strings, and writes it into a folder.

    The folder then holds config.json, the vocabulary, best.npz and last.npz, log.csv with a line
    for each epoch, and trained_on.json, which counts the pairs. `Chat.load` reads it.

    Args:
        pairs: (prompt, reply), or `Pair` with the number of its conversation.
        model_dir: the folder; made if it is not there, replaced if a model is in it.
        config: all options; the document's by default.
        validation_pairs: if None, conversations are set aside from `pairs`, as
            `config.data.validation_fraction` says.
        progress: whether to show a bar, or log lines where the output is no terminal.
        callbacks: of Keras, called beside those that save and show.

    Returns:
        loss, perplexity, val_loss and val_perplexity of each epoch (in nats a word).

    Raises:
        ValueError: no pair is left to train on, or the user dictionary cannot be read.

    Example:
        >>> pairs, folder = [("你好", "你好呀"), ("吃什么", "吃烤鸭")], getfixture("tmp_path")
        >>> history = train(pairs, folder, progress=False)
        >>> len(history["loss"])
        20
        >>> from attention_seq2seq import Chat
        >>> Chat.load(folder).reply(["吃什么"])[0].prompt_tokens
        ['吃', '什么']
    """
    config = config or Config()
    training_pairs, validation_pairs = (
        list(with_context(side, config.text.context_turns))
        for side in _split(pairs, validation_pairs, config)
    )
    cutter = PairCutter(config.text, read_user_dictionary(config.text))
    cut_training, cut_validation = (
        [cutter.pair(pair) for pair in side] for side in (training_pairs, validation_pairs)
    )
    codec = Codec.of_words(cut_training, cutter)
    training = _encode("training", cut_training, codec, config)
    validation = _encode("validation", cut_validation, codec, config)
    if not len(training):
        raise ValueError(
            f"no pair to train on: {len(training_pairs)} given, all longer than "
            f"max_source_length {config.data.max_source_length} or max_target_length "
            f"{config.data.max_target_length} words."
        )
    trained_on = {
        "training_pairs": len(training_pairs),
        "validation_pairs": len(validation_pairs),
        "sha256_of_training_pairs": _sha256(training_pairs),
    }
    callbacks = [*callbacks, Progress()] if progress else callbacks
    return _train(training, validation, codec, Path(model_dir), config, trained_on, callbacks)


def train_prepared(
    prepared_dir: str | Path,
    model_dir: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains a model from a folder of prepared pairs, of any number, and writes it into a folder.

    Args:
        prepared_dir: written by `prepare`; texts are cut, and pairs kept, as was said there.
        model_dir: as for `train`, and so are the others.
        model: the model.
        training: how the weights are found.
        progress: whether to show a bar, or log lines where the output is no terminal.
        callbacks: of Keras, called beside those that save and show.

    Returns:
        As `train` does.

    Raises:
        FileNotFoundError: there is no prepared corpus in the folder.
        ValueError: it is damaged.
    """
    prepared = Prepared.load(prepared_dir)
    config = Config(
        prepared.data_of_training(),
        prepared.text,
        model or ModelConfig(),
        training or TrainingConfig(),
    )
    parts = [
        Shards(prepared.shards(part), prepared.num_pairs(part))
        for part in ("training", "validation")
    ]
    callbacks = [*callbacks, Progress()] if progress else callbacks
    return _train(
        *parts, prepared.codec(), Path(model_dir), config, prepared.trained_on(), callbacks
    )


def _train(
    training: InMemory | Shards,
    validation: InMemory | Shards,
    codec: Codec,
    folder: Path,
    config: Config,
    trained_on: dict,
    callbacks: Sequence[keras.callbacks.Callback],
) -> dict[str, list[float]]:
    config = dataclasses.replace(config, training=with_dtype_resolved(config.training))
    keras.utils.set_random_seed(config.training.seed)
    model = Seq2Seq(config.model, len(codec.source_vocabulary), len(codec.target_vocabulary))
    log.info(
        "%d pairs to train on, %d to validate on; %d words; %s weights; products in %s",
        len(training),
        len(validation),
        len(codec.target_vocabulary),
        f"{model.count_params():,}",
        config.training.dtype,
    )
    _start_folder(folder, config, codec)
    text = json.dumps(trained_on, indent=2) + "\n"
    (folder / TRAINED_ON).write_text(text, encoding="utf-8")
    history = _fit(model, training, validation, folder, config, callbacks)
    (folder / FINISHED).touch()
    return history


def finished_config(model_dir: str | Path) -> Config | None:
    """The options of the training that has come to its end in a folder; None if none has."""
    if not (Path(model_dir) / FINISHED).is_file():
        return None
    return Config.load(model_dir)


def _split(pairs, validation_pairs, config: Config):
    pairs = as_pairs(pairs)
    if validation_pairs is not None:
        return pairs, as_pairs(validation_pairs)
    split = split_by_conversation(pairs, config.data.validation_fraction, config.training.seed)
    if split.num_dropped:
        log.info("%d validation pairs also stand in training: dropped", split.num_dropped)
    return split.training, split.validation


def _encode(name: str, pairs: Sequence[CutPair], codec: Codec, config: Config):
    """Ids of both sides; pairs that are too long are left out, and counted."""
    source, target = [], []
    for pair in pairs:
        prompt_ids, reply_ids = codec.encode(pair, config.data.max_source_length)
        # The end of the reply is no word; a reply of nothing else would teach to say nothing.
        fits = 1 <= len(reply_ids) - 1 <= config.data.max_target_length
        if fits and len(prompt_ids) <= config.data.max_source_length:
            source.append(prompt_ids)
            target.append(reply_ids)
    if len(source) < len(pairs):
        log.info(
            "%d of %d %s pairs left out: over %d words of prompt or %d of reply, or none of reply",
            len(pairs) - len(source),
            len(pairs),
            name,
            config.data.max_source_length,
            config.data.max_target_length,
        )
    return InMemory(source, target)


def _start_folder(folder: Path, config: Config, codec: Codec) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Weights of an earlier training do not fit this vocabulary.
    for old in [folder / FINISHED, *folder.glob("*.npz")]:
        old.unlink(missing_ok=True)
    codec.save(folder)
    config.save(folder)


def _sha256(pairs) -> str:
    """Of the pairs as JSON, one a line."""
    lines = (json.dumps([prompt, reply]) + "\n" for prompt, reply, *_ in pairs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _fit(model: Seq2Seq, training, validation, folder: Path, config: Config, others):
    options = config.training
    train_batches = batches(
        training,
        options.batch_size,
        options.seed,
        options.unknown_probability,
        UNK,
        options.empty_probability,
    )
    num_batches = int(train_batches.cardinality())
    task = TeacherForcing(
        model,
        BOS,
        options.clip_norm,
        tf.as_dtype(options.dtype),
        options.sampled_words,
        options.seed,
    )
    task.compile(optimizer_of(options, options.epochs * num_batches), jit_compile=False)
    # Its variables made here, the update needs one trace; made inside of it, two.
    task.optimizer.build(model.trainable_variables)
    callbacks = [
        Checkpoints(model, folder),
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
        *others,
    ]
    if options.patience and len(validation):
        callbacks.append(
            keras.callbacks.EarlyStopping(monitor="val_perplexity", patience=options.patience)
        )
    history = task.fit(
        train_batches,
        epochs=options.epochs,
        validation_data=batches(validation, options.batch_size) if len(validation) else None,
        callbacks=callbacks,
        verbose=0,
    )
    if len(history.epoch) < options.epochs:
        log.info(
            "stopped after epoch %d of %d: no better validation perplexity for %d epochs",
            len(history.epoch),
            options.epochs,
            options.patience,
        )
    return history.history
