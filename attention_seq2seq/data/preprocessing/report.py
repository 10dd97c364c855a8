"""An examination and a preparation as lines for a terminal."""

import textwrap

from attention_seq2seq.data.preprocessing.chunks import LONGEST_TEXT
from attention_seq2seq.data.preprocessing.survey import SIDES

_WIDTH = 80
_NAMES = {
    "wordless": "replies without words",
    "too_long": "longer than the limits",
    "also_in_training": "set aside, but in training too",
}


def examination_report(examination: dict, width: int = _WIDTH) -> str:
    """What `examine` has found.

    Args:
        examination: the content of statistics.json.
        width: cells of the terminal.
    """
    blocks = [
        [f"{examination['pairs']:,} pairs", *_bad_lines(examination["bad lines left out"])],
        _texts(examination),
        _pairs(examination),
        _vocabulary(examination),
        _commonest(examination["replies"]["commonest"], width),
        _findings(examination["findings"], width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def cleaning_report(counts: dict) -> str:
    """What goes for which reason, and what stays.

    Args:
        counts: see `Selection.report`.
    """
    lines = [_row("given", counts["given"])]
    for name, number in counts["removed"].items():
        lines.append(_row(f"left out: {_NAMES.get(name, name.replace('_', ' '))}", number))
    for part in ("training", "validation"):
        lines.append(_row(part, counts[part]))
    return "\n".join(["pairs", *lines])


def vocabulary_report(words: dict) -> str:
    """How many words the vocabularies have.

    Args:
        words: of prompts and replies.
    """
    if words["prompts"] == words["replies"]:
        return _row("words in the vocabulary", words["replies"])
    return "\n".join(_row(f"words of {side} in the vocabulary", words[side]) for side in SIDES)


def _row(name: str, number: int, more: str = "") -> str:
    return f"  {name:44}{number:>13,}  {more}".rstrip()


def _counted(name: str, counted: dict) -> str:
    return _row(name, counted["count"], f"{counted['share']:>6.1%}")


def _bad_lines(skipped: dict) -> list[str]:
    return [f"  {count:,} bad lines left out: {reason}" for reason, count in skipped.items()]


def _texts(examination: dict) -> list[str]:
    lengths, writing = examination["lengths in words"], examination["writing"]
    lines = [f"  {'':34}{'prompts':>12}{'replies':>12}"]
    names = {
        "mean": "words, mean",
        "median": "words, half of them up to",
        "p95": "words, 95 of 100 up to",
        "p99": "words, 99 of 100 up to",
        "longest": "words, longest",
    }
    for key, name in names.items():
        shown = [lengths[side][key] for side in SIDES]
        lines.append(f"  {name:34}" + "".join(f"{number:>12,}" for number in shown))
    for key in writing["prompts"]:
        shown = [writing[side][key]["share"] for side in SIDES]
        lines.append(f"  {key:34}" + "".join(f"{share:>12.1%}" for share in shown))
    return lines


def _pairs(examination: dict) -> list[str]:
    prompts, replies = examination["prompts"], examination["replies"]
    return [
        _row("different prompts", prompts["different"]),
        _row("  of them with several different replies", prompts["with several replies"]),
        _counted("  pairs of these", prompts["pairs of these"]),
        _row("different replies", replies["different"]),
        _counted("pairs that occurred before", examination["duplicates"]),
        _counted("replies that repeat their prompt", examination["echoes"]),
        _counted("replies without words", examination["replies without words"]),
        _counted("pairs longer than the limits", examination["too long"]),
        *(
            _counted(f"{side} of over {LONGEST_TEXT:,} characters, not cut", count)
            for side, count in examination["too long to be cut"].items()
            if count["count"]
        ),
    ]


def _vocabulary(examination: dict) -> list[str]:
    lines = [
        f"  {'':16}{'unknown words':>24}{'replies with an':>24}",
        f"  {'vocabulary of':16}{'of prompts':>12}{'of replies':>12}{'unknown word':>24}",
    ]
    for size, losses in examination["vocabulary"].items():
        prompts, replies = (losses[f"unknown words of {side}"] for side in SIDES)
        with_unknown = losses["replies with an unknown word"]["share"]
        lines.append(f"  {int(size):>13,}   {prompts:>12.1%}{replies:>12.1%}{with_unknown:>24.1%}")
    error = examination["word counts too low by at most"]
    if error:
        lines.append(
            f"  About: there were too many different words; a count may be {error:,} too low."
        )
    return lines


def _commonest(replies: list[dict], width: int) -> list[str]:
    lines = ["  commonest replies"]
    for reply in replies:
        text = _cut(reply["reply"], width - 23)
        lines.append(f"  {reply['count']:>11,}{reply['share']:>8.1%}  {text}")
    return lines


def _cut(text: str, cells: int) -> str:
    # A Chinese character takes two cells.
    return text if 2 * len(text) <= cells else f"{text[: cells // 2 - 1]}…"


def _findings(findings: list[dict], width: int) -> list[str]:
    if not findings:
        return ["nothing unusual found"]
    lines = ["to be looked at"]
    for finding in findings:
        lines += textwrap.wrap(
            f"{finding['name']}: {finding['sentence']}",
            width,
            initial_indent="  - ",
            subsequent_indent="    ",
        )
    return lines
