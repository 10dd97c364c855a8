"""The passes over the chunks of a corpus: what it is like, what stays, which words it has."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attention_seq2seq.config.config import DataConfig, TextConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.data.preprocessing.duplicates import count_repeats
from attention_seq2seq.data.preprocessing.filters import Selection, conversations_aside
from attention_seq2seq.data.preprocessing.lossy_counter import WordCounts
from attention_seq2seq.data.preprocessing.statistics import (
    VOCABULARY_SIZES,
    examination,
    ordered_words,
)
from attention_seq2seq.data.preprocessing.survey import Survey, UnknownReplies, column_counts
from attention_seq2seq.data.preprocessing.tokenize import Corpus
from attention_seq2seq.text.segmentation import make_joiner
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary


class Gathered(NamedTuple):
    """What the passes have found.

    Attributes:
        examination: see `examination`.
        selection: which pairs stay.
        vocabularies: of the prompts and of the replies; the same object when shared.
    """

    examination: dict
    selection: Selection
    vocabularies: tuple[Vocabulary, Vocabulary]


def gather(
    corpus: Corpus,
    data: DataConfig,
    text: TextConfig,
    preparation: PreparationConfig,
    scratch: Path,
    on_chunk: Callable[[], None],
) -> Gathered:
    """Goes over all chunks three times.

    Args:
        corpus: the chunks.
        data: limits of the lengths, and the share set aside for validation.
        text: the sizes of the vocabularies.
        preparation: what is left out.
        scratch: a file for the hashes of all pairs, 16 bytes each.
        on_chunk: called after each chunk of each pass.
    """
    limits = data.max_source_length, data.max_target_length
    selection = Selection(corpus.num_pairs, preparation, *limits)
    survey, counts = Survey(), WordCounts(num_columns=4)
    aside = conversations_aside(
        corpus.num_conversations, data.validation_fraction, preparation.seed
    )
    with scratch.open("wb") as file:
        for first, chunk in _loaded(corpus, on_chunk):
            file.write(np.stack([chunk.prompt_hash, chunk.reply_hash], axis=1).tobytes())
            selection.look_at(chunk, first, aside)
            survey.look_at(chunk, selection.too_long(chunk))
    hashes = np.memmap(scratch, np.uint64, "r", shape=(corpus.num_pairs, 2))
    selection.look_at_all(hashes)
    repeats = count_repeats(hashes)
    for first, chunk in _loaded(corpus, on_chunk):
        counted = selection.counted[first : first + len(chunk)]
        counts.add(chunk.words[len(SPECIALS) :], column_counts(chunk, counted))
    sizes = sorted({*VOCABULARY_SIZES, text.vocabulary_size})
    ordered = ordered_words(counts, text.shared_vocabulary, first=0, most=max(sizes))
    unknown = UnknownReplies(ordered[1][0], sizes)
    texts = _Texts([place for _, place in repeats.commonest], make_joiner(text.target_segmentation))
    for first, chunk in _loaded(corpus, on_chunk):
        unknown.look_at(chunk)
        texts.look_at(chunk, first)
    found = examination(survey, repeats, counts, ordered, unknown.by_size(), texts.in_order())
    return Gathered(found, selection, _vocabularies(counts, text))


def _loaded(corpus: Corpus, on_chunk: Callable[[], None]) -> Iterator[tuple[int, Chunk]]:
    first = 0
    for path in corpus.chunks:
        chunk = Chunk.load(path)
        yield first, chunk
        first += len(chunk)
        on_chunk()


class _Texts:
    """The replies at some places of the corpus."""

    def __init__(self, places: list[int], join: Callable[[list[str]], str]):
        self._places, self._join = places, join
        self._texts = {}

    def look_at(self, chunk: Chunk, first: int) -> None:
        """Notes those that are in a chunk."""
        for place in self._places:
            if first <= place < first + len(chunk):
                self._texts[place] = self._join(chunk.reply_words(place - first))

    def in_order(self) -> list[str]:
        """The texts in the order of the places."""
        return [self._texts[place] for place in self._places]


def _vocabularies(counts: WordCounts, text: TextConfig) -> tuple[Vocabulary, Vocabulary]:
    """As `Seq2SeqTokenizer.build` makes them, of the pairs that are counted."""
    most = text.vocabulary_size - len(SPECIALS)
    sides = ordered_words(counts, text.shared_vocabulary, first=2, most=most)
    if text.shared_vocabulary:
        words, occurrences = sides[0]
        return (_frequent(words, occurrences[:, 2] + occurrences[:, 3], text.min_count),) * 2
    return tuple(
        _frequent(words, occurrences[:, column], text.min_count)
        for column, (words, occurrences) in enumerate(sides, 2)
    )


def _frequent(words: list[str], occurrences: np.ndarray, min_count: int) -> Vocabulary:
    return Vocabulary(words[: int((occurrences >= min_count).sum())])
