"""The first Ctrl-C is deferred, the second one interrupts."""

import os
import signal
import threading

import pytest

from attention_seq2seq.utils.signals import deferred_interrupts


@pytest.mark.parametrize("first_signal", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_interrupts(first_signal):
    old_handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with deferred_interrupts() as was_interrupted:
        assert not was_interrupted()
        os.kill(os.getpid(), first_signal)
        assert was_interrupted()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == old_handlers


def test_outside_of_the_main_thread_no_signal_is_received():
    results = []

    def work():
        with deferred_interrupts() as was_interrupted:
            results.append(was_interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [False]
