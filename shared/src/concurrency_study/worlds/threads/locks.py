"""Locks for managed threads, and what the standard library builds on them."""

from __future__ import annotations

import math
import queue
import threading
from collections import deque
from typing import Any

from ...world.unpatched import unpatched
from .machine import ManagedThread, active, mine
from .outside import real_lock, real_time, really_sleep

# Private names of the standard library, which the type checker does not know.
_threading: Any = threading
_queue: Any = queue
_PY_RLOCK: Any = _threading._RLock
_REAL_RLOCK: Any = unpatched(threading, "_CRLock")
_PY_SIMPLE_QUEUE: Any = _queue._PySimpleQueue
_REAL_SIMPLE_QUEUE: Any = queue.SimpleQueue


class Lock:
    """A lock for managed threads. ``release`` hands it to the first waiter."""

    _yields = True
    _opened = False

    def __new__(cls) -> Any:
        return super().__new__(cls) if mine() else real_lock()

    def __init__(self) -> None:
        self.holder: ManagedThread | bool = False
        """The thread that acquired it; True if that thread is not managed."""
        self.since = ""
        """The line that acquired it, in a run whose schedule is described."""
        self._waiters: deque[ManagedThread] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if timeout > threading.TIMEOUT_MAX:
            raise OverflowError("timeout value is too large")
        machine = mine()
        if machine and self._yields:
            machine.point()
        if not self.holder:
            self.holder = machine.current if machine else True
            self.since = machine.line_to_tell() if machine else ""
            return True
        if not blocking or timeout == 0:
            if machine:
                machine.look(locked=not self._yields)
            return False
        if machine is None:
            return self._really_acquire(timeout)
        me = machine.current
        due = None if timeout == -1 else machine.due(timeout)
        me.wants = self
        self._waiters.append(me)
        woken = False
        try:
            woken = machine.wait(due)
        finally:
            me.wants = None
            if self.holder is me and not woken:  # interrupted after it was handed over
                self.release()
            elif me in self._waiters:
                self._waiters.remove(me)
        if woken:
            self.since = machine.line_to_tell()
        return woken

    def _really_acquire(self, timeout: float) -> bool:
        """Wait in real time, in a thread outside of a run, or after it."""
        limit = math.inf if timeout < 0 else real_time() + timeout
        while self.holder:
            if real_time() >= limit:
                return False
            really_sleep(0.001)
        self.holder = not self._opened
        return True

    def release(self) -> None:
        machine = active()
        if not self.holder:
            if machine and machine.unwinding:
                return
            raise RuntimeError("release unlocked lock")
        if machine and self._waiters:
            self.holder = self._waiters.popleft()
            machine.wake(self.holder)
        else:
            self.holder = False
        if self._yields and machine and machine.mine() and not machine.unwinding:
            machine.point()

    def locked(self) -> bool:
        return bool(self.holder)

    _is_owned = locked  # for Condition, which otherwise would try to acquire it

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self.holder = False
        self._waiters.clear()


class Signal(Lock):
    """The lock with which Condition waits, under another lock: it never preempts."""

    _yields = False


class RLock(_PY_RLOCK):
    """The standard library's RLock in Python, on a lock for managed threads."""

    # trio asserts that its lock is the interpreter's own, which a signal handler may
    # use. Handlers run with the baton here, so this one is as good.
    __module__ = "_thread"

    def __new__(cls) -> Any:
        return object.__new__(cls) if mine() else _REAL_RLOCK()

    def __init__(self) -> None:
        _PY_RLOCK.__init__(self)
        self._block: Any = Lock()

    def release(self) -> None:
        machine = active()
        if not machine or not machine.unwinding or self._is_owned():
            _PY_RLOCK.release(self)

    def __exit__(self, *_: object) -> None:
        self.release()


class Sentinel(Signal):
    """A lock that is closed while a thread lives. Joining threads wait for it."""

    def __new__(cls) -> Any:
        return object.__new__(cls)

    def __init__(self) -> None:
        super().__init__()
        self._opened = False

    def open(self) -> None:
        """Wake the joining threads: the thread has ended."""
        self._opened, self.holder = True, False
        _threading.__dict__.get("_shutdown_locks", set()).discard(self)  # 3.11, 3.12
        machine = active()
        for thread in self._waiters:
            assert machine
            machine.wake(thread)
        self._waiters.clear()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return self._opened or super().acquire(blocking, timeout)

    def release(self) -> None:
        if not self._opened:
            super().release()


def sentinel_of(thread: ManagedThread) -> Sentinel:
    """Return the lock for which the threads wait that join this one."""
    sentinel = thread.sentinel = thread.sentinel or Sentinel()
    return sentinel


class Handle:
    """The handle that a ``threading.Thread`` has of its thread, since 3.13."""

    def __init__(self, thread: ManagedThread) -> None:
        self._thread = thread
        self._sentinel = sentinel_of(thread)
        self._sentinel.holder = thread

    @property
    def ident(self) -> int:
        return self._thread.ident

    def is_done(self) -> bool:
        return not self._sentinel.locked()

    def join(self, timeout: float | None = None) -> None:
        self._sentinel.acquire(timeout=-1 if timeout is None else timeout)

    def _set_done(self) -> None:
        pass


class SimpleQueue(_PY_SIMPLE_QUEUE):
    """The standard library's SimpleQueue in Python."""

    def __new__(cls) -> Any:
        return object.__new__(cls) if mine() else _REAL_SIMPLE_QUEUE()
