"""Formats statistics and results of preprocessing for a terminal."""

import textwrap

from attention_seq2seq.data.preprocessing.chunks import MAX_TEXT_LENGTH
from attention_seq2seq.data.preprocessing.statistics import SIDES

_WIDTH = 80
_REASON_LABELS = {
    "empty_replies": "replies without tokens",
    "too_long": "longer than the limits",
    "also_in_training": "validation pairs that also occur in training",
}
_LENGTH_LABELS = {
    "mean": "tokens, mean",
    "median": "tokens, median",
    "p95": "tokens, 95th percentile",
    "p99": "tokens, 99th percentile",
    "max": "tokens, maximum",
}
_SCRIPT_LABELS = {
    "traditional": "traditional",
    "simplified": "simplified",
    "not_chinese": "not Chinese",
    "mojibake": "suspected mojibake",
}


def format_statistics(statistics: dict, width: int = _WIDTH) -> str:
    """Formats the statistics of a corpus.

    Args:
        statistics: the content of statistics.json.
        width: width of the terminal [cells].
    """
    blocks = [
        [f"{statistics['num_pairs']:,} pairs", *_skipped_lines(statistics["skipped_lines"])],
        _texts(statistics),
        _pairs(statistics),
        _vocabulary(statistics),
        _most_common_replies(statistics["replies"]["most_common"], width),
        _issues(statistics["issues"], width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def format_filtering(counts: dict) -> str:
    """Formats the number of removed pairs by reason, and of remaining pairs by split.

    Args:
        counts: the result of `PairFilter.counts`.
    """
    lines = [_row("total", counts["total"])]
    for reason, count in counts["removed"].items():
        label = _REASON_LABELS.get(reason, reason.replace("_", " "))
        lines.append(_row(f"removed: {label}", count))
    for split in ("training", "validation"):
        lines.append(_row(split, counts[split]))
    return "\n".join(["pairs", *lines])


def format_vocabulary(sizes: dict) -> str:
    """Formats the sizes of the vocabularies.

    Args:
        sizes: sizes of the vocabularies of prompts and replies.
    """
    if sizes["prompts"] == sizes["replies"]:
        return _row("tokens in the vocabulary", sizes["replies"])
    return "\n".join(_row(f"tokens in the vocabulary of {side}", sizes[side]) for side in SIDES)


def _row(label: str, count: int, details: str = "") -> str:
    return f"  {label:54}{count:>13,}  {details}".rstrip()


def _fraction_row(label: str, entry: dict) -> str:
    return _row(label, entry["count"], f"{entry['fraction']:>6.1%}")


def _skipped_lines(skipped_lines: dict) -> list[str]:
    return [
        f"  {count:,} malformed lines skipped: {reason}" for reason, count in skipped_lines.items()
    ]


def _texts(statistics: dict) -> list[str]:
    lengths, scripts = statistics["lengths"], statistics["scripts"]
    lines = [f"  {'':34}{'prompts':>12}{'replies':>12}"]
    for key, label in _LENGTH_LABELS.items():
        values = [lengths[side][key] for side in SIDES]
        lines.append(f"  {label:34}" + "".join(f"{value:>12,}" for value in values))
    for key, label in _SCRIPT_LABELS.items():
        fractions = [scripts[side][key]["fraction"] for side in SIDES]
        lines.append(f"  {label:34}" + "".join(f"{fraction:>12.1%}" for fraction in fractions))
    return lines


def _pairs(statistics: dict) -> list[str]:
    prompts, replies = statistics["prompts"], statistics["replies"]
    return [
        _row("distinct prompts", prompts["distinct"]),
        _row("  with several different replies", prompts["ambiguous"]),
        _fraction_row("  pairs with such a prompt", prompts["ambiguous_pairs"]),
        _row("distinct replies", replies["distinct"]),
        _fraction_row("repeated pairs", statistics["duplicates"]),
        _fraction_row("replies equal to their prompt", statistics["echoes"]),
        _fraction_row("replies without tokens", statistics["empty_replies"]),
        _fraction_row("pairs longer than the limits", statistics["too_long"]),
        *(
            _fraction_row(f"{side} of over {MAX_TEXT_LENGTH:,} characters, not tokenized", entry)
            for side, entry in statistics["not_tokenized"].items()
            if entry["count"]
        ),
    ]


def _vocabulary(statistics: dict) -> list[str]:
    lines = [
        f"  {'':16}{'unknown tokens':>24}{'replies with an':>24}",
        f"  {'vocabulary of':16}{'of prompts':>12}{'of replies':>12}{'unknown token':>24}",
    ]
    for size, coverage in statistics["vocabulary"].items():
        prompts, replies = (coverage["oov_rate"][side] for side in SIDES)
        with_oov = coverage["replies_with_oov"]["fraction"]
        lines.append(f"  {int(size):>13,}   {prompts:>12.1%}{replies:>12.1%}{with_oov:>24.1%}")
    max_error = statistics["max_count_error"]
    if max_error:
        lines += [
            "  Counts are approximate: too many distinct tokens.",
            f"  A count may be up to {max_error:,} too low.",
        ]
    return lines


def _most_common_replies(replies: list[dict], width: int) -> list[str]:
    lines = ["  most common replies"]
    for reply in replies:
        text = _truncate(reply["reply"], width - 23)
        lines.append(f"  {reply['count']:>11,}{reply['fraction']:>8.1%}  {text}")
    return lines


def _truncate(text: str, num_cells: int) -> str:
    # A Chinese character takes two cells.
    return text if 2 * len(text) <= num_cells else f"{text[: num_cells // 2 - 1]}…"


def _issues(issues: list[dict], width: int) -> list[str]:
    if not issues:
        return ["no issues found"]
    lines = ["issues"]
    for issue in issues:
        lines += textwrap.wrap(
            f"{issue['name']}: {issue['message']}",
            width,
            initial_indent="  - ",
            subsequent_indent="    ",
        )
    return lines
