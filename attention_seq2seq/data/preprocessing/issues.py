"""What in an examination should worry whoever trains on the corpus, and what helps."""

from typing import NamedTuple

from attention_seq2seq.data.preprocessing.survey import SIDES

# From these shares on something is worth a sentence. They are far above what is seen in corpora
# that make good models, and far below what spoils one.
COMMON_REPLY = 0.02
DUPLICATES = 0.02
ECHOES = 0.01
WORDLESS = 0.001
TOO_LONG = 0.05
WORD_DROPOUT = 0.05
SEVERAL_REPLIES = 0.3
OTHER_SCRIPT = 0.005
OTHER_LANGUAGE = 0.05
MOJIBAKE = 0.001


class Finding(NamedTuple):
    """Something to look at: a short name, and a sentence with the number and what helps."""

    name: str
    sentence: str


def findings(examination: dict, vocabulary_size: int) -> list[Finding]:
    """What an examination shows to be unusual; nothing for a clean corpus.

    Args:
        examination: see `examination`; with an entry for this size of the vocabulary.
        vocabulary_size: the one that is asked for.
    """
    if not examination["pairs"]:
        return []
    return [
        *_of_repeats(examination),
        *_of_losses(examination, vocabulary_size),
        *_of_writing(examination["writing"]),
    ]


def _of_repeats(examination: dict):
    commonest = examination["replies"]["commonest"][0]
    if commonest["share"] >= COMMON_REPLY and commonest["count"] > 1:
        yield Finding(
            "common reply",
            f"{commonest['reply']!r} is the reply to {commonest['share']:.1%} of the prompts; a "
            "model learns to say it whatever the prompt. --clean=common_replies caps it.",
        )
    duplicates = examination["duplicates"]["share"]
    if duplicates >= DUPLICATES:
        yield Finding(
            "duplicates",
            f"{duplicates:.1%} of the pairs occurred before. --clean=duplicates keeps the first.",
        )
    several = examination["prompts"]["pairs of these"]["share"]
    if several >= SEVERAL_REPLIES:
        yield Finding(
            "several replies",
            f"{several:.1%} of the pairs have a prompt with several different replies; a model "
            "says what suits them all. Earlier turns (--context_turns) may tell them apart.",
        )
    echoes = examination["echoes"]["share"]
    if echoes >= ECHOES:
        yield Finding(
            "echoes",
            f"{echoes:.1%} of the replies repeat their prompt. --clean=echoes leaves them out.",
        )


def _of_losses(examination: dict, vocabulary_size: int):
    wordless = examination["replies without words"]["share"]
    if wordless >= WORDLESS:
        yield Finding(
            "no words",
            f"{wordless:.1%} of the replies have nothing that can be read, only invisible "
            "characters; their pairs are left out.",
        )
    too_long = examination["too long"]["share"]
    if too_long >= TOO_LONG:
        yield Finding(
            "too long",
            f"{too_long:.1%} of the pairs are longer than --max_source_length or "
            "--max_target_length and are left out; a higher limit costs time and memory.",
        )
    vocabulary = examination["vocabulary"][str(vocabulary_size)]
    unknown = max(vocabulary[f"unknown words of {side}"] for side in SIDES)
    if unknown >= WORD_DROPOUT:
        yield Finding(
            "unknown words",
            f"a vocabulary of {vocabulary_size} leaves {unknown:.1%} of the words unknown. A "
            "larger --vocabulary_size costs time; --target_segmentation=characters needs few.",
        )


def _of_writing(writing: dict):
    traditional, simplified = (
        max(writing[side][script]["share"] for side in SIDES)
        for script in ("traditional", "simplified")
    )
    if min(traditional, simplified) >= OTHER_SCRIPT:
        rarer = "traditional" if traditional < simplified else "simplified"
        yield Finding(
            "two scripts",
            f"{traditional:.1%} of the texts are in traditional characters, {simplified:.1%} in "
            f"simplified ones; each word is learnt twice. --clean={rarer} leaves the rarer out.",
        )
    for side in SIDES:
        share = writing[side]["not Chinese"]["share"]
        if OTHER_LANGUAGE <= share <= 1 - OTHER_LANGUAGE:
            yield Finding(
                "not Chinese",
                f"{share:.1%} of the {side} have no Chinese character. --clean=not_chinese leaves "
                "them out.",
            )
    damaged = max(writing[side]["suspected mojibake"]["share"] for side in SIDES)
    if damaged >= MOJIBAKE:
        yield Finding(
            "mojibake",
            f"{damaged:.1%} of the texts seem to have been read in a wrong encoding. Convert the "
            "file anew from its source, or leave them out with --clean=mojibake.",
        )
