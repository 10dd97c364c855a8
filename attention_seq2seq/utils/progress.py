"""How far a long work is: a bar with the time left on a terminal, elsewhere a line a stage."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import TextIO

from tqdm import tqdm

log = logging.getLogger(__name__)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; a program may have none, a closed one, or one of its own."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


@contextlib.contextmanager
def stage(name: str, total: int, unit: str, shown: bool) -> Iterator[tqdm]:
    """A stage of a work.

    Args:
        name: what is done.
        total: how much there is to do.
        unit: of what; "B" for bytes.
        shown: whether it is shown at all.

    Yields:
        What is to be told how much is done, by `update`.
    """
    on_terminal = shown and is_terminal(sys.stdout)
    if shown and not on_terminal:
        log.info("%s ...", name)
    with tqdm(
        desc=f"{name:12}",
        total=total,
        unit=unit,
        unit_scale=True,
        unit_divisor=1000,
        dynamic_ncols=True,
        disable=not on_terminal,
        file=sys.stdout,
    ) as bar:
        yield bar


def reach(bar: tqdm, done: int) -> None:
    """Moves a bar on to a place, never back."""
    if done > bar.n:
        bar.update(done - bar.n)
