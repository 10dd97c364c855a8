"""Tokenizes corpus files into chunks on disk, in parallel. Existing chunks are reused."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.pairs import Pair, prepend_context
from attention_seq2seq.data.preprocessing.chunks import (
    PAIRS_PER_CHUNK,
    iter_chunks,
    tokenize_chunk,
)
from attention_seq2seq.data.readers import CorpusReader
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.utils.parallel import parallel_map
from attention_seq2seq.utils.progress import advance_to, progress_bar


@dataclasses.dataclass
class TokenizedCorpus:
    """A corpus as chunks on disk.

    Attributes:
        skipped_lines: number of skipped lines by reason.
        chunk_paths: paths of the chunks, in order.
        chunk_sizes: number of pairs in each chunk.
        num_conversations: number of conversations in all chunks.
    """

    skipped_lines: Counter
    chunk_paths: list[Path] = dataclasses.field(default_factory=list)
    chunk_sizes: list[int] = dataclasses.field(default_factory=list)
    num_conversations: int = 0

    @property
    def num_pairs(self) -> int:
        """Number of pairs in all chunks."""
        return sum(self.chunk_sizes)


class TokenizerSpec(NamedTuple):
    """Picklable arguments from which every process builds the same tokenizer.

    Attributes:
        text: the options of the tokenizer.
        user_words: lines of the jieba user dictionary.
        max_source_length: maximum length of a prompt [tokens].
    """

    text: TextConfig
    user_words: tuple[str, ...]
    max_source_length: int


def tokenize_corpus(
    paths: Sequence[str],
    skip_bad_lines: bool,
    tokenizer_spec: TokenizerSpec,
    chunk_dir: Path,
    num_workers: int,
    progress: bool,
    pairs_per_chunk: int = PAIRS_PER_CHUNK,
) -> TokenizedCorpus:
    """Tokenizes all pairs of some corpora.

    Args:
        paths: the corpus files.
        skip_bad_lines: whether to skip and count malformed lines instead of raising an error.
        tokenizer_spec: arguments of the tokenizer.
        chunk_dir: directory of the chunks; existing chunks must have the same corpora and spec.
        num_workers: number of processes.
        progress: whether to show a progress bar.
        pairs_per_chunk: maximum number of pairs per chunk.

    Raises:
        ValueError: a line is unreadable, or a file has no pair.
    """
    chunk_dir.mkdir(parents=True, exist_ok=True)
    reader = CorpusReader(paths, skip_bad_lines)
    corpus = TokenizedCorpus(reader.skipped_lines)
    pairs_in_context = prepend_context(reader, tokenizer_spec.text.context_turns)
    num_bytes = sum(Path(path).stat().st_size for path in paths)
    with progress_bar("tokenizing", num_bytes, "B", progress) as bar:

        def missing_chunks() -> Iterator[tuple]:
            for pairs in iter_chunks(pairs_in_context, pairs_per_chunk):
                path = chunk_dir / f"{len(corpus.chunk_paths):06}.npz"
                corpus.chunk_paths.append(path)
                corpus.chunk_sizes.append(len(pairs))
                corpus.num_conversations = pairs[-1].conversation + 1
                if path.is_file():
                    advance_to(bar, reader.position)
                else:
                    yield tokenizer_spec, pairs, path, reader.position

        for position in parallel_map(_tokenize_and_save, missing_chunks(), num_workers):
            advance_to(bar, position)
        advance_to(bar, num_bytes)
    return corpus


def _tokenize_and_save(
    tokenizer_spec: TokenizerSpec, pairs: list[Pair], path: Path, position: int
) -> int:
    """Writes a chunk, and returns the position of the reader after its pairs."""
    pair_tokenizer = _pair_tokenizer(tokenizer_spec.text, tokenizer_spec.user_words)
    tokenize_chunk(pairs, pair_tokenizer, tokenizer_spec.max_source_length).save(path)
    return position


@cache
def _pair_tokenizer(text: TextConfig, user_words: tuple[str, ...]) -> PairTokenizer:
    return PairTokenizer(text, user_words)
