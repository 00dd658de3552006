"""The scheduler of the managed threads."""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import importlib
import itertools
import math
import queue
import random
import re
import select
import selectors
import signal
import socket
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import _base  # pyright: ignore[reportPrivateUsage]
from heapq import heappop, heappush
from pathlib import Path
from threading import get_native_id
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ...world import Deadlock, NotCovered, Unwind, is_of_libraries, waits_at
from ...world.schedules import CLOCK, MOST, POINTS, WIDTH, Schedule
from ...world.schedules.code import access_at, again, points
from ...world.unpatched import get_ident, unpatched
from .outside import (
    State,
    Strangers,
    outwards,
    real_lock,
    real_time,
    real_time_ns,
    really_sleep,
    start_new_thread,
    state_of,
    time_process,
    worked,
)
from .spins import loop_that_looks

if TYPE_CHECKING:
    from .locks import Lock, Sentinel

SPIN = 20.0
"""Seconds of CPU time for which a thread may compute without a call of this module.

In a loop that can be seen to change nothing, it may do so for `LOOKS` looks only.
"""

GRACE = 1_000
"""Looks after which other threads get their turn, and the clock begins to creep."""

SPUN = 20
"""The times in a row that time may pass for actors that only look, with no wait."""

POLLS = 200_000
"""Reads of a clock, each after a yield, after which an actor is spinning."""

TURNS = 2_000
"""Yields in a row after which it is asked whether the actors only look."""

TICK = 0.1
"""Real seconds between two looks of the watchdog."""

LOOKS = 8
"""Looks of the watchdog, in a row, after which a loop that only looks is spinning."""

IDLE = 50
"""Looks of the watchdog without a run after which it ends."""

STUCK = 2
"""Looks of the watchdog after which a thread that uses no CPU is really blocked."""

BLOCKED = 0.5
"""Real seconds after which a thread that waits for the system is really blocked."""

SURE = 3
"""Looks after which a thread that waits for another one cannot move by itself."""

REAL = 1.2
"""Real seconds that a run waits for something outside of it to move."""

# Private names of the standard library, which the type checker does not know.
_threading: Any = threading
_bootstrap: Any = getattr(importlib, "_bootstrap")  # noqa: B009
_raise_signal = signal.raise_signal
_pools: Any = concurrent.futures.thread

_FAILED = select.POLLERR | select.POLLHUP | select.POLLNVAL
real_poll = unpatched(select, "poll")
pthread_kill = signal.pthread_kill

Descriptors = Iterable[tuple[int, int]]
"""Descriptors with the ``select.POLL*`` events that are awaited of them."""


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
        self.looked = 0.0
        """The processor time of the process at its look number 2 * `GRACE`."""
        self.refused = 0
        self.failed = False
        self.wants: Lock | None = None
        self.starter: ManagedThread | None = None
        """The thread that has started it, until it comes to its first point."""
        self.native = 0
        """Its number for the operating system, once it runs."""

    @property
    def name(self) -> str:
        return str(self.owner.name) if self.owner else self._label


def is_handled(handler: object) -> bool:
    """Return whether it is a handler in Python, and not the one of a loop.

    asyncio learns of a signal from C, by the file descriptor of a loop.
    """
    return callable(handler) and getattr(handler, "__name__", "") != "_sighandler_noop"


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
    - *Outside*: it was the one with the baton and blocked for real, in a call that is
      not replaced: a lock from before the run, an import lock. The watchdog has taken
      the baton from it. When that call returns, the thread runs on without the baton
      as far as its next call of this module, which waits for the baton (`come_back`).
    - *Ended*: it has left ``_live``.

    The clock jumps only if no thread can run. A thread outside of the machine, of the
    run or from before it, might still act. So each is looked at first, through the
    operating system (`outside.state_of`): one that waits for another thread, without a
    timeout, cannot move by itself. Otherwise the machine waits in real time.

    The rule that keeps this right: only the thread with the baton changes the machine,
    so the machine needs no lock of its own. A thread that passes the baton on makes the
    next thread ``current``, opens its gate, and blocks in its own gate (`_switch`).
    There are four exceptions. The watchdog sets ``failure``, or passes the baton on in
    place of a thread that is blocked. A thread that comes back from outside makes
    itself ready. A signal makes the waiting main thread ready. An unmanaged thread that
    releases a lock of the world makes the next waiter ready.

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
        self.resolve: Callable[[BaseException], bool] = lambda _: False
        """Ends a loop in the main thread by this error; False if it cannot."""
        self.may_jump: Callable[[int], bool] = lambda _: True
        """Returns whether the clock may jump to an instant, in nanoseconds."""
        self.is_of_loop = False
        """True if a loop in the main thread waits by `idle`."""
        self.loop_watches: Callable[[], bool] = lambda: True
        """Returns whether a loop in the main thread watches anything but itself."""
        self.held_up: Callable[[], object] = lambda: None
        """Called when the main thread has slept by ``time.sleep``."""
        self.epoch = -(-real_time_ns() // 10**9) * 10**9
        """The date at instant 0, in nanoseconds since 1970: whole seconds, not past."""
        self.ports: set[object] = set()
        """The addresses at which threads of the run listen."""
        self.peers: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        """Connections to something outside of the run."""
        self.schedule: Schedule | None = None
        """The choices of this run; None: threads run first come, first served."""
        self._choosing = False
        self._random = None if seed is None else random.Random(seed)
        self.main = self.current = ManagedThread("main")
        self.main.ident = get_ident()
        self.main.native = get_native_id()
        self._live = {self.main: None}
        self._ready: deque[ManagedThread] = deque()
        self._timers: list[tuple[int, int, ManagedThread, int]] = []
        self._order = itertools.count()
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._helper: ManagedThread | None = None
        self._helper_idle = False
        self._poll = real_poll()
        self._watched: dict[int, list[tuple[ManagedThread, int]]] = {}
        self._moves = self._points = self._polls = 0
        self._yielded = self._polled = False
        self._tiny = 0
        self.rounds = 0
        """The turns of a loop, or yields of threads, since the last wait."""
        self.turns = TURNS
        """Turns of a loop after which it is asked whether the actors only look."""
        self.most_turns = math.inf
        """Turns without a wait after which the actors are spinning in any case."""
        self.loop_looks: Callable[[], bool] | None = None
        """Returns whether the actors of a loop in the main thread only look."""
        self.loop_timer: Callable[[], int | None] = lambda: None
        """Returns the first later instant that has a timer of a loop.

        It leaves out timers that an actor which only looks makes in each round.
        """
        self._since = 0.0
        self._sure = self._spun = 0
        """The times in a row that all actors only looked, and that time passed then."""
        self.outside: dict[int, ManagedThread] = {}
        """Threads that are blocked for real, without the baton, by identifier."""
        self._really_waits = self._idles = False
        self._alarm: tuple[int, float] = (0, 0.0)
        self._strangers = Strangers()
        self._patience_left = REAL
        """Real seconds that the jumps of this run may still wait for them."""
        self._signals: deque[tuple[int, Any]] = deque()

    # Life

    def unwind(self) -> None:
        """End all other threads, by an exception in their waits."""
        self._abort()
        while len(self._live) > 1 + len(self.outside):
            self._switch(self.main)  # returns when no other thread is ready
        if self.outside:
            self._see_off()

    def _see_off(self) -> None:
        """Let threads end that the end of the answer has released, such as imports.

        They would otherwise run on in the next test, and report their errors there.
        A thread that is still blocked for real after two looks stays where it is.
        """
        limit, blocked = real_time() + REAL, 0
        while self.outside and blocked < 2 and real_time() < limit:
            really_sleep(0.002)
            states = [state_of(t.native) for t in list(self.outside.values())]
            moves = State.RUNS in states or State.ENDED in states
            blocked = 0 if moves or self._ready else blocked + 1
            for thread in list(self.outside.values()):
                if thread not in self._live:
                    self.outside.pop(thread.ident, None)
            if self._ready:
                self._switch(self.main)

    def alive(self) -> list[str]:
        """Return the names of the live threads of the code under test, without main."""
        return [f"thread {thread.name}" for thread in self.threads()]

    def threads(self) -> list[ManagedThread]:
        """Return the live threads of the code under test, without main."""
        own = (self.main, self._helper)
        return [thread for thread in self._live if thread not in own]

    def spawn(self, thread: ManagedThread) -> None:
        """Start a managed thread, which runs when its turn comes."""
        self._live[thread] = None
        thread.starter = self.current
        try:
            start_new_thread(self._live_through, (thread,))
        except BaseException:
            del self._live[thread]
            raise
        self._ready.append(thread)
        if thread is not self._helper:
            with self._without_choice():
                self.begins(thread)

    def _live_through(self, thread: ManagedThread) -> None:
        thread.native = get_native_id()
        self._await_baton(thread)
        thread.ident = get_ident()
        work, thread.work = thread.work, None
        try:
            if self.unwinding:
                _threading._limbo.pop(thread.owner, None)
            elif work:
                if self.schedule is not None and tracer is not None:
                    sys.settrace(tracer)
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
        if get_ident() in self.outside:
            self.come_back()
        if self is not _active:  # it was outside when the run ended
            if thread.sentinel:
                thread.sentinel.open()
            return
        if self.failure and not self.unwinding:
            self._abort()
        del self._live[thread]
        if not self.unwinding:
            with self._without_choice():
                self.ends(thread)
        if thread.sentinel:
            thread.sentinel.open()
        self._hand_to(self._next())

    def _abort(self) -> None:
        self.unwinding = True
        _base.LOGGER.disabled = True  # pool workers log what ends them
        _threading.excepthook = self.excepthook
        if len(self._live) > 1:
            for work in list(_pools._threads_queues.values()):
                if isinstance(queued := getattr(work, "_queue", None), deque):
                    queued.clear()  # no further call is to begin
        for thread in self._live:
            if thread.waiting:
                self._make_ready(thread, woken=False)

    def fail(self, error: BaseException) -> None:
        """End the run with this error."""
        self.patience = min(self.patience, 0.1)  # no input has come, or none may come
        if self.unwinding or self.resolve(error):
            return
        if self.failure is None:
            self.failure = error
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
        ident = get_ident()
        if self.current.ident == ident:
            return True
        return ident in self.outside and self.come_back()

    def come_back(self) -> bool:
        """Wait for the baton, after a call that has really blocked."""
        me = self.outside.get(get_ident())
        if me is None or self is not _active:
            return False
        self._ready.append(me)
        self.outside.pop(me.ident, None)
        self._await_baton(me)
        return True

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
            while self._signals and me is self.main and not self.unwinding:
                number, handler = self._signals.popleft()
                handler(number, sys._getframe())  # pyright: ignore
                late = deadline is not None and deadline <= self.ns
                if not (self._signals or me.woken or late):
                    me.waiting = True
                    self._switch(me)
        finally:
            me.waiting = False
            for descriptor, _ in descriptors:
                self._unwatch(descriptor, me)
        if self.unwinding:
            self._refuse(me)
        if me.woken or self.ns > began:
            me.looks = self._sure = 0
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
        chooses = self._random is not None or self.schedule is not None
        if not (chooses and self._ready) or (_importing and _imports()):
            return
        if self.schedule is not None and not _starts():
            self.preempt()
        if self._random and self._ready and self._random.random() < 0.25:
            self.pass_on()

    def preempt(self, *, free: bool = False) -> None:
        """Preempt the running thread, if the schedule says so.

        Args:
            free: True if only an interpreter without a GIL may switch threads there.
        """
        me = self.current
        if self._choosing:  # code that a choice runs, such as the name of a thread
            return
        starter, me.starter = me.starter, None
        schedule = self.schedule
        if not (self._ready or self._timers or self.failure) and schedule:
            if schedule.on:
                schedule.took(me)
            return
        if starter is not None and starter in self._ready:
            # It starts the next threads first. So one choice is enough for an order in
            # which these run ahead of this one.
            self._ready.append(me)
            self._cede(me, starter)
            return
        while (thread := self._service()) is not None:
            self._ready.appendleft(me)
            self._cede(me, thread)
        thread = self._chosen(me, free=free)
        if thread is not me:
            self._ready.appendleft(me)
            self._cede(me, thread)

    def _cede(self, me: ManagedThread, thread: ManagedThread) -> None:
        """Let a ready thread run, and wait for the baton."""
        if thread in self._ready:
            self._ready.remove(thread)
        self._hand_to(thread)
        self._await_baton(me)
        if self.unwinding:
            self._refuse(me)

    def _service(self) -> ManagedThread | None:
        """Return a ready thread that runs at once under a schedule, without a choice.

        The helper makes calls of the world, and a new thread comes to its first point.
        """
        if self.schedule is None or self.unwinding:
            return None
        for thread in self._ready:
            if thread is self._helper or thread.starter is not None:
                return thread
        return None

    def _chosen(self, me: ManagedThread | None, *, free: bool = False) -> ManagedThread:
        """Take the thread that runs next. ``me`` runs now, and may run on."""
        schedule, ready = self.schedule, self._ready
        if schedule is None or not schedule.on or self.unwinding or self.failure:
            return me or ready.popleft()
        while True:
            lanes = [*itertools.islice(ready, WIDTH)]
            if me is not None:
                lanes.insert(0, me)
            if len(ready) > WIDTH:
                schedule.cut = True
            ahead = None
            if self._timers:
                first = self._first_timer()
                if first is not None and first - self.ns <= schedule.left():
                    ahead = max(0, first - self.ns)
            self._choosing = True
            try:
                index = schedule.pick(lanes, self._describe, ahead, free=free)
            finally:
                self._choosing = False
            if index != CLOCK:
                break
            self._jump()
        if lanes[index] is not me:
            ready.remove(lanes[index])
        return lanes[index]

    @contextlib.contextmanager
    def _without_choice(self) -> Generator[None]:
        """Run code of the world's own, in which no thread is preempted."""
        self._choosing = True
        try:
            yield
        finally:
            self._choosing = False

    def _describe(self, thread: ManagedThread) -> str:
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        if thread is not self.main and thread.work is not None:
            return f"thread {thread.name}, which begins"
        return f"thread {thread.name}: {_where(frames.get(thread.ident))}"

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
        if me.looks == 2 * GRACE:
            me.looked = time_process()
        spent = time_process() - me.looked
        # A loop is asked when its turn ends: see `yielded`.
        asked = not (me.looks % (20 * GRACE) or (self.is_of_loop and me is self.main))
        if (asked and self._all_look(spent)) or spent > SPIN:
            self._end_spin()
        if self._ready and not locked:
            self.pass_on()

    def _all_look(self, spent: float) -> bool:
        """Return whether each actor that may run is in a loop that only looks.

        Then only time can change something. A thread from before the run might do so
        as well, unless the actors have looked for ``spent`` seconds already. To be
        sure, it takes two calls. An actor that polls a clock makes it move itself: see
        `read_clock`.
        """
        polled, self._polled = self._polled and self._polls < POLLS, False
        if self.outside or self.peers or polled:
            return False
        if spent < REAL and len(_threading._active) > len(self._live):
            return False
        look = all(map(self._only_looks, (self.current, *self._ready)))
        self._sure = self._sure + 1 if look else 0
        return self._sure > 1

    def _only_looks(self, thread: ManagedThread) -> bool:
        if thread is self.main and self.loop_looks is not None:
            return self.loop_looks()
        return _loop_of(thread) is not None

    def _end_spin(self) -> None:
        """Let time pass for actors that spin, or else fail the run."""
        self.current.looks = self._polls = self.rounds = self._sure = 0
        self._spun += 1
        first, due = self._first_timer(), self.loop_timer()
        moved = False
        if self._spun > SPUN:
            pass
        elif due is not None and (first is None or due <= first):
            moved = True
            if self.may_jump(due):
                self._move_to(due)
        elif first is not None:
            spun, moved = self._spun, self._jump()
            self._spun = spun
        if not moved:
            me = self.current
            self.fail(_spins(me, self.inside() if me is self.main else []))
            if self.unwinding:
                self._refuse(me)

    def may_go_ahead(self, ahead: int, schedule: Schedule) -> bool:
        """Return whether the clock may go ahead while an actor is ready."""
        if ahead > schedule.left():
            return False
        first = self._first_timer()
        return first is None or first >= self.ns + ahead

    def go_ahead(self, ns: int) -> None:
        """Move the clock to an instant, although an actor is ready."""
        first = self._first_timer()
        if first is not None and first <= ns:
            self._jump()
        self._move_to(ns)

    def creep(self, seconds: float = 0) -> None:
        """Move the reading by an ulp, for threads that poll until it passes a value."""
        self.reading += max(seconds, math.ulp(max(1.0, self.reading)))
        if self.reading * 1e9 >= self.ns + 1:
            self._move_to(self.ns + 1)

    def read_clock(self) -> None:
        """Note that a thread reads a clock, and move it for one that only polls it.

        Code such as ``while monotonic() < end: await sleep(0)`` ends in real time,
        because each round takes some. So after `GRACE` rounds of a read and a yield in
        which nothing else has happened, the clock moves, each time a little more. It
        never passes a timer, and it passes ``end`` by 0.02 % at most.
        """
        if not self._yielded:
            return
        self._yielded, self._polled = False, True
        self._polls += 1
        # Under a schedule, a turn of trio's loop is one step of one task. Thousands of
        # tasks that each read the clock once do not poll it.
        grace = GRACE if self.schedule is None else 5 * GRACE
        if self._polls > grace:
            step = int(1_000 * 2 ** ((self._polls - grace) / 5_000))
            first = self._first_timer()
            moved = self.ns + step
            if first is not None and first <= moved:
                self._jump()
            else:
                self._move_to(moved)

    def yielded(self) -> None:
        """Note that a thread or a loop has let others run, without a wait."""
        self._yielded = True
        self.look()
        self.rounds += 1
        over = self.rounds >= self.most_turns
        if self.rounds % self.turns and not over:
            return
        if self.rounds == self.turns:
            self._since = time_process()
        spent = time_process() - self._since
        if over or spent > SPIN or self._all_look(spent):
            self._end_spin()

    def may_poll(self) -> None:
        """Note that code has yielded; a clock that is read next may be polled."""
        self._yielded = True

    def due(self, seconds: float) -> int:
        """Return the instant, in nanoseconds, that is ``seconds`` from now.

        A wait that is longer than zero moves the clock: by as much as a float of
        seconds can tell, or, if it is shorter than a nanosecond, first its `reading`.
        """
        if not seconds > 0:
            return self.ns
        if seconds < 1e-9:
            self.creep(seconds)
            self._tiny += 1
            # One who reads a clock of whole nanoseconds would never see it move.
            return self.ns + self._tiny // 10_000
        least = max(1, math.ceil(math.ulp(self.ns / 1e9) * 1e9))
        return self.ns + max(least, round(seconds * 1e9))

    def sleep(self, seconds: float) -> None:
        """Replace ``time.sleep``."""
        due = self.due(seconds)
        if due > self.ns:
            self.wait(due)
        else:
            self.pass_on()
            self.yielded()
        if self.current is self.main:
            self.held_up()

    def idle(self, descriptor: int, due: int | None) -> None:
        """Wait in a loop of the main thread until there is input, or for an instant."""
        if not self.skip_to(due):
            self._idles = True
            try:
                self.wait(due, [(descriptor, select.POLLIN)])
            finally:
                self._idles = False

    def skip_to(self, due: int | None) -> bool:
        """Jump to an instant at once, if nothing can happen before; return if so."""
        if due is None or due <= self.ns or not self._is_next(due):
            return False
        self.current.looks = 0
        self._progress()
        if self.may_jump(due):
            self._move_to(due)
        return True

    def _is_next(self, due: int) -> bool:
        """Return whether nothing can happen before that instant."""
        if self._ready or self._watched or self.outside or self.peers or self.failure:
            return False
        if len(_threading._active) > len(self._live):  # there may be strangers
            return False
        first = self._first_timer()
        return first is None or first > due

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
        self.outside.pop(thread.ident, None)
        self.current = thread
        with _unless_open:
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
            if self._outsiders_move(REAL):
                continue
            if self._ready or self._pace() or self._jump():
                continue
            if self._expects_input() and self._see(self.patience):
                continue
            if self._ready or self._strangers_act():
                continue
            self._give_up(Deadlock(self.waiters()))
        if self._random:
            lot = self._random.randrange(len(self._ready))
            thread = self._ready[lot]
            del self._ready[lot]
            return thread
        thread = self._service()
        if thread is not None:
            self._ready.remove(thread)
            return thread
        return self._chosen(None)

    def _expects_input(self) -> bool:
        """Return whether a descriptor is watched besides those of an idle loop."""
        if not self._watched:
            return False
        watchers = [thread for each in self._watched.values() for thread, _ in each]
        if self.loop_watches() or not self._idles:
            return True
        return any(thread is not self.main for thread in watchers)

    def _give_up(self, error: BaseException) -> None:
        """End the run by this error, because none of its threads can run.

        A loop may say that it ends by itself (`resolve`). If it is not ready then, the
        threads are unwound, because nothing else would ever end the run.
        """
        self.fail(error)
        if not self._ready and not self.unwinding:
            self.failure = self.failure or error
            self._abort()

    def _first_timer(self) -> int | None:
        timers = self._timers
        while timers and not _valid(timers[0]):
            heappop(timers)
        return timers[0][0] if timers else None

    def _jump(self) -> bool:
        """Move the clock to the next timer, and wake all threads of that instant."""
        first = self._first_timer()
        if first is None:
            return False
        if first > self.ns and not self.may_jump(first):
            return True  # the run is over: whatever has to end is ready
        self._move_to(first)
        self._progress()
        timers = self._timers
        while timers and timers[0][0] <= self.ns:
            timer = heappop(timers)
            if _valid(timer):
                self._make_ready(timer[2], woken=False)
        return True

    def _progress(self) -> None:
        self._moves += 1
        self._polls = self.rounds = self._sure = self._spun = 0

    def _move_to(self, ns: int) -> None:
        if ns > self.ns:
            self.ns, self._tiny = ns, 0
            self.reading = max(self.reading, ns / 1e9)

    # What is outside of the machine

    def _pace(self) -> bool:
        """Let time pass for real, while an answer from outside of the run may come.

        Return whether a thread is ready, or the clock has moved.
        """
        if not (self._watched and self.peers):
            return False
        first = self._first_timer()
        if first is None:
            return False
        began, left = real_time(), (first - self.ns) / 1e9
        found = self._see(left)
        passed = round((real_time() - began) * 1e9)
        if found:
            self._move_to(min(first, self.ns + passed))
            return True
        return self._jump()

    def _managed(self) -> set[int]:
        return {thread.ident for thread in self._live}

    def _outsiders_move(self, patience: float) -> bool:
        """Wait while a thread outside of the machine moves. Return whether one acted.

        Raises:
            NotCovered: One is really blocked, by something else than a thread.
        """
        if not self.outside and len(_threading._active) <= len(self._live):
            return False
        began = real_time()
        limit = began + patience
        self._really_waits = True
        try:
            while not self._ready:
                states = {t: state_of(t.native) for t in list(self.outside.values())}
                for thread in [t for t, s in states.items() if s is State.ENDED]:
                    self.outside.pop(thread.ident, None)
                moving = [t for t, s in states.items() if s is not State.WAITS]
                if State.RUNS in states.values():
                    limit = real_time() + patience
                strangers = self._strangers.found(self._managed())
                acted = [self._strangers.moves(t.native_id or 0) for t, _ in strangers]
                if not moving and True not in acted:
                    return False
                if moving and real_time() > limit:
                    self._give_up(_blocks(moving[0]))
                    return True
                if not moving and real_time() > began + self._patience_left:
                    return False
                really_sleep(0.001)
            return True
        finally:
            self._really_waits = False
            if not self.outside:
                spent = real_time() - began
                self._patience_left = max(0, self._patience_left - spent)

    def _strangers_act(self) -> bool:
        """Wait for a thread from outside of the run. Return whether one acted.

        One that may still act when time is up ends the run: it could be no deadlock. A
        thread that is in code of libraries only, such as a server's, has to be asked
        for something before it acts, and this run has nothing that it could answer.
        """
        limit, idle = real_time() + REAL, 0
        self._really_waits = True
        try:
            while True:
                listed = self._strangers.found(self._managed())
                able = [
                    (stranger, frame)
                    for stranger, frame in listed
                    if state_of(stranger.native_id or 0) is not State.WAITS
                ]
                if self._ready:
                    return True
                # One that wants the interpreter's lock waits as well, for a moment.
                idle = 0 if able else idle + 1
                if not listed or idle == SURE:
                    return False
                if able and real_time() > limit:
                    own = [
                        each
                        for each in able
                        if not is_of_libraries(each[1]) or _makes_a_call(each[1])
                    ]
                    if own:
                        self._give_up(_waits_for(*own[0], self.waiters()))
                    return bool(own)
                really_sleep(0.002)
        finally:
            self._really_waits = False

    def take_over(self) -> None:
        """Pass the baton on in place of a thread that is blocked for real."""
        blocked = self.current
        if self.schedule is not None and not self.unwinding:
            # It comes back at an instant that no schedule can repeat.
            self.failure = self.failure or _blocks_under_schedule(blocked)
        self.outside[blocked.ident] = blocked
        self.current = ManagedThread("nothing")
        self._hand_to(self._next())

    def deliver(self, number: int, handler: Any) -> None:
        """Have the main thread handle a signal, with the baton."""
        if self.current is self.main:
            handler(number, sys._getframe())  # pyright: ignore
            return
        self._signals.append((number, handler))
        if self.main.waiting:
            self._make_ready(self.main, woken=False)

    def alarm(self, seconds: float, interval: float) -> tuple[float, float]:
        """Have SIGALRM delivered in virtual time; return what was left of the last."""
        left = self.alarm_left()
        self._alarm = 0, interval
        if seconds > 0:
            self._alarm = self.due(seconds), interval
            self._plan_alarm()
        return left

    def alarm_left(self) -> tuple[float, float]:
        """Return the seconds until SIGALRM is delivered, and its interval."""
        due, interval = self._alarm
        return max(0, due - self.ns) / 1e9, interval

    def _plan_alarm(self) -> None:
        mine = self._alarm

        def ring() -> None:
            if self._alarm is not mine:  # it was set again, or off
                return
            self._alarm = 0, mine[1]
            if mine[1] > 0:
                self._alarm = self.due(mine[1]), mine[1]
                self._plan_alarm()
            handler = signal.getsignal(signal.SIGALRM)
            if is_handled(handler):
                self.deliver(signal.SIGALRM, handler)
            elif callable(handler):
                _raise_signal(signal.SIGALRM)
            elif handler is not signal.SIG_IGN:
                self.fail(
                    NotCovered("SIGALRM has no handler: it would end the process")
                )

        self.call_at(mine[0], ring)

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
        poll = real_poll()
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
        self._really_waits = seconds > 0
        found = self._poll.poll(seconds * 1000)
        self._really_waits = False
        for descriptor, events in found:
            if events & select.POLLNVAL and self._forget(descriptor):
                continue
            for thread, wanted in self._watched[descriptor]:
                if events & (wanted | _FAILED):
                    self.wake(thread)
        return bool(self._ready)

    def _forget(self, descriptor: int) -> bool:
        """Ignore a descriptor that another thread has closed, as the system does.

        A thread that waits for nothing else, without a timeout, gets the error.
        """
        if self._first_timer() is None:
            return False
        self._watched.pop(descriptor)
        self._poll.unregister(descriptor)
        return True

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

    def waiters(self) -> list[str]:
        """Return where each live thread waits."""
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        listed: list[str] = []
        for thread in self._live:
            if thread is self._helper and self._helper_idle:
                continue
            if thread is self.main and (waiters := self.inside()):
                listed += waiters
                blocked = self.is_of_loop or thread.ident in self.outside
                if self._idles or not blocked:
                    continue
                # It does not wait in its loop: code that the loop runs has blocked it.
            line = f"thread {thread.name}: {_where(frames.get(thread.ident))}"
            holder = thread.wants.holder if thread.wants else None
            if isinstance(holder, ManagedThread) and holder is not thread:
                since = thread.wants.since if thread.wants else ""
                line += f" (held by thread {holder.name}{since and f' since {since}'})"
            listed.append(line)
        return listed

    def line_to_tell(self) -> str:
        """Return file and line of the running thread, if the schedule is described."""
        if self.schedule is None or not self.schedule.telling:
            return ""
        line = re.search(r"[^:]*:\d+", _where(sys._getframe(1)))  # pyright: ignore
        return line[0] if line else ""

    def look_after(self, seen: Seen) -> Seen:
        """Look after the thread that has the baton: it may spin, or really block."""
        found = self._look_after(seen)
        thread, loop = self.current, None
        if found.moves == seen.moves and not self._really_waits:
            loop = _loop_of(thread)
        if loop is None or loop != seen.loop:
            return found._replace(loop=loop)
        if seen.looks + 1 == LOOKS:
            self._stop(thread)
        return found._replace(loop=loop, looks=seen.looks + 1)

    def _stop(self, thread: ManagedThread) -> None:
        """Fail the run, and interrupt the thread that never waits."""
        self.failure = self.failure or _spins(thread)
        _interrupt(thread.ident)

    def _look_after(self, seen: Seen) -> Seen:
        thread = self.current
        if seen.moves != self._moves or self._really_waits:
            return Seen(self, self._moves, time_process())
        blocked, since = seen.blocked, seen.since
        # While this thread looks, one that computes waits for the interpreter's lock.
        # So its state is that of a blocked one. Its processor time is not.
        state, work = state_of(thread.native), worked(thread.native)
        stirs = state is State.RUNS or work - seen.work > TICK / 10
        if stirs or not thread.native or _is_ours(thread):
            blocked = 0
        else:
            blocked += 1
        enough = STUCK if state is State.WAITS else round(BLOCKED / TICK)
        if self.failure and thread is self.main and blocked:
            pthread_kill(thread.ident, signal.SIGINT)
        elif blocked >= enough and self.current is thread:
            self.take_over()
            blocked = 0
        elif time_process() - since > SPIN:
            since = time_process()
            self._stop(thread)
        return Seen(self, seen.moves, since, blocked, work)


class Seen(NamedTuple):
    """The findings of a look at a machine."""

    machine: Machine | None = None
    moves: int = -1
    since: float = 0.0
    """CPU time of the process when a thread last passed the baton on."""
    blocked: int = 0
    """The number of looks at which the thread with the baton was blocked."""
    work: float = 0.0
    """Seconds of processor time of that thread."""
    loop: tuple[int, int] | None = None
    """The loop in which that thread only looks, if it does."""
    looks: int = 0
    """The number of looks in a row at which it was in this loop."""


class _Watchdog:
    """A thread that looks after the machine that runs, ten times a second.

    It ends some seconds after the last run, because starting one takes longer than a
    short run.
    """

    def __init__(self) -> None:
        self._lock = real_lock()
        self._awake = False

    def start(self) -> None:
        """Have the watchdog look after the machine, if it does not do so already."""
        with self._lock:
            if not self._awake:
                self._awake = True
                start_new_thread(self._watch, ())

    def _watch(self) -> None:
        seen, idle = Seen(), 0
        while idle < IDLE:
            really_sleep(min(TICK, SPIN / 4))
            machine = _active
            idle = 0 if machine else idle + 1
            with self._lock:
                if idle >= IDLE and _active is None:
                    self._awake = False
                    return
            if machine is None:
                seen = Seen()
            elif seen.machine is machine:
                seen = machine.look_after(seen)
            else:
                seen = Seen(machine, machine._moves, time_process())  # pyright: ignore


tracer: Any = None
"""The trace function of threads under a schedule, on Python 3.11."""


def preempt(code: CodeType, offset: int, may_switch: bool) -> bool:
    """Preempt the calling thread, if a schedule says so.

    Return whether the schedule needs more points in this run.
    """
    global _exhausted
    machine = _active
    if machine is None or (schedule := machine.schedule) is None:
        return True
    if machine.current.ident != get_ident() or machine.unwinding:
        return True
    if not schedule.on and len(schedule.options) <= MOST:  # not yet, or at the end
        return True
    schedule.points += 1
    if not schedule.on or schedule.points > POINTS:
        schedule.cut = _exhausted = True
        return False
    thread, free = machine.current, not may_switch
    if not schedule.telling:
        machine.preempt(free=free)
        return True
    access = access_at(code, offset)
    schedule.is_about_to(thread, access)
    machine.preempt(free=free)
    schedule.does(thread, access, f"thread {thread.name}")
    return True


_exhausted = False
"""True if the last run has needed no more points."""


def begin_points() -> None:
    """Have all points reported, as a run with a schedule begins."""
    global _exhausted
    if _exhausted:
        _exhausted = False
        again()


@contextlib.contextmanager
def preempting() -> Generator[None]:
    """Let schedules preempt threads in the code under test."""
    global tracer
    with points(preempt) as tracer:
        try:
            yield
        finally:
            tracer = None


_unless_open = contextlib.suppress(RuntimeError)
"""A block that opens a gate, which is open already after an interruption."""

_watchdog = _Watchdog()
_active: Machine | None = None


def active() -> Machine | None:
    """Return the machine that runs, if there is one."""
    return _active


def set_active(machine: Machine | None) -> None:
    """Set the machine that runs; None once it has ended."""
    global _active
    _active = machine
    if machine is not None:
        _watchdog.start()


def mine() -> Machine | None:
    """Return the machine, if the caller is one of its threads."""
    return _active if _active and _active.mine() else None


def _starts() -> bool:
    """Return whether a thread is being started: no code under test has a part in it."""
    frame: FrameType | None = sys._getframe(2)  # pyright: ignore
    while frame is not None and frame.f_code.co_filename in _STARTING:
        if frame.f_code in _STARTS:
            return frame.f_code is not _RUN
        frame = frame.f_back
    return False


def _imports() -> bool:
    """Return whether a module is being loaded, which the next run need not do.

    A choice there would make a difference between two runs with the same seed.
    """
    frame: FrameType | None = sys._getframe(2)  # pyright: ignore
    while frame is not None and frame.f_code.co_filename in _STARTING:
        frame = frame.f_back  # the lock
    while frame is not None and frame.f_code.co_filename not in _OURS:
        if frame.f_code.co_filename == _IMPORTS:
            return True
        frame = frame.f_back
    return False


def _valid(timer: tuple[int, int, ManagedThread, int]) -> bool:
    return timer[2].waiting and timer[2].turn == timer[3]


def _is_ours(thread: ManagedThread) -> bool:
    """Return whether a thread is in a wait of this module, so that it continues."""
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    frame = frames.get(thread.ident)
    return frame is None or frame.f_code.co_filename == __file__


def _loop_of(thread: ManagedThread) -> tuple[int, int] | None:
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    return loop_that_looks(outwards(frames.get(thread.ident)))


def _spins(thread: ManagedThread, tasks: list[str] | None = None) -> NotCovered:
    why = (
        "a thread polls or computes without ever waiting, and virtual time passes "
        "only while all threads wait; let it wait, or sleep between its looks"
    )
    if tasks:
        return NotCovered("\n  ".join([f"{why}:", *tasks]))
    return _not_covered(why, thread)


def _blocks(thread: ManagedThread) -> NotCovered:
    return _not_covered(
        "a thread waits in real time, in a call that this world does not replace, and "
        "nothing else can run; do that outside of a world, or replace it in the test",
        thread,
    )


def _blocks_under_schedule(thread: ManagedThread) -> NotCovered:
    return _not_covered(
        "under a schedule, a thread waits for something real, such as a lock that was "
        "made before the run; make it in the function that runs",
        thread,
    )


def _not_covered(why: str, thread: ManagedThread) -> NotCovered:
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    where = _where(frames.get(thread.ident))
    return NotCovered(f"{why}:\n  thread {thread.name}: {where}")


def _makes_a_call(frame: FrameType | None) -> bool:
    """Return whether a thread of a pool makes one of the calls given to the pool."""
    call = _pools._WorkItem.run.__code__
    return any(each.f_code is call for each in outwards(frame))


def _waits_for(
    stranger: threading.Thread, frame: FrameType, waiters: list[str]
) -> NotCovered:
    listed = "".join(f"\n  {waiter}" for waiter in waiters)
    return NotCovered(
        f"nothing in this run can move by itself, and in {REAL:g} s the thread "
        f"{stranger.name}, which was started outside of the run, has not moved it "
        f"either; start that thread in the run. It is at {_where(frame)}. "
        f"Waiting:{listed}"
    )


def _interrupt(ident: int) -> None:
    import ctypes  # rarely needed

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), ctypes.py_object(Unwind)
    )


_OURS = {
    str(path)
    for folder in (Path(__file__).parent, Path(__file__).parents[2] / "world")
    for path in folder.rglob("*.py")
}
_STARTING = _OURS | {_threading.__file__}
_IMPORTS = "<frozen importlib._bootstrap>"
_importing: Any = getattr(_bootstrap, "_module_locks")  # noqa: B009
"""The locks of the modules that are being loaded. Mostly it is empty."""
_RUN = _threading.Thread.run.__code__
_STARTS = (
    _RUN,
    _threading.Thread.start.__code__,
    _threading.Thread._bootstrap_inner.__code__,
)
_WAITING = {
    module.__file__ for module in (threading, queue, _base, _pools, selectors, socket)
} | _OURS


def _where(frame: FrameType | None) -> str:
    """Return where a thread waits, and the name of the call in which it waits."""
    frames = outwards(frame)[::-1]
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
