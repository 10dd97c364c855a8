"""The passes over the chunks of a corpus: what it is like, what stays, which words it has."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attention_seq2seq.config import DataConfig, TextConfig
from attention_seq2seq.preparation.chunks import Chunk
from attention_seq2seq.preparation.cut_corpus import Corpus
from attention_seq2seq.preparation.examination import (
    VOCABULARY_SIZES,
    examination,
    ordered_words,
)
from attention_seq2seq.preparation.repeats import count_repeats
from attention_seq2seq.preparation.selection import Selection, conversations_aside
from attention_seq2seq.preparation.survey import Survey, UnknownReplies, column_counts
from attention_seq2seq.preparation.word_counts import WordCounts
from attention_seq2seq.preparation_config import PreparationConfig
from attention_seq2seq.text.cutting import PairCutter
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
    hashes = np.memmap(scratch, np.uint64, "w+", shape=(corpus.num_pairs, 2))
    aside = conversations_aside(
        corpus.num_conversations, data.validation_fraction, preparation.seed
    )
    for first, chunk in _loaded(corpus, on_chunk):
        hashes[first : first + len(chunk)] = np.stack([chunk.prompt_hash, chunk.reply_hash], axis=1)
        selection.look_at(chunk, first, aside)
        survey.look_at(chunk, selection.too_long(chunk))
    selection.look_at_all(hashes)
    repeats = count_repeats(hashes)
    for first, chunk in _loaded(corpus, on_chunk):
        counted = selection.counted[first : first + len(chunk)]
        counts.add(chunk.words[len(SPECIALS) :], column_counts(chunk, counted))
    ordered = ordered_words(counts, text.shared_vocabulary, first=0)
    unknown = UnknownReplies(ordered[1][0], sorted({*VOCABULARY_SIZES, text.vocabulary_size}))
    texts = _Texts([place for _, place in repeats.commonest], PairCutter(text).target.join)
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
    """As `Codec.build` makes them, of the pairs that are counted."""
    made = []
    for column, (words, occurrences) in enumerate(
        ordered_words(counts, text.shared_vocabulary, first=2), 2
    ):
        own = occurrences[:, 2:].sum(axis=1) if text.shared_vocabulary else occurrences[:, column]
        num_frequent = int((own >= text.min_count).sum())
        made.append(Vocabulary(words[: min(num_frequent, text.vocabulary_size - len(SPECIALS))]))
    return (made[0], made[0]) if text.shared_vocabulary else (made[0], made[1])
