"""Training inputs: pairs in memory, or a prepared dataset."""

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from attention_seq2seq.config.config import Config
from attention_seq2seq.data.datasets import InMemoryPairs, TFRecordPairs
from attention_seq2seq.data.pairs import as_pairs, prepend_context, warn_about_missing_context
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.tokenizer import PairTokenizer, TokenizedPair, load_user_dictionary
from attention_seq2seq.training.provenance import hash_rows
from attention_seq2seq.training.warm_start import load_initial_tokenizer

log = logging.getLogger(__name__)


class DatasetSplits(NamedTuple):
    """Pairs as ids.

    Attributes:
        training: pairs to train on.
        validation: pairs to evaluate on; may be empty.
    """

    training: InMemoryPairs | TFRecordPairs
    validation: InMemoryPairs | TFRecordPairs


class TrainingInputs(Protocol):
    """Training and validation pairs, before a tokenizer exists.

    Attributes:
        provenance: number and hashes of the pairs.
    """

    provenance: dict

    def build_tokenizer(self) -> Seq2SeqTokenizer:
        """Returns the tokenizer of a new training run."""

    def encode(self, tokenizer: Seq2SeqTokenizer) -> DatasetSplits:
        """Returns the pairs as ids of the tokenizer."""


class InMemoryInputs:
    """Pairs of strings in memory.

    Args:
        pairs: (prompt, reply), or `Pair` with the index of its conversation.
        validation_pairs: pairs to evaluate on; None: conversations are held out from `pairs`.
        config: the options of the training run.

    Raises:
        ValueError: an element is not a pair, or the user dictionary cannot be read.
    """

    def __init__(
        self,
        pairs: Sequence[Sequence],
        validation_pairs: Sequence[Sequence] | None,
        config: Config,
    ):
        training_pairs, validation_pairs = (
            list(prepend_context(split, config.text.context_turns))
            for split in _split_pairs(pairs, validation_pairs, config)
        )
        context_turns = config.text.context_turns
        if context_turns and not any("\n" in pair.prompt for pair in training_pairs):
            warn_about_missing_context(context_turns)
        user_words = load_user_dictionary(config.text)
        self._config = config
        self._pair_tokenizer = PairTokenizer(config.text, user_words)
        self._training, self._validation = (
            [self._pair_tokenizer.tokenize_pair(pair) for pair in split]
            for split in (training_pairs, validation_pairs)
        )
        self.provenance = {
            "training_pairs": len(training_pairs),
            "validation_pairs": len(validation_pairs),
            "sha256_of_training_pairs": hash_rows(pair[:2] for pair in training_pairs),
            "sha256_of_validation_pairs": hash_rows(pair[:2] for pair in validation_pairs),
            "sha256_of_user_dictionary": hash_rows(user_words),
        }

    def build_tokenizer(self) -> Seq2SeqTokenizer:
        """Returns a tokenizer with the vocabulary of the training pairs and of `init_from`."""
        base = load_initial_tokenizer(self._config) if self._config.training.init_from else None
        return Seq2SeqTokenizer.from_tokenized(self._training, self._pair_tokenizer, base)

    def encode(self, tokenizer: Seq2SeqTokenizer) -> DatasetSplits:
        """Returns the pairs that are not too long, as ids of the tokenizer.

        Raises:
            ValueError: all training pairs are too long, or the vocabulary is empty.
        """
        training = _encode_pairs("training", self._training, tokenizer, self._config)
        if not len(training):
            raise ValueError(
                f"No pairs to train on: {len(self._training)} pairs given, all longer than "
                f"max_source_length {self._config.data.max_source_length} or max_target_length "
                f"{self._config.data.max_target_length} tokens. Give shorter pairs, or raise the "
                "limits."
            )
        tokenizer.require_tokens()
        validation = _encode_pairs("validation", self._validation, tokenizer, self._config)
        return DatasetSplits(training, validation)


class PreparedInputs:
    """A prepared dataset, as written by `prepare`.

    Args:
        dataset: the prepared dataset.
    """

    def __init__(self, dataset: PreparedDataset):
        self._dataset = dataset
        self.provenance = dataset.provenance()

    def build_tokenizer(self) -> Seq2SeqTokenizer:
        """Returns the tokenizer that the dataset was prepared with.

        Raises:
            ValueError: the vocabulary is empty.
        """
        tokenizer = self._dataset.tokenizer()
        tokenizer.require_tokens()
        return tokenizer

    def encode(self, tokenizer: Seq2SeqTokenizer) -> DatasetSplits:
        """Returns the pairs, which `prepare` has already encoded."""
        return DatasetSplits(self._read_split("training"), self._read_split("validation"))

    def _read_split(self, split: str) -> TFRecordPairs:
        return TFRecordPairs(self._dataset.shard_paths(split), self._dataset.num_pairs(split))


def _split_pairs(pairs, validation_pairs, config: Config):
    pairs = as_pairs(pairs)
    if validation_pairs is not None:
        return pairs, as_pairs(validation_pairs)
    split = split_by_conversation(pairs, config.data.validation_fraction, config.training.seed)
    if split.num_dropped:
        log.info("Dropped %d validation pairs that are also training pairs", split.num_dropped)
    return split.training, split.validation


def _encode_pairs(
    split: str, pairs: Sequence[TokenizedPair], tokenizer: Seq2SeqTokenizer, config: Config
) -> InMemoryPairs:
    """Encodes the pairs of a split; drops pairs that are too long or have an empty reply."""
    source, target = [], []
    for pair in pairs:
        prompt_ids, reply_ids = tokenizer.encode_pair(pair, config.data.max_source_length)
        # EOS does not count. Replies without other tokens would teach empty replies.
        fits = 1 <= len(reply_ids) - 1 <= config.data.max_target_length
        if fits and len(prompt_ids) <= config.data.max_source_length:
            source.append(prompt_ids)
            target.append(reply_ids)
    if len(source) < len(pairs):
        log.info(
            "Skipped %d of %d %s pairs: prompt over %d tokens, reply over %d tokens or empty",
            len(pairs) - len(source),
            len(pairs),
            split,
            config.data.max_source_length,
            config.data.max_target_length,
        )
    return InMemoryPairs(source, target)
