"""Corpus files to chunks on the disk, by several processes; what is there is not made again."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from attention_seq2seq.config.config import TextConfig
from attention_seq2seq.data.pairs import Pair, prepend_context
from attention_seq2seq.data.preprocessing.chunks import PAIRS_A_CHUNK, cut, in_chunks
from attention_seq2seq.data.readers import CorpusReader
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.utils.parallel import in_parallel
from attention_seq2seq.utils.progress import reach, stage


class Corpus(NamedTuple):
    """A corpus that lies in chunks.

    Attributes:
        chunks: their paths, in order.
        sizes: how many pairs each has.
        num_conversations: in all of them.
        skipped: how often which kind of bad line was left out.
    """

    chunks: Sequence[Path]
    sizes: Sequence[int]
    num_conversations: int
    skipped: Counter

    @property
    def num_pairs(self) -> int:
        """The pairs of all chunks."""
        return sum(self.sizes)


class Cutting(NamedTuple):
    """How pairs are cut; the same in every process.

    Attributes:
        text: how texts are cut.
        user_words: lines of the jieba user dictionary.
        max_source_length: words; see `chunks.cut`.
    """

    text: TextConfig
    user_words: tuple[str, ...]
    max_source_length: int


class _Counted:
    """Chunks of pairs as they are read, and what was read so far."""

    def __init__(self, reader: CorpusReader, context_turns: int, folder: Path, num_pairs: int):
        self.reader = reader
        self._chunks = in_chunks(prepend_context(reader, context_turns), num_pairs)
        self._folder = folder
        self.paths: list[Path] = []
        self.sizes: list[int] = []
        self.num_conversations = 0

    def __iter__(self) -> Iterator[tuple[Path, list[Pair]]]:
        for pairs in self._chunks:
            path = self._folder / f"{len(self.paths):06}.npz"
            self.paths.append(path)
            self.sizes.append(len(pairs))
            self.num_conversations = pairs[-1].conversation + 1
            yield path, pairs


def cut_corpus(
    paths: Sequence[str],
    skip_bad_lines: bool,
    cutting: Cutting,
    folder: Path,
    num_processes: int,
    progress: bool,
    pairs_a_chunk: int = PAIRS_A_CHUNK,
    share: int = 0,
    shares: int = 1,
) -> Corpus:
    """Cuts all pairs of some corpora into words.

    Args:
        paths: the corpus files.
        skip_bad_lines: see `PairReader`.
        cutting: how.
        folder: of the chunks; those in it are whole, and of the same corpora cut the same way.
        num_processes: how many work at once.
        progress: whether to show how far it is.
        pairs_a_chunk: the pairs of a chunk.
        share: which chunks are cut: every so many, from this number on.
        shares: how many.

    Raises:
        ValueError: a bad line, or a file without any pair.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reader = CorpusReader(paths, skip_bad_lines)
    chunks = _Counted(reader, cutting.text.context_turns, folder, pairs_a_chunk)
    num_bytes = sum(Path(path).stat().st_size for path in paths)
    with stage("cutting", num_bytes, "B", progress) as bar:
        positions = deque()

        def missing():
            for number, (path, pairs) in enumerate(chunks):
                if path.is_file() or number % shares != share:
                    reach(bar, reader.position)
                else:
                    positions.append(reader.position)
                    yield cutting, pairs, path

        for _ in in_parallel(_cut_to, missing(), num_processes):
            reach(bar, positions.popleft())
        reach(bar, num_bytes)
    return Corpus(chunks.paths, chunks.sizes, chunks.num_conversations, reader.skipped_lines)


def _cut_to(cutting: Cutting, pairs: list[Pair], path: Path) -> None:
    tokenizer = _pair_tokenizer(cutting.text, cutting.user_words)
    cut(pairs, tokenizer, cutting.max_source_length).save(path)


@cache
def _pair_tokenizer(text: TextConfig, user_words: tuple[str, ...]) -> PairTokenizer:
    return PairTokenizer(text, user_words)
