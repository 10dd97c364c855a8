"""Work that several processes share, in order, and without remembering more than is at hand."""

import collections
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
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
    others = multiprocessing.active_children()
    spawn = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(num_processes, spawn, initializer=_begin)
    waiting = collections.deque()
    try:
        for task in chain(first, tasks):
            if len(waiting) >= _WAITING * num_processes:
                yield waiting.popleft().result()
            with _without_interrupts():
                waiting.append(executor.submit(work, *task))
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise ValueError(
            "a process that shared the work was ended from outside, perhaps for want of memory. "
            "Run the same again, with fewer --processes if need be: it goes on from here."
        ) from None
    finally:
        # A second Ctrl-C must not leave some of them alive.
        with _without_interrupts():
            # What they have at hand is made again; nobody should wait for it.
            if waiting:
                for process in multiprocessing.active_children():
                    if process not in others:
                        process.kill()
            executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C waits for its end.

    Processes that are started within it never see one: it is for the one that the user started.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    # They end with the process that started them, killed or not.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
