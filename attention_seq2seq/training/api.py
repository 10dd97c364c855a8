"""Pairs to a model folder."""

import logging
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.datasets import InMemoryPairs, TFRecordPairs
from attention_seq2seq.data.pairs import as_pairs, prepend_context
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.tokenizer import PairTokenizer, TokenizedPair, load_user_dictionary
from attention_seq2seq.training.callbacks.base import Callback, ProgressBar
from attention_seq2seq.training.callbacks.diagnostics import TrainingDiagnostics
from attention_seq2seq.training.callbacks.sample_replies import SampleReplies
from attention_seq2seq.training.fit import fingerprint_rows, run
from attention_seq2seq.training.warm_start import load_initial_tokenizer

log = logging.getLogger(__name__)

CHECKPOINT_MINUTES = 5.0


def train(
    pairs: Sequence[Sequence],
    model_dir: str | Path,
    config: Config | None = None,
    validation_pairs: Sequence[Sequence] | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    sample_replies: SampleReplies | None = None,
    overwrite: bool = False,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, list[float]]:
    """Trains a model from pairs of strings, and writes it into a folder.

    The folder then holds config.json, the vocabulary, best.npz and last.npz, log.csv with a line
    for each epoch, provenance.json, which counts the pairs, and CARD.md, which tells people what
    the model is. `Chat.load` reads it.

    A training that was killed goes on from its last checkpoint when it is called for again, and
    ends with the same weights as if it had not been, bit for bit on one machine where
    `tf.config.experimental.enable_op_determinism` was called. One that has ended is not repeated.

    Args:
        pairs: (prompt, reply), or `Pair` with the number of its conversation.
        model_dir: the folder; made if it is not there.
        config: all options; the document's by default.
        validation_pairs: if None, conversations are set aside from `pairs`, as
            `config.data.validation_fraction` says.
        progress: whether to show a bar, or log lines where the output is no terminal.
        callbacks: called after each update and each epoch.
        sample_replies: sample prompts that the model answers after each epoch.
        overwrite: whether to train anew where a training is in the folder already.
        checkpoint_minutes: between two checkpoints.
        strategy: what several devices or machines share the work by; every process is given the
            same, and the first alone uses `model_dir`, `callbacks` and
            `sample_replies`.

    Returns:
        loss, perplexity, val_loss, val_perplexity, val_character_perplexity, val_accuracy and
        what the replies to sample prompts came to, of each epoch (losses in nats a word).

    Raises:
        TypeError: `config` is no `Config`.
        ValueError: no pair or no word is left to train on, an element of `pairs` is no pair, the
            user dictionary cannot be read, `monitor` is of sample prompts and there are none, a
            training with other options or on other pairs is in the folder, or files that no
            training has written, or another process is at work there.
        Diverged: a loss or gradient is not finite.

    Example:
        >>> pairs, folder = [("你好", "你好呀"), ("吃什么", "吃烤鸭")], getfixture("tmp_path")
        >>> history = train(pairs, folder, progress=False)
        >>> len(history["loss"])
        20
        >>> from attention_seq2seq import Chat
        >>> Chat.load(folder).reply(["吃什么"])[0].prompt_tokens
        ['吃', '什么']
    """
    config = Config() if config is None else config
    if not isinstance(config, Config):
        raise TypeError(
            f"config is a {type(config).__name__}; expected a Config, as in "
            "Config(training=TrainingConfig(epochs=5))."
        )
    training_pairs, validation_pairs = (
        list(prepend_context(side, config.text.context_turns))
        for side in _split(pairs, validation_pairs, config)
    )
    user_words = load_user_dictionary(config.text)
    pair_tokenizer = PairTokenizer(config.text, user_words)
    tokenized_training, tokenized_validation = (
        [pair_tokenizer.tokenize_pair(pair) for pair in side]
        for side in (training_pairs, validation_pairs)
    )
    provenance = {
        "training_pairs": len(training_pairs),
        "validation_pairs": len(validation_pairs),
        "sha256_of_training_pairs": fingerprint_rows(pair[:2] for pair in training_pairs),
        "sha256_of_validation_pairs": fingerprint_rows(pair[:2] for pair in validation_pairs),
        "sha256_of_user_dictionary": fingerprint_rows(user_words),
    }

    def encoded(tokenizer: Seq2SeqTokenizer) -> tuple[InMemoryPairs, InMemoryPairs]:
        training = _encode("training", tokenized_training, tokenizer, config)
        if not len(training):
            raise ValueError(
                f"no pair to train on: {len(training_pairs)} given, all longer than "
                f"max_source_length {config.data.max_source_length} or max_target_length "
                f"{config.data.max_target_length} words."
            )
        tokenizer.require_tokens()
        return training, _encode("validation", tokenized_validation, tokenizer, config)

    def build_tokenizer() -> Seq2SeqTokenizer:
        base = load_initial_tokenizer(config) if config.training.init_from else None
        return Seq2SeqTokenizer.from_tokenized(tokenized_training, pair_tokenizer, base)

    return run(
        *(build_tokenizer, encoded, _folder(model_dir), config, provenance),
        *(_with_bar(callbacks, progress), sample_replies, overwrite, checkpoint_minutes, strategy),
    )


def train_prepared(
    prepared_dir: str | Path,
    model_dir: str | Path,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    progress: bool = True,
    callbacks: Sequence[Callback] = (),
    sample_replies: SampleReplies | None = None,
    overwrite: bool = False,
    checkpoint_minutes: float = CHECKPOINT_MINUTES,
    strategy: tf.distribute.Strategy | None = None,
) -> dict[str, list[float]]:
    """Trains a model from a folder of prepared pairs, of any number, and writes it into a folder.

    Args:
        prepared_dir: written by `prepare`; texts are cut, and pairs kept, as was said there.
        model_dir: as for `train`, and so are the others.
        model: the model.
        training: how the weights are found.
        progress: see `train`.
        callbacks: see `train`.
        sample_replies: see `train`.
        overwrite: see `train`.
        checkpoint_minutes: see `train`.
        strategy: see `train`.

    Returns:
        As `train` does.

    Raises:
        FileNotFoundError: there is no prepared corpus in the folder.
        ValueError: it is damaged; and see `train`.
    """
    prepared = PreparedDataset.load(prepared_dir)
    config = Config(
        prepared.training_data_config(),
        prepared.text,
        model or ModelConfig(),
        training or TrainingConfig(),
    )
    parts = [
        TFRecordPairs(prepared.shard_paths(part), prepared.num_pairs(part))
        for part in ("training", "validation")
    ]

    def build_tokenizer() -> Seq2SeqTokenizer:
        tokenizer = prepared.tokenizer()
        tokenizer.require_tokens()
        return tokenizer

    return run(
        *(
            build_tokenizer,
            lambda tokenizer: parts,
            _folder(model_dir),
            config,
            prepared.provenance(),
        ),
        *(_with_bar(callbacks, progress), sample_replies, overwrite, checkpoint_minutes, strategy),
    )


def _folder(model_dir: str | Path) -> Path:
    """The path of a model's folder; an empty name would be the working folder.

    Raises:
        ValueError: it is empty.
    """
    if not str(model_dir):
        raise ValueError("model_dir is empty; expected the path of a folder.")
    return Path(model_dir)


def _with_bar(callbacks: Sequence[Callback], progress: bool) -> list[Callback]:
    return [*callbacks, TrainingDiagnostics(), *([ProgressBar()] if progress else [])]


def _split(pairs, validation_pairs, config: Config):
    pairs = as_pairs(pairs)
    if validation_pairs is not None:
        return pairs, as_pairs(validation_pairs)
    split = split_by_conversation(pairs, config.data.validation_fraction, config.training.seed)
    if split.num_dropped:
        log.info("%d validation pairs also stand in training: dropped", split.num_dropped)
    return split.training, split.validation


def _encode(name: str, pairs: Sequence[TokenizedPair], tokenizer: Seq2SeqTokenizer, config: Config):
    """Ids of both sides; pairs that are too long are left out, and counted."""
    source, target = [], []
    for pair in pairs:
        prompt_ids, reply_ids = tokenizer.encode_pair(pair, config.data.max_source_length)
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
    return InMemoryPairs(source, target)
