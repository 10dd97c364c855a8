"""Statistics of a corpus: lengths, scripts, duplicates and vocabulary coverage."""

from collections.abc import Sequence

import numpy as np

from attention_seq2seq.data.preprocessing.chunks import MAX_TEXT_LENGTH, NOT_TOKENIZED, Chunk
from attention_seq2seq.data.preprocessing.duplicates import DuplicateStats
from attention_seq2seq.data.preprocessing.lossy_counter import LossyCounter
from attention_seq2seq.data.preprocessing.text_flags import TextFlags
from attention_seq2seq.text.vocabulary import SPECIALS

SIDES = ("prompts", "replies")
VOCABULARY_SIZES = (2000, 4000, 8000, 16000, 32000)


class CorpusCounter:
    """Counts lengths and scripts of all texts of a corpus, chunk by chunk.

    Attributes:
        num_pairs: number of pairs.
        length_histogram: int64[sides, lengths], number of tokenized texts of each length.
        num_not_tokenized: int64[sides], number of texts that are too long to tokenize.
        script_counts: for each side, number of texts with each flag.
        num_echoes: number of pairs whose reply equals the prompt.
    """

    def __init__(self):
        self.num_pairs = self.num_echoes = 0
        self.length_histogram = np.zeros([2, MAX_TEXT_LENGTH + 1], np.int64)
        self.num_not_tokenized = np.zeros(2, np.int64)
        self.script_counts = {side: dict.fromkeys(TextFlags, 0) for side in SIDES}

    def update(self, chunk: Chunk) -> None:
        """Counts the pairs of a chunk."""
        for index, lengths in enumerate((chunk.source_length, chunk.target_length)):
            is_tokenized = lengths != NOT_TOKENIZED
            self.length_histogram[index] += np.bincount(
                lengths[is_tokenized], minlength=MAX_TEXT_LENGTH + 1
            )
            self.num_not_tokenized[index] += np.count_nonzero(~is_tokenized)
        self.num_pairs += len(chunk)
        for side, flags in zip(SIDES, (chunk.prompt_flags, chunk.reply_flags)):
            for flag in TextFlags:
                self.script_counts[side][flag] += int(np.count_nonzero(flags & flag))
        self.num_echoes += int(np.count_nonzero(chunk.is_echo))

    def length_summary(self) -> dict:
        """Returns mean, median, percentiles and maximum of the lengths of each side [tokens]."""
        summary = {}
        for side, histogram in zip(SIDES, self.length_histogram):
            cumulative, lengths = np.cumsum(histogram), np.arange(len(histogram))
            total = cumulative[-1]
            summary[side] = {
                "mean": round(float(histogram @ lengths / max(total, 1)), 2),
                **{
                    name: int(np.searchsorted(cumulative, fraction * total))
                    for name, fraction in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
                },
                "max": int(np.flatnonzero(histogram)[-1]) if total else 0,
            }
        return summary


def count_tokens(chunk: Chunk, is_counted: np.ndarray) -> np.ndarray:
    """Counts each token of a chunk.

    Args:
        chunk: the chunk.
        is_counted: bool[pairs], the pairs that the vocabulary is built from.

    Returns:
        int64[tokens, 4], without the special tokens: counts in all prompts, all replies, counted
        prompts and counted replies.
    """
    columns = []
    for weights in (np.ones(len(chunk)), is_counted):
        for ids, lengths in chunk.sides:
            counts = np.bincount(ids, np.repeat(weights, lengths), minlength=len(chunk.tokens))
            columns.append(counts.astype(np.int64))
    return np.stack(columns, axis=1)[len(SPECIALS) :]


class OovReplyCounter:
    """Counts the replies with an OOV token for several vocabulary sizes.

    Args:
        tokens: tokens of the replies, most frequent first.
        vocabulary_sizes: sizes of the vocabularies, special tokens included.
    """

    def __init__(self, tokens: Sequence[str], vocabulary_sizes: Sequence[int]):
        self._vocabulary_sizes = vocabulary_sizes
        self._num_tokens = np.array(vocabulary_sizes) - len(SPECIALS)
        self._max_rank = max(self._num_tokens)
        self._ranks = {token: rank for rank, token in enumerate(tokens[: self._max_rank])}
        self._counts = np.zeros(len(vocabulary_sizes), np.int64)

    def update(self, chunk: Chunk) -> None:
        """Counts the replies of a chunk."""
        ids, lengths = chunk.sides[1]
        if not len(ids):
            return
        ranks = np.array([self._ranks.get(token, self._max_rank) for token in chunk.tokens])
        nonzero_lengths = lengths[lengths > 0]
        starts = np.cumsum(nonzero_lengths) - nonzero_lengths
        rarest_ranks = np.maximum.reduceat(ranks[ids], starts)
        self._counts += (rarest_ranks[:, None] >= self._num_tokens).sum(axis=0)

    def by_size(self) -> dict[int, int]:
        """Maps the size of each vocabulary to the number of replies."""
        return dict(zip(self._vocabulary_sizes, self._counts.tolist()))


def vocabulary_weights(is_shared: bool, first_column: int) -> np.ndarray:
    """Returns int64[vocabularies, 4], the weights of the columns of `count_tokens`.

    Args:
        is_shared: whether both sides share a vocabulary.
        first_column: column of the prompts; the column of the replies comes next.
    """
    weights = np.eye(4, dtype=np.int64)[first_column : first_column + 2]
    return weights.sum(axis=0, keepdims=True) if is_shared else weights


def corpus_statistics(
    counter: CorpusCounter,
    num_too_long: int,
    duplicates: DuplicateStats,
    token_counter: LossyCounter,
    frequent_tokens: list[tuple[list[str], np.ndarray]],
    oov_replies: dict[int, int],
    most_common_replies: list[str],
) -> dict:
    """Returns all statistics of a corpus as JSON-serializable values.

    Fractions are between 0 and 1.

    Args:
        counter: counts of all chunks.
        num_too_long: number of pairs that exceed a maximum length.
        duplicates: counts of duplicates over all pairs.
        token_counter: sums of `count_tokens` over all chunks.
        frequent_tokens: for each vocabulary, the most frequent tokens and their counts.
        oov_replies: number of replies with an OOV token, by vocabulary size.
        most_common_replies: the texts of the most common replies.
    """
    num_pairs = counter.num_pairs
    return {
        "num_pairs": num_pairs,
        "lengths": counter.length_summary(),
        "too_long": _count_and_fraction(num_too_long, num_pairs),
        "not_tokenized": {
            side: _count_and_fraction(count, num_pairs)
            for side, count in zip(SIDES, counter.num_not_tokenized)
        },
        "empty_replies": _count_and_fraction(counter.length_histogram[1, 0], num_pairs),
        "vocabulary": _vocabulary_coverage(token_counter, frequent_tokens, oov_replies, num_pairs),
        "max_count_error": token_counter.max_error,
        "duplicates": _count_and_fraction(duplicates.num_duplicates, num_pairs),
        "echoes": _count_and_fraction(counter.num_echoes, num_pairs),
        "prompts": {
            "distinct": duplicates.num_distinct_prompts,
            "ambiguous": duplicates.num_ambiguous_prompts,
            "ambiguous_pairs": _count_and_fraction(duplicates.num_ambiguous_pairs, num_pairs),
        },
        "replies": {
            "distinct": duplicates.num_distinct_replies,
            "most_common": [
                {"reply": text, **_count_and_fraction(count, num_pairs)}
                for text, (count, _) in zip(most_common_replies, duplicates.most_common)
            ],
        },
        "scripts": {
            side: {
                flag.name.lower(): _count_and_fraction(count, num_pairs)
                for flag, count in counter.script_counts[side].items()
            }
            for side in SIDES
        },
    }


def _vocabulary_coverage(
    token_counter: LossyCounter,
    frequent_tokens: list[tuple[list[str], np.ndarray]],
    oov_replies: dict[int, int],
    num_pairs: int,
) -> dict:
    coverage = {}
    for size, num_replies in oov_replies.items():
        num_tokens = size - len(SPECIALS)
        oov_rates = {}
        for column, side in enumerate(SIDES):
            _, counts = frequent_tokens[min(column, len(frequent_tokens) - 1)]
            total = token_counter.totals[column]
            oov_rates[side] = _fraction(total - counts[:num_tokens, column].sum(), total)
        coverage[str(size)] = {
            "oov_rate": oov_rates,
            "replies_with_oov": _count_and_fraction(num_replies, num_pairs),
        }
    return coverage


def _count_and_fraction(count: int, num_pairs: int) -> dict:
    return {"count": int(count), "fraction": _fraction(count, num_pairs)}


def _fraction(count, total) -> float:
    return round(int(count) / max(int(total), 1), 6)
