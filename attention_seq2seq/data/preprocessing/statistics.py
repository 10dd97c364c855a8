"""What a corpus is like: numbers, and what of them should worry whoever trains on it."""

import numpy as np

from attention_seq2seq.data.preprocessing.duplicates import Repeats
from attention_seq2seq.data.preprocessing.lossy_counter import WordCounts
from attention_seq2seq.data.preprocessing.scripts import Mark
from attention_seq2seq.data.preprocessing.survey import SIDES, Survey
from attention_seq2seq.text.vocabulary import SPECIALS

VOCABULARY_SIZES = (2000, 4000, 8000, 16000, 32000)


def examination(
    survey: Survey,
    repeats: Repeats,
    counts: WordCounts,
    ordered: list[tuple],
    unknown_replies: dict[int, int],
    commonest: list[str],
) -> dict:
    """Everything that was counted, under names that explain themselves; shares are of 1.

    Args:
        survey: of all chunks.
        repeats: of all pairs.
        counts: of the words, see `column_counts`.
        ordered: the words, see `ordered_words`.
        unknown_replies: size of a vocabulary to the number of replies with a word unknown to it.
        commonest: the texts of the commonest replies.
    """
    num_pairs = survey.num_pairs
    return {
        "pairs": num_pairs,
        "lengths in words": survey.length_summary(),
        "too long": _counted(survey.too_long, num_pairs),
        "too long to be cut": {
            side: _counted(count, num_pairs) for side, count in zip(SIDES, survey.uncut)
        },
        "replies without words": _counted(survey.wordless, num_pairs),
        "vocabulary": _vocabulary(counts, ordered, unknown_replies, num_pairs),
        "word counts too low by at most": counts.error,
        "duplicates": _counted(repeats.duplicates, num_pairs),
        "echoes": _counted(survey.echoes, num_pairs),
        "prompts": {
            "different": repeats.distinct_prompts,
            "with several replies": repeats.ambiguous_prompts,
            "pairs of these": _counted(repeats.ambiguous_pairs, num_pairs),
        },
        "replies": {
            "different": repeats.distinct_replies,
            "commonest": [
                {"reply": text, **_counted(count, num_pairs)}
                for text, (count, _) in zip(commonest, repeats.commonest)
            ],
        },
        "writing": {
            side: {
                name: _counted(survey.marks[side][mark], num_pairs)
                for name, mark in (
                    ("traditional", Mark.TRADITIONAL),
                    ("simplified", Mark.SIMPLIFIED),
                    ("not Chinese", Mark.NOT_CHINESE),
                    ("suspected mojibake", Mark.MOJIBAKE),
                )
            }
            for side in SIDES
        },
    }


def ordered_words(counts: WordCounts, shared: bool, first: int, most: int) -> list[tuple]:
    """Words of the prompts and of the replies, the most frequent first, with all their counts.

    Args:
        counts: see `column_counts`.
        shared: whether both have one vocabulary.
        first: the column of the prompts; that of the replies comes next.
        most: as many words are asked for.
    """
    weights = np.eye(4, dtype=np.int64)[first : first + 2]
    if shared:
        return [counts.ordered(weights.sum(axis=0), most)] * 2
    return [counts.ordered(own, most) for own in weights]


def _vocabulary(counts: WordCounts, ordered, unknown_replies, num_pairs: int) -> dict:
    result = {}
    for size, num_replies in unknown_replies.items():
        num_known = size - len(SPECIALS)
        shares = {
            f"unknown words of {side}": _share(
                counts.totals[column] - known[:num_known, column].sum(), counts.totals[column]
            )
            for column, (side, (_, known)) in enumerate(zip(SIDES, ordered))
        }
        replies = _counted(num_replies, num_pairs)
        result[str(size)] = {**shares, "replies with an unknown word": replies}
    return result


def _counted(count: int, num_pairs: int) -> dict:
    return {"count": int(count), "share": _share(count, num_pairs)}


def _share(count, total) -> float:
    return round(int(count) / max(int(total), 1), 6)
