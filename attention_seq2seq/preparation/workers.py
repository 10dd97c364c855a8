"""Work that several processes share, in order, and without remembering more than is at hand."""

import collections
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

Result = TypeVar("Result")

# Tasks that wait for each process: enough that none is idle, few enough to be remembered.
_WAITING = 2


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def in_parallel(
    work: Callable[..., Result], tasks: Iterable[tuple], num_processes: int
) -> Iterator[Result]:
    """The results of all tasks, in the order of the tasks.

    A single task, or a single process, is worked on right here.

    Args:
        work: a function of a module, called with each task's values.
        tasks: taken as they are needed.
        num_processes: how many work at once.

    Raises:
        ValueError: a process was ended from outside.
    """
    tasks = iter(tasks)
    first = list(islice(tasks, 2))
    if num_processes == 1 or len(first) < 2:
        for task in first:
            yield work(*task)
        for task in tasks:
            yield work(*task)
        return
    executor = ProcessPoolExecutor(
        num_processes, multiprocessing.get_context("spawn"), initializer=_begin
    )
    waiting = collections.deque()
    try:
        for task in first:
            waiting.append(executor.submit(work, *task))
        for task in tasks:
            if len(waiting) >= _WAITING * num_processes:
                yield waiting.popleft().result()
            waiting.append(executor.submit(work, *task))
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise ValueError(
            "a process that shared the work was ended from outside, perhaps for want of memory. "
            "Run the same again, with fewer --processes if need be: it goes on from here."
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


def _begin() -> None:
    # Ctrl-C is for the process that the user started; the others end with it, killed or not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
