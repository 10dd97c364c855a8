"""Words and their ids."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from attention_seq2seq.utils.files import whole_file

PAD, BOS, EOS, UNK, TURN = range(5)
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>", "<turn>")


class Vocabulary:
    """An immutable list of words; a word's place in it is its id.

    The first five ids are special: padding 0, begin of a reply, end of a reply, an unknown word,
    and the border between two turns. They are reached by these ids only: a word of the corpus
    that happens to be spelled `<eos>` is a word like any other.

    Args:
        words: the words in order, without the special ones.

    Raises:
        ValueError: a word stands twice.

    Example:
        >>> vocabulary = Vocabulary(["吃", "什么"])
        >>> vocabulary.ids(["吃", "什么", "火锅"])
        [5, 6, 3]
        >>> vocabulary.words([5, 3])
        ['吃', '<unk>']
    """

    def __init__(self, words: Iterable[str]):
        self._words = SPECIALS + tuple(words)
        self._ids = {word: i for i, word in enumerate(self._words) if i >= len(SPECIALS)}
        if len(self._ids) != len(self._words) - len(SPECIALS):
            counts = Counter(self._words[len(SPECIALS) :])
            raise ValueError(f"the word {counts.most_common(1)[0][0]!r} stands twice.")

    @classmethod
    def build(
        cls,
        texts: Iterable[Sequence[str]],
        max_size: int,
        min_count: int = 1,
        known: "Vocabulary | None" = None,
    ) -> "Vocabulary":
        """The most frequent words of segmented texts; the order of the texts has no influence.

        Args:
            texts: the words of each text.
            max_size: the largest size of the vocabulary, the special ones included.
            min_count: words that occur less often are left out.
            known: a vocabulary whose words are all kept, with their ids. Those of the texts that
                it lacks come after them, and make it larger than `max_size`: words of the texts
                must not be unknown because others are known.
        """
        counts = Counter(word for text in texts for word in text)
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        frequent = [word for word in ordered if counts[word] >= min_count]
        first = dict.fromkeys(known._words[len(SPECIALS) :] if known else ())
        return cls(first | dict.fromkeys(frequent[: max_size - len(SPECIALS)]))

    def __len__(self) -> int:
        return len(self._words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._words == other._words

    def __hash__(self) -> int:
        return hash(self._words)

    def ids(self, words: Iterable[str]) -> list[int]:
        """The ids of words; those not in here get the id of the unknown word."""
        return [self._ids.get(word, UNK) for word in words]

    def words(self, ids: Iterable[int]) -> list[str]:
        """The words of ids."""
        return [self._words[i] for i in ids]

    def save(self, path: str | Path) -> None:
        """Writes one word a line, in the order of the ids; line breaks and quotes escaped."""
        text = "".join(f"{_escape(word)}\n" for word in self._words)
        with whole_file(Path(path)) as file:
            file.write(text.encode())

    @classmethod
    def load(cls, path: str | Path) -> "Vocabulary":
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is no vocabulary, with the line.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: the vocabulary is missing; the training did not get that far, or the "
                "file was removed. Train the model again."
            )
        words = []
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
            try:
                words.append(_unescape(line))
            except ValueError:
                raise ValueError(
                    f"{path}, line {number}: not a word; expected one word a line as "
                    "Vocabulary.save writes them. Train the model again."
                ) from None
        if tuple(words[: len(SPECIALS)]) != SPECIALS:
            raise ValueError(
                f"{path}: expected the lines {', '.join(SPECIALS)} first. Train the model again."
            )
        return cls(words[len(SPECIALS) :])


def _escape(word: str) -> str:
    quoted = json.dumps(word, ensure_ascii=False)[1:-1]
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", quoted)


def _unescape(line: bytes) -> str:
    return json.loads(f'"{line.decode("utf-8")}"')
