"""Progress bars on a terminal; log lines elsewhere."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import TextIO

from tqdm import tqdm

log = logging.getLogger(__name__)


def is_terminal(stream: TextIO | None) -> bool:
    """Returns whether a stream is a terminal. It may be None, closed, or of another class."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


@contextlib.contextmanager
def progress_bar(description: str, total: int, unit: str, is_shown: bool) -> Iterator[tqdm]:
    """Shows the progress of one stage: a bar on a terminal, one log line elsewhere.

    Args:
        description: name of the stage.
        total: number of units of work.
        unit: name of a unit; "B" for bytes.
        is_shown: whether to show anything at all.

    Yields:
        The bar, whose `update` takes the number of units done since the last call.
    """
    is_bar_shown = is_shown and is_terminal(sys.stdout)
    if is_shown and not is_bar_shown:
        log.info("%s ...", description)
    with tqdm(
        desc=f"{description:12}",
        total=total,
        unit=unit,
        unit_scale=True,
        unit_divisor=1000,
        dynamic_ncols=True,
        disable=not is_bar_shown,
        file=sys.stdout,
    ) as bar:
        yield bar


def advance_to(bar: tqdm, position: int) -> None:
    """Moves a bar forward to a position, never back."""
    if position > bar.n:
        bar.update(position - bar.n)
