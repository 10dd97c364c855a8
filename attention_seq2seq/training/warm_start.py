"""Initial weights from a trained model or from a file of word vectors."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.config.config import Config
from attention_seq2seq.models.seq2seq import Seq2Seq, make_model
from attention_seq2seq.models.weights import load_weights
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary
from attention_seq2seq.utils.files import iter_text_lines

log = logging.getLogger(__name__)

# Side of the vocabulary and vocabulary axis of the weights with one entry per token.
_VOCABULARY_AXES = {
    "encoder/embedding": ("source", 0),
    "decoder/embedding": ("target", 0),
    "decoder/output_projection/kernel": ("target", 1),
    "decoder/output_projection/bias": ("target", 0),
}


def load_initial_tokenizer(config: Config) -> Seq2SeqTokenizer:
    """Loads the tokenizer of the model that `init_from` names.

    Raises:
        FileNotFoundError: there is no model in the directory.
        ValueError: the trained model has other text options.
    """
    model_dir = config.training.init_from
    initial_config = Config.load(model_dir)
    _check_same_options(model_dir, initial_config.text, config.text)
    return Seq2SeqTokenizer.load(model_dir, initial_config.text)


def init_from_model(model: Seq2Seq, tokenizer: Seq2SeqTokenizer, config: Config) -> None:
    """Copies the weights of a trained model. New tokens keep their initial weights.

    Args:
        model: the model to be trained.
        tokenizer: the tokenizer of the model.
        config: the options of the model, with `init_from`.

    Raises:
        FileNotFoundError: there is no model in the directory.
        ValueError: the trained model has other options of model or text.
    """
    model_dir = config.training.init_from
    initial_config = Config.load(model_dir)
    _check_same_options(model_dir, initial_config.model, config.model)
    initial_tokenizer = load_initial_tokenizer(config)
    base_model = make_model(
        initial_config.model,
        len(initial_tokenizer.source.vocabulary),
        len(initial_tokenizer.target.vocabulary),
    )
    load_weights(base_model, Path(model_dir) / initial_config.training.weights_file)
    common_ids = {
        "source": _common_ids(tokenizer.source.vocabulary, initial_tokenizer.source.vocabulary),
        "target": _common_ids(tokenizer.target.vocabulary, initial_tokenizer.target.vocabulary),
    }
    variables = model.named_weights()
    for name, value in base_model.named_weights().items():
        if name not in _VOCABULARY_AXES:
            variables[name].assign(value)
            continue
        side, axis = _VOCABULARY_AXES[name]
        ids, initial_ids = common_ids[side]
        weights = np.moveaxis(variables[name].numpy(), axis, 0)
        weights[ids] = np.moveaxis(value.numpy(), axis, 0)[initial_ids]
        variables[name].assign(np.moveaxis(weights, 0, axis))
    num_common, num_tokens = len(common_ids["target"][0]), len(tokenizer.target.vocabulary)
    log.info("%d of %d tokens start with the weights of %s", num_common, num_tokens, model_dir)


def _check_same_options(model_dir: str, initial_options, options) -> None:
    # The choice of tokens, the weights of new tokens, and dropout may differ.
    free = ("dropout", "dropout_on_embeddings", "embedding_range", "vocabulary_size", "min_count")
    for name, value in vars(options).items():
        initial_value = vars(initial_options)[name]
        if name not in free and initial_value != value:
            raise ValueError(
                f"init_from {model_dir} has {name} {initial_value!r}, and the new model "
                f"{value!r}. Use the same value for both."
            )


def _common_ids(vocabulary: Vocabulary, initial: Vocabulary) -> tuple[list[int], list[int]]:
    """Returns new and initial ids of the tokens in both vocabularies, special tokens first."""
    initial_ids = initial.ids(vocabulary.tokens(range(len(SPECIALS), len(vocabulary))))
    common = [
        (new, old) for new, old in enumerate(initial_ids, len(SPECIALS)) if old >= len(SPECIALS)
    ]
    special = [(index, index) for index in range(len(SPECIALS))]
    return tuple(map(list, zip(*special, *common)))


def init_embeddings_from_file(model: Seq2Seq, tokenizer: Seq2SeqTokenizer, path: str) -> None:
    """Sets embeddings from a file of word vectors. Other tokens keep their initial weights.

    Args:
        model: the model to be trained.
        tokenizer: the tokenizer of the model.
        path: file in the text format of word2vec, plain or gzip. The first line has the number of
            words and dimensions. Each other line has a word and its vector, separated by blanks.

    Raises:
        ValueError: the file cannot be read, has other dimensions, or has none of the tokens.
    """
    weights = model.named_weights()
    tables = {
        "encoder/embedding": tokenizer.source.vocabulary,
        "decoder/embedding": tokenizer.target.vocabulary,
    }
    # A shared embedding only has the encoder's name.
    tables = {name: table for name, table in tables.items() if name in weights}
    values = {name: weights[name].numpy() for name in tables}
    width = next(iter(values.values())).shape[1]
    matched_words = set()
    for word, vector in _vectors(path, width):
        for name, vocabulary in tables.items():
            (index,) = vocabulary.ids([word])
            if index >= len(SPECIALS):
                values[name][index] = vector
                matched_words.add(word)
    if not matched_words:
        raise ValueError(
            f"{path}: no word is in the vocabulary. Give vectors of words that occur in the corpus."
        )
    for name, value in values.items():
        weights[name].assign(value)
    log.info("%d tokens start with the vectors of %s", len(matched_words), path)


def _vectors(path: str, width: int) -> Iterator[tuple[str, Sequence[float]]]:
    try:
        with Path(path).open("rb") as file:
            for line_number, line in enumerate(iter_text_lines(file, path), 1):
                fields = line.rstrip().split(" ")
                if line_number == 1 and len(fields) == 2 and all(f.isdigit() for f in fields):
                    if int(fields[1]) != width:
                        raise ValueError(
                            f"{path}: vectors have {fields[1]} dimensions, but units is {width}. "
                            f"Set units to {fields[1]}."
                        )
                    continue
                try:
                    vector = list(map(float, fields[-width:]))
                except ValueError:
                    vector = []
                if len(fields) != width + 1 or not np.all(np.isfinite(vector)) or not vector:
                    raise ValueError(
                        f"{path}, line {line_number}: expected a word and {width} numbers, "
                        f"separated by blanks, got {line[:40].rstrip()!r}."
                    )
                yield fields[0], vector
    except OSError as error:
        raise ValueError(f"pretrained_embeddings {path}: {error.strerror}.") from None
