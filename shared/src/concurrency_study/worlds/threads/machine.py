"""The scheduler of the managed threads."""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import itertools
import math
import queue
import random
import select
import selectors
import socket
import sys
import threading
import time
from _thread import allocate_lock as real_lock
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import _base  # pyright: ignore[reportPrivateUsage]
from heapq import heappop, heappush
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from ...world import Deadlock, NotCovered, waits_at

if TYPE_CHECKING:
    from .locks import Lock, Sentinel

SPIN = 20.0
"""Seconds of CPU time for which a thread may compute without a call of this module."""

LIMIT = 1_000_000
"""Looks at clocks and locks, without a wait, after which a thread is spinning."""

GRACE = 1_000
"""Looks after which other threads get their turn, and the clock begins to creep."""

# Private names of the standard library, which the type checker does not know.
_threading: Any = threading
_pools: Any = concurrent.futures.thread

_FAILED = select.POLLERR | select.POLLHUP | select.POLLNVAL
_poll = select.poll

Descriptors = Iterable[tuple[int, int]]
"""Descriptors with the ``select.POLL*`` events that are awaited of them."""


class Unwind(BaseException):
    """The exception that ends a thread of a run that is over."""


class ManagedThread:
    """A managed thread, which runs only while it has the baton."""

    def __init__(
        self, label: str, owner: Any = None, work: Callable[[], None] | None = None
    ) -> None:
        self._label = label
        self.owner = owner
        """Its ``threading.Thread``, if there is one."""
        self.work = work
        self.ident = 0
        self.gate = real_lock()
        self.gate.acquire()
        self.sentinel: Sentinel | None = None
        """The lock for which joining threads wait, if there is one."""
        self.waiting = False
        self.woken = False
        self.turn = 0
        """The number of its waits: a timer of an earlier wait is void."""
        self.looks = 0
        """The number of its looks (see `Machine.look`) since its last real wait."""
        self.refused = 0
        self.failed = False
        self.wants: Lock | None = None

    @property
    def name(self) -> str:
        return str(self.owner.name) if self.owner else self._label


class Machine:
    """The scheduler of the managed threads: it owns the baton, the queues and the time.

    Theory of operation
    ===================

    A managed thread is in exactly one of these states:

    - *Running*: it is ``current`` and has the baton. Every other managed thread is
      blocked in its own ``gate``, a real lock.
    - *Ready*: it is in the ready queue ``_ready``.
    - *Waiting*: its ``waiting`` is true. It may have a timer, watch descriptors, and be
      in the wait queue of one lock.
    - *Ended*: it has left ``_live``.

    The rule that keeps this right: only the thread with the baton changes the machine,
    so the machine needs no lock of its own. A thread that passes the baton on makes the
    next thread ``current``, opens its gate, and blocks in its own gate (`_switch`).
    There are three exceptions. The watchdog sets ``failure``. A signal makes the
    waiting main thread ready. An unmanaged thread that releases a lock of the world
    makes the next waiter ready.

    When a run has ended or failed, the other threads are *unwound*: every waiting
    thread becomes ready, and its wait raises `Unwind`, which ends it.
    """

    def __init__(
        self,
        lose: Callable[[BaseException], None],
        patience: float,
        seed: int | None = None,
    ) -> None:
        self.lose = lose
        self.patience = patience
        """Real seconds for which it waits for input before it reports a deadlock."""
        self.ns = 0
        """The virtual time in nanoseconds, an int, so that sums of sleeps are exact."""
        self.reading = 0.0
        """The value of ``time.monotonic``; it may creep ahead of `ns` by some ulps."""
        self.failure: BaseException | None = None
        """The error with which the machine itself has ended the run."""
        self.unwinding = False
        self.begins: Callable[[ManagedThread], object] = lambda _: None
        self.ends: Callable[[ManagedThread], object] = lambda _: None
        """Called when a thread of the code under test begins, and when it ends."""
        self.inside: Callable[[], list[str]] = list[str]
        """Returns the waiters of a loop that runs in the main thread."""
        self._random = None if seed is None else random.Random(seed)
        self.main = self.current = ManagedThread("main")
        self.main.ident = get_ident()
        self._live = {self.main: None}
        self._ready: deque[ManagedThread] = deque()
        self._timers: list[tuple[int, int, ManagedThread, int]] = []
        self._order = itertools.count()
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._helper: ManagedThread | None = None
        self._helper_idle = False
        self._poll = select.poll()
        self._watched: dict[int, list[tuple[ManagedThread, int]]] = {}
        self._moves = self._points = 0

    # Life

    def unwind(self) -> None:
        """End all other threads, by an exception in their waits."""
        self._abort()
        while len(self._live) > 1:
            self._switch(self.main)  # returns when no other thread is ready

    def alive(self) -> list[str]:
        """Return the names of the live threads of the code under test, without main."""
        own = (self.main, self._helper)
        return [f"thread {t.name}" for t in self._live if t not in own]

    def spawn(self, thread: ManagedThread) -> None:
        """Start a managed thread, which runs when its turn comes."""
        self._live[thread] = None
        try:
            start_new_thread(self._live_through, (thread,))
        except BaseException:
            del self._live[thread]
            raise
        self._ready.append(thread)
        if thread is not self._helper:
            self.begins(thread)

    def _live_through(self, thread: ManagedThread) -> None:
        self._await_baton(thread)
        thread.ident = get_ident()
        work, thread.work = thread.work, None
        try:
            if self.unwinding:
                _threading._limbo.pop(thread.owner, None)
            elif work:
                work()
        except BaseException as error:
            if not isinstance(error, Unwind | SystemExit):
                thread.failed = True
                self.lose(error)
        finally:
            # The objects that this finalizes still run with the baton.
            del work
            if thread.owner is None:  # then current_thread() has made a dummy thread
                _threading._active.pop(thread.ident, None)
            self._leave(thread)

    def _leave(self, thread: ManagedThread) -> None:
        if self.failure and not self.unwinding:
            self._abort()
        del self._live[thread]
        if not self.unwinding:
            self.ends(thread)
        if thread.sentinel:
            thread.sentinel.open()
        self._hand_to(self._next())

    def _abort(self) -> None:
        self.unwinding = True
        _base.LOGGER.disabled = True  # pool workers log what ends them
        _threading.excepthook = self.excepthook
        for work in list(_pools._threads_queues.values()):
            work._queue.clear()  # no further call is to begin
        for thread in self._live:
            if thread.waiting:
                self._make_ready(thread, woken=False)

    def fail(self, error: BaseException) -> None:
        """End the run with this error."""
        if self.failure is None:
            self.failure = error
        if not self.unwinding:
            self._abort()

    def excepthook(self, args: Any) -> None:
        """Replace ``threading.excepthook`` while the machine runs."""
        if not self.unwinding and args.exc_type is not SystemExit:
            self.current.failed = True
            self.lose(args.exc_value)

    def _refuse(self, thread: ManagedThread) -> NoReturn:
        thread.refused += 1
        if thread.refused > 100 and thread is not self.main:
            self.lose(RuntimeError(f"thread {thread.name} cannot be ended"))
            _threading._active.pop(thread.ident, None)
            self._leave(thread)
            while True:
                thread.gate.acquire()
        raise Unwind

    # The baton

    def mine(self) -> bool:
        """Return whether the caller is a managed thread: the one with the baton."""
        return self.current.ident == get_ident()

    def wait(self, deadline: int | None = None, descriptors: Descriptors = ()) -> bool:
        """Pass the baton on until woken, until a descriptor is ready, or the deadline.

        Return whether another thread or a descriptor woke this one.
        """
        me = self.current
        if self.failure and not self.unwinding:
            self._abort()
        if self.unwinding:
            self._refuse(me)
        began = self.ns
        me.turn += 1
        me.waiting, me.woken = True, False
        if deadline is not None:
            heappush(self._timers, (deadline, next(self._order), me, me.turn))
        try:
            for descriptor, events in descriptors:
                self._watch(descriptor, events, me)
            self._switch(me)
        finally:
            me.waiting = False
            for descriptor, _ in descriptors:
                self._unwatch(descriptor, me)
        if self.unwinding:
            self._refuse(me)
        if me.woken or self.ns > began:
            me.looks = 0
        else:
            self.look()
        return me.woken

    def wake(self, thread: ManagedThread) -> None:
        """Make a waiting thread ready."""
        if thread.waiting:
            self._make_ready(thread, woken=True)
        thread.woken = True  # also if its deadline has passed, and it has not run since

    def pass_on(self) -> None:
        """Let the other ready threads run first."""
        me = self.current
        if self.unwinding:
            self._refuse(me)
        self._ready.append(me)
        self._switch(me)
        if self.unwinding:
            self._refuse(me)

    def point(self) -> None:
        """Perhaps preempt the running thread, which uses a lock, if there is a seed."""
        self._points += 1
        if not self._points % 10:  # a thread that looks under a lock may spin as well
            self.look()
        if self._random and self._ready and self._random.random() < 0.25:
            self.pass_on()

    def look(self, *, locked: bool = False) -> None:
        """Count a look: a call that takes no time, and that a spinning thread repeats.

        With ``locked``, do not pass the baton on: the caller may hold a lock that was
        made before the run, and the next thread would really block in it.
        """
        me = self.current
        me.looks += 1
        self._moves += 1
        if me.looks <= GRACE:
            return
        self.creep()
        if me.looks % GRACE:
            return
        if self.unwinding:
            self._refuse(me)
        if self._watched:
            self._see(0)
        if me.looks >= LIMIT:
            if self._jump():
                me.looks = 0
            elif all(thread.looks >= LIMIT for thread in self._ready):
                self.fail(_spins(me))
                self._refuse(me)
        if self._ready and not locked:
            self.pass_on()

    def creep(self) -> None:
        """Move the reading by an ulp, for threads that poll until it passes a value."""
        self.reading += math.ulp(max(1.0, self.reading))

    def due(self, seconds: float) -> int:
        """Return the instant, in nanoseconds, that is ``seconds`` from now."""
        if 0 < seconds < 1e-9:
            self.creep()
        return self.ns + max(0, round(seconds * 1e9))

    def sleep(self, seconds: float) -> None:
        """Replace ``time.sleep``."""
        due = self.due(seconds)
        if due > self.ns:
            self.wait(due)
        else:
            self.pass_on()
            self.look()

    def _make_ready(self, thread: ManagedThread, *, woken: bool) -> None:
        thread.waiting, thread.woken = False, woken
        self._ready.append(thread)

    def _switch(self, me: ManagedThread) -> None:
        following = self._next()
        if following is not me:
            self._hand_to(following)
            self._await_baton(me)

    def _hand_to(self, thread: ManagedThread) -> None:
        self._moves += 1
        self.current = thread
        with contextlib.suppress(RuntimeError):  # it is open, after an interruption
            thread.gate.release()

    def _await_baton(self, me: ManagedThread) -> None:
        interruption: BaseException | None = None
        while True:
            try:
                while self.current is not me:
                    me.gate.acquire()
                break
            except BaseException as error:  # a signal: its error waits for the baton
                interruption = error
                if me.waiting:
                    self._make_ready(me, woken=False)
        if interruption:
            raise interruption

    def _next(self) -> ManagedThread:
        while not self._ready:
            if self.unwinding:
                return self.main
            if self._watched and self._see(0):
                continue
            if self._jump():
                continue
            if self._watched and self._see(self.patience):
                continue
            self.fail(Deadlock(self._waiters()))
        if self._random:
            lot = self._random.randrange(len(self._ready))
            thread = self._ready[lot]
            del self._ready[lot]
            return thread
        return self._ready.popleft()

    def _jump(self) -> bool:
        timers = self._timers
        while timers and not _valid(timers[0]):
            heappop(timers)
        if not timers:
            return False
        self.ns = max(self.ns, timers[0][0])
        self.reading = max(self.reading, self.ns / 1e9)
        while timers and timers[0][0] <= self.ns:
            timer = heappop(timers)
            if _valid(timer):
                self._make_ready(timer[2], woken=False)
        return True

    # Descriptors

    def ready(self, probe: Callable[[], Any], of: Descriptors, due: int | None) -> Any:
        """Return what ``probe()`` finds; wait until that is true, or time is up."""
        found = probe()
        if not found and due is not None and due <= self.ns:
            self.look()
            return probe()
        while not found and (due is None or due > self.ns):
            self.wait(due, of)
            found = probe()
        return found

    def until(self, descriptor: int, events: int, seconds: float | None = None) -> bool:
        """Wait until a blocking call would not block; return False if time is up."""
        if descriptor < 0:  # closed: let the call itself say so
            return True
        poll = _poll()
        poll.register(descriptor, events)
        due = None if seconds is None else self.due(seconds)
        return bool(self.ready(lambda: poll.poll(0), [(descriptor, events)], due))

    def _watch(self, descriptor: int, events: int, thread: ManagedThread) -> None:
        watchers = [*self._watched.get(descriptor, ()), (thread, events)]
        self._register(descriptor, watchers)
        self._watched[descriptor] = watchers

    def _unwatch(self, descriptor: int, thread: ManagedThread) -> None:
        watchers = self._watched.get(descriptor, [])
        watchers[:] = [w for w in watchers if w[0] is not thread]
        if watchers:
            self._register(descriptor, watchers)
        elif self._watched.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def _register(
        self, descriptor: int, watchers: list[tuple[ManagedThread, int]]
    ) -> None:
        events = 0
        for _, wanted in watchers:
            events |= wanted
        self._poll.register(descriptor, events)

    def _see(self, seconds: float) -> bool:
        """Wake the threads whose descriptors are ready.

        Return whether the ready queue holds a thread now.
        """
        for descriptor, events in self._poll.poll(seconds * 1000):
            for thread, wanted in self._watched[descriptor]:
                if events & (wanted | _FAILED):
                    self.wake(thread)
        return bool(self._ready)

    # The world's own callbacks

    def call_at(self, ns: int, callback: Callable[[], None]) -> None:
        """Have a callback called at an instant, by a thread of the world's own."""
        heappush(self._plans, (ns, next(self._order), callback))
        if self._helper is None:
            self._helper = ManagedThread("(callbacks of the world)", work=self._help)
            self.spawn(self._helper)
        elif self._helper_idle:
            self.wake(self._helper)

    def _help(self) -> None:
        while True:
            while self._plans and self._plans[0][0] <= self.ns:
                heappop(self._plans)[2]()
            self._helper_idle = True
            self.wait(self._plans[0][0] if self._plans else None)
            self._helper_idle = False

    # Deadlocks, and threads that never wait

    def _waiters(self) -> list[str]:
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        listed: list[str] = []
        for thread in self._live:
            if thread is self._helper and self._helper_idle:
                continue
            if thread is self.main and (waiters := self.inside()):
                listed += waiters
                continue
            line = f"thread {thread.name}: {_where(frames.get(thread.ident))}"
            holder = thread.wants.holder if thread.wants else None
            if isinstance(holder, ManagedThread) and holder is not thread:
                line += f" (held by thread {holder.name})"
            listed.append(line)
        return listed

    def watchdog(self, over: Any) -> None:
        """Fail the run if the baton stays too long with a thread that only computes."""
        cpu = time.process_time
        seen, since = self._moves, cpu()
        while not over.acquire(timeout=min(1.0, SPIN / 4)):
            if self._moves != seen:
                seen, since = self._moves, cpu()
            elif cpu() - since > SPIN:
                since = cpu()
                self.failure = self.failure or _spins(self.current)
                _interrupt(self.current.ident)


_active: Machine | None = None


def active() -> Machine | None:
    """Return the machine that runs, if there is one."""
    return _active


def set_active(machine: Machine | None) -> None:
    """Set the machine that runs; None once it has ended."""
    global _active
    _active = machine


def mine() -> Machine | None:
    """Return the machine, if the caller is one of its threads."""
    return _active if _active and _active.mine() else None


def _valid(timer: tuple[int, int, ManagedThread, int]) -> bool:
    return timer[2].waiting and timer[2].turn == timer[3]


def _spins(thread: ManagedThread) -> NotCovered:
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    return NotCovered(
        "a thread polls or computes without ever waiting, and virtual time passes "
        "only while all threads wait; let it wait, or sleep between its looks:\n"
        f"  thread {thread.name}: {_where(frames.get(thread.ident))}"
    )


def _interrupt(ident: int) -> None:
    import ctypes  # rarely needed

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), ctypes.py_object(Unwind)
    )


_OURS = {str(path) for path in Path(__file__).parent.glob("*.py")}
_WAITING = {
    module.__file__ for module in (threading, queue, _base, _pools, selectors, socket)
} | _OURS


def _where(frame: FrameType | None) -> str:
    """Return where a thread waits, and the name of the call in which it waits."""
    frames: list[FrameType] = []
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    files = [f.f_code.co_filename for f in frames]
    inner = len(frames)
    while inner and files[inner - 1] in _WAITING:
        inner -= 1
    if not inner:  # no frame of the user's, as in a pool's worker that has no work
        while inner < len(files) - 1 and files[inner] in {*_OURS, threading.__file__}:
            inner += 1
    while len(frames) > inner + 1 or (frames and files[len(frames) - 1] in _OURS):
        frames.pop()
    return waits_at(frames)
