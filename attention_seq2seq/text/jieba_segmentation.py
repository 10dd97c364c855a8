"""jieba's word segmentation in linear time and without global state.

The dictionary and the tables of the hidden Markov model are those of jieba. Both algorithms are
reimplemented for two reasons. jieba stores words that must be split in a global set, which is
shared by all users of jieba in a process. And jieba copies a path for each character.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from attention_seq2seq.text.jieba_dictionary import (
    JiebaDictionary,
    import_jieba,
    max_probability_segmentation,
    segment_without_hmm,
    split_blocks,
)

_CHINESE = re.compile("([\u4e00-\u9fd5]+)")
# Among equally probable states, jieba chooses the last in this order.
HMM_STATES = "BEMS"
# The two states that can precede each state.
PREVIOUS_HMM_STATES = {"B": "ES", "E": "BM", "M": "BM", "S": "ES"}
_NUMBERS = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")


def segment(text: str, dictionary: JiebaDictionary, hmm: bool = True) -> list[str]:
    r"""Segments a text into words, whitespace included, as `jieba.lcut(text, HMM=hmm)`.

    The time is linear in the length of the text.

    Args:
        text: any string; `\r\n` is one word.
        dictionary: the dictionary.
        hmm: whether a hidden Markov model finds words that are not in the dictionary.

    Example:
        >>> segment("今天晚上吃什么", JiebaDictionary())
        ['今天', '晚上', '吃', '什么']
    """
    if not hmm:
        return segment_without_hmm(text, dictionary)
    words = []
    for piece, is_block in split_blocks(text):
        if is_block:
            block_words = max_probability_segmentation(piece, dictionary)
            words += _resegment_single_characters(block_words, dictionary)
        else:
            words.append(piece)
    return words


def _resegment_single_characters(
    words: Iterator[str], dictionary: JiebaDictionary
) -> Iterator[str]:
    """Segments runs of single characters again, unless a run is a word of the dictionary."""
    for is_single, group in groupby(words, lambda word: len(word) == 1):
        run = list(group)
        # A word of the dictionary that is not the most probable segmentation stays split.
        if is_single and len(run) > 1 and not dictionary.count("".join(run)):
            yield from _segment_run("".join(run), dictionary)
        else:
            yield from run


def _segment_run(text: str, dictionary: JiebaDictionary) -> Iterator[str]:
    for index, part in enumerate(_CHINESE.split(text)):
        if index % 2 == 0:
            yield from filter(None, _NUMBERS.split(part))
            continue
        for word in _viterbi_words(part):
            if word in dictionary.forced_splits:
                yield from word
            else:
                yield word


def _viterbi_words(text: str) -> Iterator[str]:
    """Yields the words of Chinese characters by the hidden Markov model.

    A character begins a word (B), ends a word (E), is in the middle (M) or single (S). The Viterbi
    algorithm finds the most probable states. Two states can precede each state. Among equally
    probable states, the last in the order B, E, M, S is chosen, as in jieba.
    """
    start, transition, emission, unknown = hmm_tables()
    (eb, sb), (be, me), (bm, mm), (es, ss) = transition
    b, e, m, s = map(sum, zip(start, emission.get(text[0], unknown)))
    # For each character, the best previous state of each of the states B, E, M, S.
    backpointers = [""]
    for character in text[1:]:
        to_b, to_e, to_m, to_s = emission.get(character, unknown)
        b_of_e, b_of_s = e + eb + to_b, s + sb + to_b
        e_of_b, e_of_m = b + be + to_e, m + me + to_e
        m_of_b, m_of_m = b + bm + to_m, m + mm + to_m
        s_of_e, s_of_s = e + es + to_s, s + ss + to_s
        backpointers.append(
            ("S" if b_of_s >= b_of_e else "E")
            + ("M" if e_of_m >= e_of_b else "B")
            + ("M" if m_of_m >= m_of_b else "B")
            + ("S" if s_of_s >= s_of_e else "E")
        )
        b, e = max(b_of_e, b_of_s), max(e_of_b, e_of_m)
        m, s = max(m_of_b, m_of_m), max(s_of_e, s_of_s)
    states = ["S" if s >= e else "E"]
    for previous_states in backpointers[:0:-1]:
        states.append(previous_states[HMM_STATES.index(states[-1])])
    word_start = 0
    for position, state in enumerate(reversed(states)):
        if state == "B":
            word_start = position
        elif state == "E":
            yield text[word_start : position + 1]
        elif state == "S":
            yield text[position]


@cache
def hmm_tables():
    """Returns jieba's log-probabilities, with states in the order of `HMM_STATES`.

    Returns:
        Four tables: start by state, transition by state and `PREVIOUS_HMM_STATES`, emission by
        character and state, and emission of unknown characters by state.
    """
    finalseg = import_jieba().finalseg
    min_log_prob = finalseg.MIN_FLOAT
    characters = set().union(*finalseg.emit_P.values())
    return (
        tuple(finalseg.start_P[state] for state in HMM_STATES),
        tuple(
            tuple(finalseg.trans_P[previous].get(state, min_log_prob) for previous in states)
            for state, states in PREVIOUS_HMM_STATES.items()
        ),
        {
            c: tuple(finalseg.emit_P[state].get(c, min_log_prob) for state in HMM_STATES)
            for c in characters
        },
        (min_log_prob,) * 4,
    )
