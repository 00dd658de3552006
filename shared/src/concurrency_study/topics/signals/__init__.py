"""Signals that wait: Ctrl-C and SIGTERM must not raise while a process starts."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that cancel what a program does."""


@contextmanager
def held_back(*, spawns: bool = False) -> Generator[None]:
    """Let Ctrl-C and SIGTERM wait until the end of the block.

    To block the signals is not enough. If there is another thread, the system delivers
    them there, and the main thread raises all the same. So their handlers wait, too.
    A process that starts in the block inherits the blocked signals.

    Args:
        spawns: Processes start in the block, by "spawn" or "forkserver". The resource
            tracker, which unblocks signals when it starts, starts before them.
    """
    came: list[int] = []
    try:
        with ExitStack() as stack:
            for number in SIGNALS:
                if (before := signal.getsignal(number)) is None:
                    continue
                with suppress(ValueError):  # only the main thread handles signals
                    signal.signal(number, before)
                    stack.callback(signal.signal, number, before)
                    signal.signal(number, lambda number, _: came.append(number))
            if spawns:
                resource_tracker.ensure_running()
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, mask)
            yield
    finally:
        for number in came:
            signal.raise_signal(number)


def start(process: BaseProcess) -> None:
    """Start a process that calls `leave_ctrl_c`; a signal waits until it has started.

    If it raised in the middle, it would leave a process that is not known. The process
    does not get it either, which would end it in its imports.
    """
    with held_back(spawns=True):
        process.start()


def leave_ctrl_c() -> None:
    """In a process that has started in `held_back`: leave Ctrl-C to its caller."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
