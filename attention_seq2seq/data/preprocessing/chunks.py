"""A corpus in chunks: some thousands of consecutive pairs, cut into words once and kept on disk."""

import dataclasses
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.preprocessing.scripts import marks_of
from attention_seq2seq.text.tokenizer import PairTokenizer, num_truncated_turns
from attention_seq2seq.text.vocabulary import SPECIALS, TURN, UNK
from attention_seq2seq.utils.files import whole_file

# A chunk has at most so many pairs, and begins no further pair after so many characters.
PAIRS_A_CHUNK = 10_000
CHARACTERS_A_CHUNK = 1 << 24

# A longer text is not cut into words: whatever they were, they would be too many.
LONGEST_TEXT = 1 << 16
TOO_LONG = np.iinfo(np.int32).max


def in_chunks(pairs: Iterable[Pair], num_pairs: int = PAIRS_A_CHUNK) -> Iterator[list[Pair]]:
    """Consecutive pairs as lists; where a list ends depends on the pairs alone."""
    chunk, num_characters = [], 0
    for pair in pairs:
        chunk.append(pair)
        num_characters += len(pair.prompt) + len(pair.reply)
        if len(chunk) == num_pairs or num_characters >= CHARACTERS_A_CHUNK:
            yield chunk
            chunk, num_characters = [], 0
    if chunk:
        yield chunk


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Pairs that are cut into words.

    A word's place in `words` is its id within the chunk; the special words come first, as in a
    vocabulary. Rows of ids lie one after the other, as the lengths tell.

    Attributes:
        words: the special words, then each word of the chunk once.
        source_ids: int32[source words], the prompts with all their turns.
        source_length: int32[pairs]; `TOO_LONG` for a text that was not cut, which has no ids.
        unread: int32[pairs], how many of a prompt's first ids are left out, so that its last
            turns have the length asked for.
        target_ids: int32[target words], the replies, without an end.
        target_length: int32[pairs]
        prompt_hash, reply_hash: uint64[pairs], of the words.
        echo: bool[pairs], whether the reply is the last turn of the prompt.
        prompt_marks, reply_marks: uint8[pairs], see `Mark`.
        conversation: int64[pairs]
    """

    words: list[str]
    source_ids: np.ndarray
    source_length: np.ndarray
    unread: np.ndarray
    target_ids: np.ndarray
    target_length: np.ndarray
    prompt_hash: np.ndarray
    reply_hash: np.ndarray
    echo: np.ndarray
    prompt_marks: np.ndarray
    reply_marks: np.ndarray
    conversation: np.ndarray

    def __len__(self) -> int:
        return len(self.conversation)

    @property
    def sides(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Of prompts and of replies: the ids, and how many of them each row has."""
        return tuple(
            (ids, np.where(lengths == TOO_LONG, 0, lengths))
            for ids, lengths in (
                (self.source_ids, self.source_length),
                (self.target_ids, self.target_length),
            )
        )

    def reply_words(self, row: int) -> list[str]:
        """The words of a reply."""
        ids, lengths = self.sides[1]
        end = int(lengths[: row + 1].sum())
        return [self.words[i] for i in ids[end - lengths[row] : end]]

    def save(self, path: Path) -> None:
        """Writes it as a whole or not at all."""
        arrays = {**vars(self), "words": _as_bytes(self.words)}
        archive = io.BytesIO()
        np.savez(archive, **arrays)
        with whole_file(path) as file:
            file.write(archive.getbuffer())

    @classmethod
    def load(cls, path: Path) -> "Chunk":
        """Reads what `save` wrote.

        Raises:
            ValueError: the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file) as archive:
                arrays = {field.name: archive[field.name] for field in dataclasses.fields(cls)}
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} is damaged ({error}). Remove it and run again.") from None
        return cls(**{**arrays, "words": arrays["words"].tobytes().decode().split("\n")})


def _as_bytes(words: list[str]) -> np.ndarray:
    # No normalised word has a line break in it.
    return np.frombuffer("\n".join(words).encode(), np.uint8)


class _Words(dict):
    """Words to ids within a chunk: the next free one for a new word."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(SPECIALS) + len(self)
        return number


def cut(pairs: Sequence[Pair], tokenizer: PairTokenizer, max_source_length: int) -> Chunk:
    """Cuts pairs into words.

    Args:
        pairs: with the turns before in their prompts, see `prepend_context`.
        tokenizer: normalizes and segments.
        max_source_length: words; earlier turns of a prompt that is longer are marked as unread.
    """
    words = _Words()
    rows = [_cut_pair(pair, tokenizer, words, max_source_length) for pair in pairs]
    columns = dict(zip(_Row._fields, zip(*rows)))
    for side in ("source", "target"):
        columns[f"{side}_ids"] = list(chain.from_iterable(columns[f"{side}_ids"]))
    arrays = {name: np.array(column, _DTYPES[name]) for name, column in columns.items()}
    return Chunk([*SPECIALS, *words], **arrays)


class _Row(NamedTuple):
    """What a chunk holds of one pair, under the same names."""

    source_ids: list[int]
    source_length: int
    unread: int
    target_ids: list[int]
    target_length: int
    prompt_hash: int
    reply_hash: int
    echo: bool
    prompt_marks: int
    reply_marks: int
    conversation: int


_DTYPES = {
    **dict.fromkeys(("source_ids", "source_length", "unread"), np.int32),
    **dict.fromkeys(("target_ids", "target_length"), np.int32),
    **dict.fromkeys(("prompt_hash", "reply_hash"), np.uint64),
    **dict.fromkeys(("prompt_marks", "reply_marks"), np.uint8),
    "echo": np.bool_,
    "conversation": np.int64,
}


def _cut_pair(pair: Pair, tokenizer: PairTokenizer, words: _Words, max_source_length: int) -> _Row:
    source_ids, source_length, unread = [], TOO_LONG, 0
    target_ids, target_length = [], TOO_LONG
    prompt = _without_endless_turns(pair.prompt) if tokenizer.config.context_turns else pair.prompt
    if len(prompt) > LONGEST_TEXT:
        turns = [[prompt]]
    else:
        turns = tokenizer.tokenize_turns(prompt)
        for turn in turns:
            source_ids += [TURN] if source_ids else []
            source_ids += [words[word] for word in turn]
        source_ids = source_ids or [UNK]
        source_length = len(source_ids)
        unread = sum(
            len(turn) + 1 for turn in turns[: num_truncated_turns(turns, max_source_length)]
        )
    if len(pair.reply) > LONGEST_TEXT:
        reply = [pair.reply]
    else:
        reply = tokenizer.target.tokenize(pair.reply)
        target_ids = [words[word] for word in reply]
        target_length = len(target_ids)
    return _Row(
        source_ids,
        source_length,
        unread,
        target_ids,
        target_length,
        _hash("\n\n".join("\n".join(turn) for turn in turns)),
        _hash("\n".join(reply)),
        turns[-1:] == [reply],
        marks_of(pair.prompt[:LONGEST_TEXT]),
        marks_of(pair.reply[:LONGEST_TEXT]),
        pair.conversation,
    )


def _without_endless_turns(prompt: str) -> str:
    """A prompt without an earlier turn that is too long to be cut, nor what stood before it."""
    while len(prompt) > LONGEST_TEXT and "\n" in prompt:
        prompt = prompt.partition("\n")[2]
    return prompt


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
