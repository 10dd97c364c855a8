"""Handles Ctrl-C and SIGTERM."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def deferred_interrupts() -> Iterator[Callable[[], bool]]:
    """Defers the first Ctrl-C or SIGTERM within the block. The second interrupts the block.

    Yields:
        A function that returns whether a signal was received. Outside of the main thread, where
        Python handles no signals, the function always returns False.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    received = []

    def handle(signal_number, frame):
        if received:
            raise KeyboardInterrupt
        received.append(signal_number)

    old_handlers = {
        signal_number: signal.signal(signal_number, handle)
        for signal_number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(received)
    finally:
        for signal_number, handler in old_handlers.items():
            signal.signal(signal_number, handler)
