"""Finds unusual statistics of a corpus that hurt training, and suggests remedies."""

from collections.abc import Iterator
from typing import NamedTuple

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.preprocessing.statistics import SIDES

# Minimum fractions at which an issue is reported: far above those of corpora that train good
# models, and far below those that spoil a model.
_MIN_COMMON_REPLY = 0.02
_MIN_DUPLICATES = 0.02
_MIN_ECHOES = 0.01
_MIN_EMPTY_REPLIES = 0.001
_MIN_TOO_LONG = 0.05
_MIN_OOV_RATE = 0.05
_MIN_AMBIGUOUS_PAIRS = 0.3
_MIN_MIXED_SCRIPTS = 0.005
_MIN_MIXED_LANGUAGES = 0.05
_MIN_MOJIBAKE = 0.001


class CorpusIssue(NamedTuple):
    """An issue of a corpus.

    Attributes:
        name: short name of the issue.
        message: the fraction of affected texts or pairs, and a remedy.
    """

    name: str
    message: str


def find_issues(statistics: dict, text: TextConfig) -> list[CorpusIssue]:
    """Returns the issues of a corpus.

    Args:
        statistics: the result of `corpus_statistics`, with an entry for the vocabulary size.
        text: the options of the vocabulary.
    """
    if not statistics["num_pairs"]:
        return []
    return [
        *_duplicate_issues(statistics),
        *_coverage_issues(statistics, text),
        *_script_issues(statistics["scripts"]),
    ]


def _duplicate_issues(statistics: dict) -> Iterator[CorpusIssue]:
    common = statistics["replies"]["most_common"][0]
    if common["fraction"] >= _MIN_COMMON_REPLY and common["count"] > 1:
        yield CorpusIssue(
            "common reply",
            f"{common['reply']!r} is the reply to {common['fraction']:.1%} of the prompts. "
            "Models learn to give this reply to any prompt. The filter 'common_replies' limits it.",
        )
    duplicates = statistics["duplicates"]["fraction"]
    if duplicates >= _MIN_DUPLICATES:
        yield CorpusIssue(
            "duplicates",
            f"{duplicates:.1%} of the pairs are repeated. The filter 'duplicates' keeps only the "
            "first occurrence.",
        )
    ambiguous = statistics["prompts"]["ambiguous_pairs"]["fraction"]
    if ambiguous >= _MIN_AMBIGUOUS_PAIRS:
        yield CorpusIssue(
            "several replies",
            f"{ambiguous:.1%} of the pairs have a prompt with several different replies. Models "
            "learn generic replies from them. Previous turns (context_turns) may help.",
        )
    echoes = statistics["echoes"]["fraction"]
    if echoes >= _MIN_ECHOES:
        yield CorpusIssue(
            "echoes",
            f"{echoes:.1%} of the replies repeat their prompt. The filter 'echoes' removes them.",
        )


def _coverage_issues(statistics: dict, text: TextConfig) -> Iterator[CorpusIssue]:
    empty_replies = statistics["empty_replies"]["fraction"]
    if empty_replies >= _MIN_EMPTY_REPLIES:
        yield CorpusIssue(
            "no words",
            f"{empty_replies:.1%} of the replies contain only invisible characters. These "
            "pairs are removed.",
        )
    too_long = statistics["too_long"]["fraction"]
    if too_long >= _MIN_TOO_LONG:
        yield CorpusIssue(
            "too long",
            f"{too_long:.1%} of the pairs are longer than max_source_length or "
            "max_target_length and are removed. A higher limit costs time and memory.",
        )
    oov_rate = max(statistics["vocabulary"][str(text.vocabulary_size)]["oov_rate"].values())
    if oov_rate >= _MIN_OOV_RATE and text.oov == "unk":
        yield CorpusIssue(
            "unknown words",
            f"{oov_rate:.1%} of the tokens are not in a vocabulary of {text.vocabulary_size}. A "
            "larger vocabulary_size costs time. The tokenizer 'characters' needs fewer tokens. "
            "With oov 'spell', these words are spelled.",
        )


def _script_issues(scripts: dict) -> Iterator[CorpusIssue]:
    traditional, simplified = (
        max(scripts[side][script]["fraction"] for side in SIDES)
        for script in ("traditional", "simplified")
    )
    if min(traditional, simplified) >= _MIN_MIXED_SCRIPTS:
        rarer = "traditional" if traditional < simplified else "simplified"
        yield CorpusIssue(
            "two scripts",
            f"{traditional:.1%} of the texts are in traditional characters, {simplified:.1%} in "
            f"simplified characters. Each word is learned twice. The filter '{rarer}' removes the "
            "rarer texts.",
        )
    for side in SIDES:
        not_chinese = scripts[side]["not_chinese"]["fraction"]
        if _MIN_MIXED_LANGUAGES <= not_chinese <= 1 - _MIN_MIXED_LANGUAGES:
            yield CorpusIssue(
                "not Chinese",
                f"{not_chinese:.1%} of the {side} have no Chinese character. The filter "
                "'not_chinese' removes them.",
            )
    mojibake = max(scripts[side]["mojibake"]["fraction"] for side in SIDES)
    if mojibake >= _MIN_MOJIBAKE:
        yield CorpusIssue(
            "mojibake",
            f"{mojibake:.1%} of the texts seem to be damaged by a wrong encoding. Convert the file "
            "from its source again, or remove these texts with the filter 'mojibake'.",
        )
