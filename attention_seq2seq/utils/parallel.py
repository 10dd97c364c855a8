"""Parallel map over processes, ordered and with a bounded number of pending tasks."""

import collections
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import TypeVar

from attention_seq2seq.utils.posix import blocked_interrupts

Result = TypeVar("Result")

# Enough to keep all workers busy, few enough to fit into memory.
_PENDING_TASKS_PER_WORKER = 2


def available_cpus() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def parallel_map(
    function: Callable[..., Result], tasks: Iterable[tuple], num_workers: int
) -> Iterator[Result]:
    """Yields the result of each task, in the order of the tasks.

    With a single task or worker, everything is computed in this process.

    Args:
        function: a module-level function.
        tasks: arguments of each call; consumed lazily.
        num_workers: number of worker processes.

    Raises:
        ValueError: a worker process was killed.
    """
    tasks = iter(tasks)
    first_tasks = list(islice(tasks, 2))
    if num_workers == 1 or len(first_tasks) < 2:
        for task in first_tasks:
            yield function(*task)
        for task in tasks:
            yield function(*task)
        return
    existing_processes = multiprocessing.active_children()
    spawn = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(num_workers, spawn, initializer=_init_worker)
    pending = collections.deque()
    try:
        for task in chain(first_tasks, tasks):
            if len(pending) >= _PENDING_TASKS_PER_WORKER * num_workers:
                yield pending.popleft().result()
            with blocked_interrupts():
                pending.append(executor.submit(function, *task))
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool:
        raise ValueError(
            "A worker process was killed, possibly by lack of memory. Repeat the call to resume, "
            "with fewer num_workers if memory is short."
        ) from None
    finally:
        # A second Ctrl-C must not leave some of the workers alive.
        with blocked_interrupts():
            # Unfinished tasks are computed again in the next run, so there is no need to wait.
            if pending:
                for process in multiprocessing.active_children():
                    if process not in existing_processes:
                        process.kill()
                if sys.version_info < (3, 11, 5):
                    # A thread of the executor may wait forever for a killed process to read a
                    # task (fixed in Python 3.11.5: github.com/python/cpython/issues/94777).
                    executor._call_queue._reader.close()
            executor.shutdown(cancel_futures=True)


def _init_worker() -> None:
    # Workers end with their parent process, even if it is killed.
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
