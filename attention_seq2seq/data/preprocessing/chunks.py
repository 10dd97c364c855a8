"""Chunks of a corpus: thousands of consecutive pairs, tokenized and stored on disk."""

import dataclasses
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import numpy as np

from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.preprocessing.text_flags import detect_text_flags
from attention_seq2seq.text.tokenizer import PairTokenizer, num_truncated_turns
from attention_seq2seq.text.vocabulary import SPECIALS, TURN, UNK
from attention_seq2seq.utils.files import atomic_write, npz_bytes

# A chunk ends when it reaches one of these limits.
PAIRS_PER_CHUNK = 10_000
CHARACTERS_PER_CHUNK = 1 << 24

# Longer texts are not tokenized, because they exceed any limit of tokens.
MAX_TEXT_LENGTH = 1 << 16
NOT_TOKENIZED = np.iinfo(np.int32).max


def iter_chunks(
    pairs: Iterable[Pair], pairs_per_chunk: int = PAIRS_PER_CHUNK
) -> Iterator[list[Pair]]:
    """Yields lists of consecutive pairs, whose boundaries depend only on the pairs."""
    chunk, num_characters = [], 0
    for pair in pairs:
        chunk.append(pair)
        num_characters += len(pair.prompt) + len(pair.reply)
        if len(chunk) == pairs_per_chunk or num_characters >= CHARACTERS_PER_CHUNK:
            yield chunk
            chunk, num_characters = [], 0
    if chunk:
        yield chunk


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Tokenized pairs.

    The id of a token within the chunk is its index in `tokens`. Special tokens come first, as in a
    vocabulary. The ids of all rows are concatenated; the lengths separate them.

    Attributes:
        tokens: the special tokens, then each token of the chunk once.
        source_ids: int32[source_tokens], the prompts with all their turns.
        source_length: int32[pairs], number of ids of each prompt; `NOT_TOKENIZED` for texts that
            are too long, which have no ids.
        num_truncated: int32[pairs], number of leading ids of each prompt to drop, so that the
            remaining turns are within the maximum length.
        target_ids: int32[target_tokens], the replies, without EOS.
        target_length: int32[pairs], number of ids of each reply, or `NOT_TOKENIZED`.
        prompt_hash, reply_hash: uint64[pairs], hashes of the tokens.
        is_echo: bool[pairs], whether the reply is the last turn of the prompt.
        prompt_flags, reply_flags: uint8[pairs], `TextFlags` of each text.
        conversation: int64[pairs], index of each pair's conversation.
    """

    tokens: list[str]
    source_ids: np.ndarray
    source_length: np.ndarray
    num_truncated: np.ndarray
    target_ids: np.ndarray
    target_length: np.ndarray
    prompt_hash: np.ndarray
    reply_hash: np.ndarray
    is_echo: np.ndarray
    prompt_flags: np.ndarray
    reply_flags: np.ndarray
    conversation: np.ndarray

    def __len__(self) -> int:
        return len(self.conversation)

    @property
    def sides(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Ids and lengths of the prompts, and of the replies."""
        return tuple(
            (ids, np.where(lengths == NOT_TOKENIZED, 0, lengths))
            for ids, lengths in (
                (self.source_ids, self.source_length),
                (self.target_ids, self.target_length),
            )
        )

    def reply_tokens(self, row: int) -> list[str]:
        """Returns the tokens of a reply."""
        ids, lengths = self.sides[1]
        end = int(lengths[: row + 1].sum())
        return [self.tokens[i] for i in ids[end - lengths[row] : end]]

    def save(self, path: Path) -> None:
        """Writes the chunk to a file atomically."""
        # Normalized tokens have no line breaks.
        tokens = np.frombuffer("\n".join(self.tokens).encode(), np.uint8)
        with atomic_write(path) as file:
            file.write(npz_bytes({**vars(self), "tokens": tokens}))

    @classmethod
    def load(cls, path: Path) -> "Chunk":
        """Reads a chunk written by `save`.

        Raises:
            ValueError: the file is damaged.
        """
        try:
            with path.open("rb") as file, np.load(file) as archive:
                arrays = {field.name: archive[field.name] for field in dataclasses.fields(cls)}
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path} is damaged ({error}). Remove it and run again.") from None
        return cls(**{**arrays, "tokens": arrays["tokens"].tobytes().decode().split("\n")})


class _TokenIds(dict):
    """Maps tokens to ids within a chunk. A new token gets the next free id."""

    def __missing__(self, token: str) -> int:
        self[token] = token_id = len(SPECIALS) + len(self)
        return token_id


def tokenize_chunk(
    pairs: Sequence[Pair], pair_tokenizer: PairTokenizer, max_source_length: int
) -> Chunk:
    """Tokenizes pairs.

    Args:
        pairs: pairs whose prompts start with the previous turns, one line per turn.
        pair_tokenizer: normalizes and segments texts.
        max_source_length: maximum length of a prompt [tokens]; first turns of longer prompts are
            counted in `num_truncated`.
    """
    token_ids = _TokenIds()
    rows = [_tokenize_pair(pair, pair_tokenizer, token_ids, max_source_length) for pair in pairs]
    columns = {name: [row[name] for row in rows] for name in _DTYPES}
    for name in ("source_ids", "target_ids"):
        columns[name] = list(chain.from_iterable(columns[name]))
    arrays = {name: np.array(column, _DTYPES[name]) for name, column in columns.items()}
    return Chunk([*SPECIALS, *token_ids], **arrays)


# Dtypes of the arrays of a chunk.
_DTYPES = {
    **dict.fromkeys(("source_ids", "source_length", "num_truncated"), np.int32),
    **dict.fromkeys(("target_ids", "target_length"), np.int32),
    **dict.fromkeys(("prompt_hash", "reply_hash"), np.uint64),
    **dict.fromkeys(("prompt_flags", "reply_flags"), np.uint8),
    "is_echo": np.bool_,
    "conversation": np.int64,
}


def _tokenize_pair(
    pair: Pair, pair_tokenizer: PairTokenizer, token_ids: _TokenIds, max_source_length: int
) -> dict[str, int | list[int]]:
    """Returns the row of a pair in each array of a chunk."""
    source_ids, source_length, num_truncated = [], NOT_TOKENIZED, 0
    target_ids, target_length = [], NOT_TOKENIZED
    has_context = pair_tokenizer.config.context_turns > 0
    prompt = _drop_overlong_turns(pair.prompt) if has_context else pair.prompt
    if len(prompt) > MAX_TEXT_LENGTH:
        turns = [[prompt]]
    else:
        turns = pair_tokenizer.tokenize_turns(prompt)
        for turn in turns:
            source_ids += [TURN] if source_ids else []
            source_ids += [token_ids[token] for token in turn]
        source_ids = source_ids or [UNK]
        source_length = len(source_ids)
        truncated_turns = turns[: num_truncated_turns(turns, max_source_length)]
        num_truncated = sum(len(turn) + 1 for turn in truncated_turns)
    if len(pair.reply) > MAX_TEXT_LENGTH:
        reply = [pair.reply]
    else:
        reply = pair_tokenizer.target.tokenize(pair.reply)
        target_ids = [token_ids[token] for token in reply]
        target_length = len(target_ids)
    return {
        "source_ids": source_ids,
        "source_length": source_length,
        "num_truncated": num_truncated,
        "target_ids": target_ids,
        "target_length": target_length,
        "prompt_hash": _hash_text("\n\n".join("\n".join(turn) for turn in turns)),
        "reply_hash": _hash_text("\n".join(reply)),
        "is_echo": turns[-1:] == [reply],
        "prompt_flags": detect_text_flags(pair.prompt[:MAX_TEXT_LENGTH]),
        "reply_flags": detect_text_flags(pair.reply[:MAX_TEXT_LENGTH]),
        "conversation": pair.conversation,
    }


def _drop_overlong_turns(prompt: str) -> str:
    """Drops the first turns until the remaining ones are short enough to tokenize."""
    while len(prompt) > MAX_TEXT_LENGTH and "\n" in prompt:
        prompt = prompt.partition("\n")[2]
    return prompt


def _hash_text(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
