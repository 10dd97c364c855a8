"""Weights that a training starts from: of a model trained before, of word vectors."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.config.config import Config
from attention_seq2seq.models.seq2seq import Seq2Seq, make_model
from attention_seq2seq.models.weights import load_weights
from attention_seq2seq.text.seq2seq_tokenizer import Codec
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary
from attention_seq2seq.utils.files import text_lines

log = logging.getLogger(__name__)

# Weights with an entry for each word: which side's, and the axis of the words.
_OF_WORDS = {
    "encoder/embedding": ("source", 0),
    "decoder/embedding": ("target", 0),
    "decoder/output_projection/kernel": ("target", 1),
    "decoder/output_projection/bias": ("target", 0),
}


def load_initial_tokenizer(config: Config) -> Codec:
    """The words of the model that `initial_model` names.

    Raises:
        FileNotFoundError: there is no model in the folder.
        ValueError: its texts are cut in another way.
    """
    folder = config.training.initial_model
    other = Config.load(folder)
    _refuse_difference(folder, other.text, config.text)
    return Codec.load(folder, other.text)


def init_from_model(model: Seq2Seq, codec: Codec, config: Config) -> None:
    """Gives a model the weights of another one; words that the other does not know keep theirs.

    Args:
        model: to be trained.
        codec: its words.
        config: whose `initial_model` names the other's folder.

    Raises:
        FileNotFoundError: there is no model in the folder.
        ValueError: it is another model, or its texts are cut in another way.
    """
    folder = config.training.initial_model
    other = Config.load(folder)
    _refuse_difference(folder, other.model, config.model)
    others_codec = load_initial_tokenizer(config)
    trained = make_model(
        other.model, len(others_codec.source_vocabulary), len(others_codec.target_vocabulary)
    )
    load_weights(trained, Path(folder) / f"{other.training.answer_with}.npz")
    known = {
        side: _known_words(getattr(codec, name), getattr(others_codec, name))
        for side, name in (("source", "source_vocabulary"), ("target", "target_vocabulary"))
    }
    variables = model.named_weights()
    for name, value in trained.named_weights().items():
        if name not in _OF_WORDS:
            variables[name].assign(value)
            continue
        side, axis = _OF_WORDS[name]
        ours, theirs = known[side]
        weights = np.moveaxis(variables[name].numpy(), axis, 0)
        weights[ours] = np.moveaxis(value.numpy(), axis, 0)[theirs]
        variables[name].assign(np.moveaxis(weights, 0, axis))
    num_known, num_words = len(known["target"][0]), len(codec.target_vocabulary)
    log.info("%d of %d words start as in %s", num_known, num_words, folder)


def _refuse_difference(folder: str, theirs, ours) -> None:
    # Which words are taken from the corpus, what new ones start from, and dropout are a matter of
    # this training.
    free = ("dropout", "embedding_dropout", "embedding_range", "vocabulary_size", "min_count")
    for name, value in vars(ours).items():
        if name not in free and vars(theirs)[name] != value:
            raise ValueError(
                f"initial_model {folder} has {name} {vars(theirs)[name]!r}, this training has "
                f"{value!r}; they must be the same."
            )


def _known_words(ours: Vocabulary, theirs: Vocabulary) -> tuple[list[int], list[int]]:
    """The ids here, and there, of words that both know; the special ones first."""
    words = ours.words(range(len(SPECIALS), len(ours)))
    there = theirs.ids(words)
    both = [(here, i) for here, i in enumerate(there, len(SPECIALS)) if i >= len(SPECIALS)]
    special = [(i, i) for i in range(len(SPECIALS))]
    return tuple(map(list, zip(*special, *both)))


def init_embeddings_from_file(model: Seq2Seq, codec: Codec, path: str) -> None:
    """Gives the embeddings of words their vectors from a file; words not in it keep theirs.

    Args:
        model: to be trained.
        codec: its words.
        path: word2vec's text format, plain or gzip: a line with the number of words and the
            width, then a line for each word with its numbers, with blanks between.

    Raises:
        ValueError: it cannot be read, has another width, or has none of the words.
    """
    weights = model.named_weights()
    tables = {
        "encoder/embedding": codec.source_vocabulary,
        "decoder/embedding": codec.target_vocabulary,
    }
    # One that is shared has the encoder's name alone.
    tables = {name: words for name, words in tables.items() if name in weights}
    values = {name: weights[name].numpy() for name in tables}
    width = next(iter(values.values())).shape[1]
    found = set()
    for word, vector in _vectors(path, width):
        for name, vocabulary in tables.items():
            (i,) = vocabulary.ids([word])
            if i >= len(SPECIALS):
                values[name][i] = vector
                found.add(word)
    if not found:
        raise ValueError(f"{path}: none of its words is a word of the corpus.")
    for name, value in values.items():
        weights[name].assign(value)
    log.info("%d words start from the vectors of %s", len(found), path)


def _vectors(path: str, width: int) -> Iterator[tuple[str, Sequence[float]]]:
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(text_lines(file, path), 1):
                fields = line.rstrip().split(" ")
                if number == 1 and len(fields) == 2 and all(f.isdigit() for f in fields):
                    if int(fields[1]) != width:
                        raise ValueError(
                            f"{path}: vectors of width {fields[1]}, but the model is {width} units "
                            f"wide. Train with units {fields[1]}."
                        )
                    continue
                try:
                    vector = list(map(float, fields[-width:]))
                except ValueError:
                    vector = []
                if len(fields) != width + 1 or not np.all(np.isfinite(vector)) or not vector:
                    raise ValueError(
                        f"{path}, line {number}: expected a word and {width} numbers with blanks "
                        f"between, got {line[:40].rstrip()!r}."
                    )
                yield fields[0], vector
    except OSError as error:
        raise ValueError(f"pretrained_embeddings {path}: {error.strerror}.") from None
