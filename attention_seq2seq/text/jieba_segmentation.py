"""jieba's word segmentation, computed here: same words, linear time, no state of the process.

The dictionary and the tables of the hidden Markov model are jieba's. The two algorithms that read
them are written anew, because jieba keeps words that must be split in a global set, which every
other user of jieba in the process changes, and copies a path at each character.
"""

import re
from collections.abc import Iterator
from functools import cache

from attention_seq2seq.text.jieba_dictionary import (
    JiebaDictionary,
    import_jieba,
    most_probable,
    pieces,
    without_guessing,
)

_CHINESE = re.compile("([\u4e00-\u9fd5]+)")
_NUMBERS = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")


def segment(text: str, dictionary: JiebaDictionary, hmm: bool = True) -> list[str]:
    r"""The words of a text, blanks included: equal to `jieba.lcut(text, HMM=hmm)`.

    Takes time linear in the length of the text.

    Args:
        text: any string; `\r\n` is one word.
        dictionary: the words.
        hmm: whether words that the dictionary lacks are guessed.

    Example:
        >>> segment("今天晚上吃什么", JiebaDictionary())
        ['今天', '晚上', '吃', '什么']
    """
    if not hmm:
        return without_guessing(text, dictionary)
    words = []
    for piece, is_block in pieces(text):
        words += (
            _with_guesses(most_probable(piece, dictionary), dictionary) if is_block else [piece]
        )
    return words


def _with_guesses(words: Iterator[str], dictionary: JiebaDictionary) -> Iterator[str]:
    """Runs of single characters are looked at again, unless a run is a word itself."""
    run: list[str] = []

    def guessed() -> Iterator[str]:
        text = "".join(run)
        # A word that is not probable enough to be one stays split.
        return iter(run[:]) if len(run) < 2 or dictionary.count(text) else _guess(text, dictionary)

    for word in words:
        if len(word) == 1:
            run.append(word)
            continue
        yield from guessed()
        run.clear()
        yield word
    yield from guessed()


def _guess(text: str, dictionary: JiebaDictionary) -> Iterator[str]:
    for number, piece in enumerate(_CHINESE.split(text)):
        if number % 2 == 0:
            yield from filter(None, _NUMBERS.split(piece))
            continue
        for word in _guess_chinese(piece):
            if word in dictionary.forced_splits:
                yield from word
            else:
                yield word


def _guess_chinese(text: str) -> Iterator[str]:
    """Words by the hidden Markov model: a character begins a word, ends one, is inside or single.

    The most probable states are found by the Viterbi algorithm. Each state has two states that can
    stand before it, and of equal ones the last in the order B, E, M, S counts, as in jieba.
    """
    start, transition, emissions, unknown = _hidden_markov_model()
    (eb, sb), (be, me), (bm, mm), (es, ss) = transition
    b, e, m, s = map(sum, zip(start, emissions.get(text[0], unknown)))
    # Of each character the states of the one before, for each state that it may have itself.
    before = [""]
    for character in text[1:]:
        to_b, to_e, to_m, to_s = emissions.get(character, unknown)
        b_of_e, b_of_s = e + eb + to_b, s + sb + to_b
        e_of_b, e_of_m = b + be + to_e, m + me + to_e
        m_of_b, m_of_m = b + bm + to_m, m + mm + to_m
        s_of_e, s_of_s = e + es + to_s, s + ss + to_s
        before.append(
            ("S" if b_of_s >= b_of_e else "E")
            + ("M" if e_of_m >= e_of_b else "B")
            + ("M" if m_of_m >= m_of_b else "B")
            + ("S" if s_of_s >= s_of_e else "E")
        )
        b, e = max(b_of_e, b_of_s), max(e_of_b, e_of_m)
        m, s = max(m_of_b, m_of_m), max(s_of_e, s_of_s)
    states = ["S" if s >= e else "E"]
    for choices in before[:0:-1]:
        states.append(choices["BEMS".index(states[-1])])
    begin = 0
    for place, state in enumerate(reversed(states)):
        if state == "B":
            begin = place
        elif state == "E":
            yield text[begin : place + 1]
        elif state == "S":
            yield text[place]


@cache
def _hidden_markov_model():
    """Jieba's log-probabilities, states in the order B, E, M, S.

    Returns:
        Of the first character, of each state the transitions from the two that can stand before it,
        of each character, and of a character that is not in the tables.
    """
    finalseg = import_jieba().finalseg
    never = finalseg.MIN_FLOAT
    pairs = ("EB", "SB"), ("BE", "ME"), ("BM", "MM"), ("ES", "SS")
    characters = set().union(*finalseg.emit_P.values())
    return (
        tuple(finalseg.start_P[state] for state in "BEMS"),
        tuple(tuple(finalseg.trans_P[a].get(b, never) for a, b in two) for two in pairs),
        {c: tuple(finalseg.emit_P[state].get(c, never) for state in "BEMS") for c in characters},
        (never,) * 4,
    )
