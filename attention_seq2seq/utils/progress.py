"""Progress bars on a terminal, and log lines elsewhere."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import TextIO

from tqdm import tqdm

log = logging.getLogger(__name__)


def is_terminal(stream: TextIO | None) -> bool:
    """Returns whether a stream is a terminal. None and closed streams are not."""
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
        is_shown: whether to show the progress.

    Yields:
        The bar. `update` takes the number of units since the last call.
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
    """Advances a bar to a position. The bar never moves backward."""
    if position > bar.n:
        bar.update(position - bar.n)
