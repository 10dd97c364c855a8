"""Analyzes the chunks of a corpus: statistics, filtering and vocabularies."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.data.preprocessing.duplicates import count_duplicates
from attention_seq2seq.data.preprocessing.encoding import encode_ids
from attention_seq2seq.data.preprocessing.filters import PairFilter, validation_mask
from attention_seq2seq.data.preprocessing.lossy_counter import LossyCounter
from attention_seq2seq.data.preprocessing.statistics import (
    VOCABULARY_SIZES,
    CorpusCounter,
    OovReplyCounter,
    corpus_statistics,
    count_tokens,
    vocabulary_weights,
)
from attention_seq2seq.data.preprocessing.tokenize import TokenizedCorpus
from attention_seq2seq.text.segmentation import make_joiner
from attention_seq2seq.text.seq2seq_tokenizer import build_vocabulary
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary
from attention_seq2seq.text.vocabulary_tokenizers import VocabularyTokenizer


class CorpusAnalysis(NamedTuple):
    """Result of `analyze`.

    Attributes:
        statistics: statistics of the corpus, as JSON.
        pair_filter: removed and remaining pairs.
        vocabularies: vocabularies of prompts and replies; the same object if shared.
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
    """Analyzes a corpus in three passes over its chunks, or four if words are spelled.

    Args:
        corpus: the chunks.
        data: maximum lengths, and the fraction of validation conversations.
        text: the tokenizer, and the size of the vocabulary.
        preprocessing: the filters.
        hashes_path: temporary file for the hashes of all pairs, 16 bytes per pair.
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
            counter.update(chunk)
    hashes = np.memmap(hashes_path, np.uint64, "r", shape=(corpus.num_pairs, 2))
    pair_filter.finalize(hashes)
    duplicates = count_duplicates(hashes)
    for start, chunk in _load_chunks(corpus, on_chunk):
        is_counted = pair_filter.in_vocabulary_count(slice(start, start + len(chunk)))
        token_counter.add(chunk.tokens[len(SPECIALS) :], count_tokens(chunk, is_counted))
    sizes = sorted({*VOCABULARY_SIZES, text.vocabulary_size})
    frequent_tokens = [
        token_counter.most_common(weights, max(sizes))
        for weights in vocabulary_weights(text.share_vocabulary, first_column=0)
    ]
    reply_tokens, _ = frequent_tokens[-1]
    oov_counter = OovReplyCounter(reply_tokens, sizes)
    join = make_joiner(text.target_tokenizer)
    reply_positions = [position for _, position in duplicates.most_common]
    reply_texts = {}
    for start, chunk in _load_chunks(corpus, on_chunk):
        oov_counter.update(chunk)
        for position in reply_positions:
            if start <= position < start + len(chunk):
                reply_texts[position] = join(chunk.reply_tokens(position - start))
    vocabularies = _build_vocabularies(token_counter, text)
    if text.oov == "spell":
        tokenizers = [VocabularyTokenizer(vocabulary, text) for vocabulary in vocabularies]
        for start, chunk in _load_chunks(corpus, on_chunk):
            encoded_chunk = encode_ids(chunk, *tokenizers, data.max_source_length)
            pair_filter.remove_too_long(encoded_chunk, start)
    statistics = corpus_statistics(
        counter,
        int(pair_filter.is_too_long.sum()),
        duplicates,
        token_counter,
        frequent_tokens,
        oov_counter.by_size(),
        [reply_texts[position] for position in reply_positions],
    )
    return CorpusAnalysis(statistics, pair_filter, vocabularies)


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


def _build_vocabularies(
    token_counter: LossyCounter, text: TextConfig
) -> tuple[Vocabulary, Vocabulary]:
    """Builds the vocabularies of `Seq2SeqTokenizer.build` from the counted pairs."""
    vocabularies = []
    for weights in vocabulary_weights(text.share_vocabulary, first_column=2):
        # All words are spelled, so all of them determine the characters of the vocabulary.
        num_words = len(token_counter) if text.oov == "spell" else text.vocabulary_size
        words, counts = token_counter.most_common(weights, num_words)
        counts = dict(zip(words, (counts @ weights).tolist()))
        vocabularies.append(build_vocabulary(counts, text))
    return vocabularies[0], vocabularies[-1]
