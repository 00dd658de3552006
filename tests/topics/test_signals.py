"""Signals that wait until the end of a block, or of the last of several blocks."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from concurrency_study.topics.signals import SIGNALS, held_back


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Fail if a handler is another one, or a signal is blocked."""

    def state():
        return [*map(signal.getsignal, SIGNALS)], signal.pthread_sigmask(0, ())

    before = state()
    yield
    assert state() == before


@pytest.fixture
def send():
    """``send(number)`` returns when a signal has come in another thread."""
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    here, there = socket.socketpair()
    there.setblocking(False)
    handlers = [signal.getsignal(number) for number in SIGNALS]

    def to_other_thread(number):
        signal.pthread_kill(other.ident, number)
        here.recv(1)

    other.start()
    before = signal.set_wakeup_fd(there.fileno())
    yield to_other_thread
    signal.set_wakeup_fd(before)
    for number, handler in zip(SIGNALS, handlers, strict=True):
        signal.signal(number, handler)
    here.close()
    there.close()
    ended.set()
    other.join()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_though_another_thread_would_take_it(number, send):
    """The other thread is where it comes; the main thread is where it raises."""
    held = False

    def block():
        nonlocal held
        with held_back():
            send(number)
            for _ in range(1000):  # the main thread would raise in one of these
                pass
            held = True

    signal.signal(number, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        block()
    assert held


def test_every_signal_is_handled_though_the_handler_of_one_raises(send):
    def handle(number, _):
        came.append(number)
        if len(came) == 1:
            raise KeyboardInterrupt

    def block():
        with held_back():
            for number in reversed(SIGNALS):
                send(number)
            assert not came

    came = []
    for number in SIGNALS:
        signal.signal(number, handle)
    with pytest.raises(KeyboardInterrupt):
        block()
    signal.pthread_sigmask(signal.SIG_BLOCK, ())  # Python looks for signals here
    assert sorted(came) == [*SIGNALS]


def test_blocks_that_overlap_end_with_the_last():
    first, second = held_back(), held_back()
    first.__enter__()
    second.__enter__()
    os.kill(os.getpid(), signal.SIGINT)
    first.__exit__(None, None, None)
    with pytest.raises(KeyboardInterrupt):
        second.__exit__(None, None, None)


def test_a_signal_comes_also_if_the_block_fails():
    def fail():
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError

    with pytest.raises(KeyboardInterrupt) as raised:
        fail()
    assert isinstance(raised.value.__context__, ValueError)


def test_another_thread_holds_back_its_own_signals_only():
    def block():
        with held_back():
            blocked.append(signal.pthread_sigmask(0, ()))
        blocked.append(signal.pthread_sigmask(0, ()))

    for within in (False, True):
        blocked = []
        thread = threading.Thread(target=block)
        if within:
            with held_back():
                thread.start()
                thread.join()
            assert blocked == [{*SIGNALS}, {*SIGNALS}]  # inherited
        else:
            thread.start()
            thread.join()
            assert blocked == [{*SIGNALS}, set()]


def test_a_process_that_was_forked_in_a_block_holds_back_its_own_signals():
    with held_back():
        process = os.fork()
        if not process:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            held = False
            try:
                with held_back():
                    os.kill(os.getpid(), signal.SIGINT)
                    held = True
            except KeyboardInterrupt:
                os._exit(7 if held else 1)
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7
