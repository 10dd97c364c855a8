"""Analyzes the chunks of a corpus: statistics, filtering and vocabularies."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.data.preprocessing.duplicates import count_duplicates
from attention_seq2seq.data.preprocessing.filters import PairFilter, validation_mask
from attention_seq2seq.data.preprocessing.lossy_counter import LossyCounter
from attention_seq2seq.data.preprocessing.statistics import (
    VOCABULARY_SIZES,
    CorpusCounter,
    OovReplyCounter,
    corpus_statistics,
    count_tokens,
    most_frequent_tokens,
)
from attention_seq2seq.data.preprocessing.tokenize import TokenizedCorpus
from attention_seq2seq.text.segmentation import make_joiner
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary


class CorpusAnalysis(NamedTuple):
    """The result of `analyze`.

    Attributes:
        statistics: see `corpus_statistics`.
        pair_filter: which pairs are removed.
        vocabularies: of prompts and of replies; the same object if shared.
    """

    statistics: dict
    pair_filter: PairFilter
    vocabularies: tuple[Vocabulary, Vocabulary]


def analyze(
    corpus: TokenizedCorpus,
    data: DataConfig,
    text: TextConfig,
    preprocessing: PreprocessingConfig,
    hashes_path: Path,
    on_chunk: Callable[[], None],
) -> CorpusAnalysis:
    """Analyzes a corpus in three passes over its chunks.

    Args:
        corpus: the chunks.
        data: maximum lengths, and the fraction of conversations to validate on.
        text: the sizes of the vocabularies.
        preprocessing: the filters.
        hashes_path: a temporary file for the hashes of all pairs, 16 bytes each.
        on_chunk: called after each chunk of each pass.
    """
    pair_filter = PairFilter(
        corpus.num_pairs, preprocessing, data.max_source_length, data.max_target_length
    )
    counter, token_counter = CorpusCounter(), LossyCounter(num_columns=4)
    conversation_mask = validation_mask(
        corpus.num_conversations, data.validation_fraction, preprocessing.seed
    )
    with hashes_path.open("wb") as file:
        for start, chunk in _load_chunks(corpus, on_chunk):
            file.write(np.stack([chunk.prompt_hash, chunk.reply_hash], axis=1).tobytes())
            pair_filter.update(chunk, start, conversation_mask)
            counter.update(chunk, pair_filter.is_too_long(chunk))
    hashes = np.memmap(hashes_path, np.uint64, "r", shape=(corpus.num_pairs, 2))
    pair_filter.finalize(hashes)
    duplicates = count_duplicates(hashes)
    for start, chunk in _load_chunks(corpus, on_chunk):
        is_counted = pair_filter.in_vocabulary_count[start : start + len(chunk)]
        token_counter.add(chunk.tokens[len(SPECIALS) :], count_tokens(chunk, is_counted))
    sizes = sorted({*VOCABULARY_SIZES, text.vocabulary_size})
    frequent_tokens = most_frequent_tokens(
        token_counter, text.share_vocabulary, first_column=0, num_tokens=max(sizes)
    )
    oov_counter = OovReplyCounter(frequent_tokens[1][0], sizes)
    reply_texts = _ReplyTexts(
        [position for _, position in duplicates.most_common], make_joiner(text.target_tokenizer)
    )
    for start, chunk in _load_chunks(corpus, on_chunk):
        oov_counter.update(chunk)
        reply_texts.update(chunk, start)
    statistics = corpus_statistics(
        counter,
        duplicates,
        token_counter,
        frequent_tokens,
        oov_counter.by_size(),
        reply_texts.to_list(),
    )
    return CorpusAnalysis(statistics, pair_filter, _build_vocabularies(token_counter, text))


def _load_chunks(
    corpus: TokenizedCorpus, on_chunk: Callable[[], None]
) -> Iterator[tuple[int, Chunk]]:
    """Yields each chunk with the position of its first pair in the corpus."""
    start = 0
    for path in corpus.chunk_paths:
        chunk = Chunk.load(path)
        yield start, chunk
        start += len(chunk)
        on_chunk()


class _ReplyTexts:
    """Collects the texts of the replies at some positions of the corpus."""

    def __init__(self, positions: list[int], join: Callable[[Sequence[str]], str]):
        self._positions, self._join = positions, join
        self._texts = {}

    def update(self, chunk: Chunk, start: int) -> None:
        """Collects the texts that are in a chunk."""
        for position in self._positions:
            if start <= position < start + len(chunk):
                self._texts[position] = self._join(chunk.reply_tokens(position - start))

    def to_list(self) -> list[str]:
        """Returns the texts in the order of the positions."""
        return [self._texts[position] for position in self._positions]


def _build_vocabularies(
    token_counter: LossyCounter, text: TextConfig
) -> tuple[Vocabulary, Vocabulary]:
    """Builds the vocabularies of `Seq2SeqTokenizer.build` from the counted pairs."""
    num_tokens = text.vocabulary_size - len(SPECIALS)
    sides = most_frequent_tokens(
        token_counter, text.share_vocabulary, first_column=2, num_tokens=num_tokens
    )
    if text.share_vocabulary:
        tokens, counts = sides[0]
        return (_make_vocabulary(tokens, counts[:, 2] + counts[:, 3], text.min_count),) * 2
    return tuple(
        _make_vocabulary(tokens, counts[:, column], text.min_count)
        for column, (tokens, counts) in enumerate(sides, 2)
    )


def _make_vocabulary(tokens: list[str], counts: np.ndarray, min_count: int) -> Vocabulary:
    return Vocabulary(tokens[: int((counts >= min_count).sum())])
