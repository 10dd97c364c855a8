"""Vocabulary: maps tokens to ids, and ids to tokens."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attention_seq2seq.utils.files import write_text

PAD, BOS, EOS, UNK, TURN = range(5)
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>", "<turn>")


class Vocabulary:
    """Immutable list of tokens. The index of a token is its id.

    The first five ids are special: padding (0), beginning of a reply, end of a reply, unknown
    token, and separator of turns. Only these ids represent special tokens. A corpus token spelled
    `<eos>` is an ordinary token.

    Args:
        tokens: the tokens in order, without special tokens.

    Raises:
        ValueError: a token occurs twice.

    Example:
        >>> vocabulary = Vocabulary(["吃", "什么"])
        >>> vocabulary.ids(["吃", "什么", "火锅"])
        [5, 6, 3]
        >>> vocabulary.tokens([5, 3])
        ['吃', '<unk>']
    """

    def __init__(self, tokens: Iterable[str]):
        self._tokens = SPECIALS + tuple(tokens)
        self._ids = {token: i for i, token in enumerate(self._tokens) if i >= len(SPECIALS)}
        if len(self._ids) != len(self._tokens) - len(SPECIALS):
            counts = Counter(self._tokens[len(SPECIALS) :])
            raise ValueError(
                f"Token {counts.most_common(1)[0][0]!r} occurs twice; expected distinct tokens."
            )

    @classmethod
    def build(
        cls,
        texts: Iterable[Sequence[str]],
        max_size: int,
        min_count: int = 1,
        base: "Vocabulary | None" = None,
    ) -> "Vocabulary":
        """Builds a vocabulary of the most frequent tokens, regardless of the order of the texts.

        Args:
            texts: the tokens of each text.
            max_size: maximum number of tokens of the texts, special tokens included.
            min_count: minimum count of a token.
            base: a vocabulary whose tokens keep their ids. Other tokens of the texts follow. The
                result may be larger than `max_size`, which does not limit the tokens of `base`.
        """
        counts = Counter(token for text in texts for token in text)
        frequent = most_common(counts, min_count)
        return cls(frequent[: max_size - len(SPECIALS)]).extend(base)

    def extend(self, base: "Vocabulary | None") -> "Vocabulary":
        """Returns a vocabulary with the tokens of `base`, then the other tokens of this one."""
        if base is None:
            return self
        ordinary = slice(len(SPECIALS), None)
        return Vocabulary(dict.fromkeys(base._tokens[ordinary] + self._tokens[ordinary]))

    def __len__(self) -> int:
        return len(self._tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(self._tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def contains_all(self, tokens: Iterable[str]) -> bool:
        """Returns whether all tokens are in the vocabulary."""
        return all(map(self._ids.__contains__, tokens))

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """Returns the ids of tokens. OOV tokens have the id of the unknown token."""
        return [self._ids.get(token, UNK) for token in tokens]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Returns the tokens of ids."""
        return [self._tokens[i] for i in ids]

    def save(self, path: str | Path) -> None:
        """Writes one token per line in the order of ids. Line breaks and quotes are escaped."""
        write_text(Path(path), "".join(f"{_escape(token)}\n" for token in self._tokens))

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Reads a file written by `save`.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is not a vocabulary.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: training did not finish, or the file was removed. Train the "
                "model again."
            )
        tokens = []
        for line_number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
            try:
                tokens.append(_unescape(line))
            except ValueError:
                raise ValueError(
                    f"{path}, line {line_number}: expected one token per line, as written by "
                    "Vocabulary.save. Train the model again."
                ) from None
        if tuple(tokens[: len(SPECIALS)]) != SPECIALS:
            raise ValueError(
                f"{path}: expected the lines {', '.join(SPECIALS)} first. Train the model again."
            )
        return cls(tokens[len(SPECIALS) :])


def most_common(counts: Mapping[str, int], min_count: int = 1) -> list[str]:
    """Returns the tokens that occur `min_count` times or more, most frequent first."""
    tokens = [token for token, count in counts.items() if count >= min_count]
    return sorted(tokens, key=lambda token: (-counts[token], token))


def _escape(token: str) -> str:
    quoted = json.dumps(token, ensure_ascii=False)[1:-1]
    return re.sub("[\ud800-\udfff]", lambda surrogate: f"\\u{ord(surrogate[0]):04x}", quoted)


def _unescape(line: bytes) -> str:
    return json.loads(f'"{line.decode("utf-8")}"')
