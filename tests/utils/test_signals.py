"""Ctrl-C: once, it waits for the end of an update; twice, it does not."""

import os
import signal
import threading

import pytest

from attention_seq2seq.utils.signals import deferred_interrupts


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_second_does_not_wait(first):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with deferred_interrupts() as came:
        assert not came()
        os.kill(os.getpid(), first)
        assert came()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_outside_of_the_main_thread_nobody_is_asked():
    found = []

    def work():
        with deferred_interrupts() as came:
            found.append(came())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]
