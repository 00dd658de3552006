"""Signals that wait: Ctrl-C and SIGTERM must not raise while a process starts."""

from __future__ import annotations

import os
import signal
from _thread import get_ident
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that cancel what a program does."""


class _Hold:
    """The signals of a process that wait. Blocks may overlap, as those of tasks do."""

    def __init__(self) -> None:
        self.process, self.thread = os.getpid(), get_ident()
        self.blocks = 0
        self.came: list[int] = []
        self.blocked = set[int]()
        self.before = ExitStack()

    def begin(self) -> None:
        """Keep the signals from now on, in the main thread of this process.

        Raises:
            ValueError: This is another thread.
        """
        with ExitStack() as stack:
            for number in SIGNALS:
                if (before := signal.getsignal(number)) is None:
                    continue  # it was not set in Python, and raises nothing
                signal.signal(number, before)
                stack.callback(signal.signal, number, before)
                signal.signal(number, lambda number, _: self.came.append(number))
            self.blocked = _block()
            self.before = stack.pop_all()

    def end(self) -> None:
        """Handle the signals again, also those that have come.

        Those wait until all have been sent again, and the handler of one may raise.
        """
        try:
            self.before.close()
        finally:
            try:
                for number in self.came:
                    signal.raise_signal(number)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, self.blocked)


_hold = _Hold()


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
    global _hold
    if _hold.process != os.getpid() or not _hold.blocks:
        _hold = _Hold()  # a block of before a fork does not end here
    hold, mask = _hold, set[int]()
    in_main = hold.thread == get_ident()
    try:
        if in_main and not hold.blocks:
            hold.begin()
    except ValueError:
        in_main = False
    if in_main:
        hold.blocks += 1
    else:
        mask = _block()
    try:
        if spawns:
            resource_tracker.ensure_running()
            _block()
        yield
    finally:
        if in_main:
            hold.blocks -= 1
            if not hold.blocks:
                hold.end()
        else:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _block() -> set[int]:
    """Block the signals in this thread, and return those that were blocked before."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


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
