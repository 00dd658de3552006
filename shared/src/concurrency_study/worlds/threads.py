"""Threads in virtual time: ordinary threads, of which exactly one at a time may run.

That thread holds the **baton**. It passes the baton on when it waits: for a lock, a
sleep, another thread, a descriptor. When no thread can run, input that is already there
comes first. Then the clock jumps to the next timer. If there is neither, the run fails
with `Deadlock`.

While a world runs, everything that threads wait with is replaced: locks, the start and
the end of threads, ``time.*``, ``SimpleQueue``, ``select`` and ``selectors``,
``os.read`` and ``os.write``, the blocking methods of sockets. They are also replaced
where a module imported them by name. Condition, Event, Queue, Future,
ThreadPoolExecutor and Timer are the standard library's own code on top. Threads that
the world did not start do not see the replacements.

Without a seed the order is first come, first served, and the same in every run. With a
seed, the next thread is chosen at random and may be preempted at each lock operation.
The same seed gives the same run again.

Not covered:

- ``Lock``, ``SimpleQueue`` and ``ThreadPoolExecutor`` objects made before the run: a
  thread that waits for one really blocks, and keeps the baton. (Event, Condition,
  Semaphore and Queue objects may be made before, if no thread sleeps while it holds
  their lock.)
- ``time.sleep`` and such captured in default arguments; ``datetime.now()``; the module
  ``_thread`` itself.
- Other calls that really block and keep the baton: ``input``, opening a FIFO, TLS
  sockets, reading one `World.source` from two threads. Virtual time does not pass
  meanwhile.
- Subprocesses, ``fork`` and multiprocessing: they raise `NotCovered`.
- Computing takes no time. A thread that waits by computing alone never passes the
  baton. It fails the run after `SPIN` seconds of CPU time.
"""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import inspect
import io
import itertools
import math
import os
import queue
import random
import re
import select
import selectors
import socket
import subprocess
import sys
import threading
import time
import weakref
from _thread import allocate_lock as real_lock
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from concurrent.futures import (
    CancelledError,
    Future,
    ThreadPoolExecutor,
    _base,  # pyright: ignore[reportPrivateUsage]
    as_completed,
)
from heapq import heappop, heappush
from multiprocessing.process import BaseProcess
from threading import get_ident
from types import FrameType
from typing import Any, BinaryIO, NoReturn

from ..world import (
    PATIENCE,
    Deadlock,
    Job,
    NotCovered,
    World,
    driven,
    leaves,
    waits_at,
)

SPIN = 20.0
"""Seconds of CPU time for which a thread may compute without a call of this module."""

LIMIT = 1_000_000
"""Looks at clocks and locks, without a wait, after which a thread is spinning."""

HORIZON = 3600.0
"""Virtual seconds for which an answer may run after it was cancelled."""

GRACE = 1_000
"""Looks after which other threads get their turn, and the clock begins to creep."""

# Private names of the standard library, which the type checker does not know.
_threading: Any = threading
_queue: Any = queue
_pools: Any = concurrent.futures.thread
_PY_RLOCK: Any = _threading._RLock
_REAL_RLOCK: Any = _threading._CRLock
_PY_SIMPLE_QUEUE: Any = _queue._PySimpleQueue
_REAL_SIMPLE_QUEUE: Any = queue.SimpleQueue

_FAILED = select.POLLERR | select.POLLHUP | select.POLLNVAL

Descriptors = Iterable[tuple[int, int]]
"""Descriptors with the ``select.POLL*`` events that are awaited of them."""


class _Unwind(BaseException):
    """The exception that ends a thread of a run that is over."""


class ThreadsJob(Job):
    """A job that may have been given a stop event.

    The event stays set. So a job that swallows its cancellation is cancelled again in
    its next wait. A wait in a cleanup, while the cancellation is handled or in a
    `shield`, only sleeps.
    """

    stop: Any = None
    """The stop event, if the job was given one."""
    _shields = 0

    @contextlib.contextmanager
    def shield(self) -> Generator[None]:
        """Return a block whose waits do not look at the event."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    async def native_sleep(self, seconds: float) -> None:
        if self._may_stop():
            self._wait(seconds)
        else:
            time.sleep(seconds)  # noqa: ASYNC251

    async def native_forever(self) -> None:
        if self._may_stop():
            self._wait(None)
        else:
            threading.Event().wait()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        with ThreadPoolExecutor(len(calls)) as pool:
            for future in as_completed([pool.submit(call) for call in calls]):
                future.result()

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(call).result()

    async def native_readable(self, descriptor: int) -> None:
        select.select([descriptor], [], [])

    def _may_stop(self) -> bool:
        if self.stop is None or self._shields:
            return False
        handled = sys.exception()  # of this thread, anywhere on its stack
        while handled is not None:
            if any(isinstance(leaf, CancelledError) for leaf in leaves(handled)):
                return False
            handled = handled.__context__
        return True

    def _wait(self, seconds: float | None) -> None:
        if self.stop.wait(seconds):
            raise CancelledError


class ThreadsWorld(World):
    """A place where threads run in virtual time.

    A job that is called with one more argument than it takes, an event, is asked to
    stop by that event: its sleeps then raise `concurrent.futures.CancelledError`.

    Nothing can cancel a running call from outside: with ``cancel_at``, `run` calls
    ``Future.cancel()`` at that instant, to no effect. An answer that still runs
    `HORIZON` seconds later fails.
    """

    name = "threads"
    Cancelled = CancelledError
    kind = "thread"
    order = (
        "the system chooses which of the threads that are ready runs next; here the "
        "order is first come, first served"
    )

    def __init__(
        self, answer: Callable[..., Any] | None = None, seed: int | None = None
    ) -> None:
        self._machine: Machine | None = None
        super().__init__(answer)
        self.seed = seed

    def now(self) -> float:
        """Return virtual seconds since the world began to run, to the nanosecond."""
        return self._machine.ns / 1e9 if self._machine else 0.0

    def lose(self, error: BaseException) -> None:
        """Remember an error that no thread has taken; it fails the run."""
        if not isinstance(error, _Unwind):
            super().lose(error)

    def source(self, descriptor: int) -> BinaryIO:
        """Return a readable binary file over a real descriptor, which it closes."""
        return io.BufferedReader(_Source(descriptor))

    def here(self) -> object:
        """Return the thread that runs now."""
        return threading.current_thread()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return driven(function)

    def enter_job(
        self, function: Callable[..., Any], args: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], Job]:
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        takes = sum(k <= inspect.Parameter.POSITIONAL_OR_KEYWORD for k in kinds) - 1
        stop = None
        if len(args) == takes + 1 and inspect.Parameter.VAR_POSITIONAL not in kinds:
            last = args[-1]
            if hasattr(last, "wait") and hasattr(last, "is_set"):
                args, stop = args[:-1], last
        args, w = super().enter_job(function, args)
        assert isinstance(w, ThreadsJob)
        w.stop = stop
        return args, w

    def native_job(self, actor: str) -> Job:
        return ThreadsJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        assert self._machine
        self._machine.call_at(round(seconds * 1e9), callback)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        if _machine:
            raise NotCovered("only one world of threads runs at a time: run it later")
        machine = self._machine = Machine(self.lose, self.seed)
        if self.trace.watching:
            machine.begins, machine.ends = self._begins, self._ends
        value, error = None, None
        with machine.running():
            self.note_main(threading.current_thread())
            try:
                self.call_planned()
                function, *args_ = map(machine.replaced, (function, *args))
                value = self._call(function, tuple(args_))
            except KeyboardInterrupt as interruption:
                machine.fail(interruption)
            except BaseException as raised:
                error = raised
            events = len(self.trace)
            if not machine.failure:
                self.note_end(self._natives())
            machine.unwind()
            del self.trace.events[events:]  # they were only the unwinding
            if machine.failure:
                self.this_run.given_up = True
                self.note_end([])
        return value, machine.failure or error

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Call the answer in the calling thread, which has the baton.

        A subclass may run something else here, inside the machine.
        """
        if self.this_run.cancel_at:
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()
            self.cancel_by(future.cancel)
            self.native_call_at(
                self.this_run.cancel_at[-1] + HORIZON, self._not_cancelled
            )
        return function(*args)

    def _begins(self, thread: _Thread) -> None:
        """Note a thread that the answer has started."""
        name = thread.name
        target = getattr(thread.owner, "_target", None)
        if target is _pools._worker:
            name = "worker"
        elif re.fullmatch(r"\?|Thread-\d+( \(.*\))?", name):
            name = str(getattr(target, "__name__", "thread"))
        self.note_spawned(thread.owner or thread, name)

    def _ends(self, thread: _Thread) -> None:
        name = self.this_run.names.get(thread.owner or thread, "")
        self.trace.exited(name, "error" if thread.failed else "end")

    def _not_cancelled(self) -> None:
        if self._machine:
            text = f"the answer still runs, {HORIZON:g} s after it was cancelled"
            self._machine.fail(AssertionError(text))

    def _natives(self) -> list[str]:
        """Return the names of the threads that are alive, without the answer itself."""
        return self._machine.alive() if self._machine else []


class _Thread:
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
        self.sentinel = _Sentinel()
        self.waiting = False
        self.woken = False
        self.turn = 0
        """The number of its waits: a timer of an earlier wait is void."""
        self.looks = 0
        """The number of its looks (see `Machine.look`) since its last real wait."""
        self.refused = 0
        self.failed = False
        self.wants: _Lock | None = None

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
    - *Ended*: it is no longer in ``_live``.

    The rule that keeps this right: only the thread with the baton changes the machine,
    so the machine needs no lock of its own. A thread that passes the baton on makes the
    next thread ``current``, opens its gate, and blocks in its own gate (`_switch`).
    There are three exceptions. The watchdog sets ``failure``. A signal makes the
    waiting main thread ready. An unmanaged thread that releases a lock of the world
    makes the next waiter ready.

    When a run has ended or failed, the other threads are *unwound*: every waiting
    thread becomes ready, and its wait raises `_Unwind`, which ends it.
    """

    def __init__(
        self, lose: Callable[[BaseException], None], seed: int | None = None
    ) -> None:
        self.lose = lose
        self.ns = 0
        """The virtual time in nanoseconds, an int, so that sums of sleeps are exact."""
        self.reading = 0.0
        """The value of ``time.monotonic``; it may creep ahead of `ns` by some ulps."""
        self.failure: BaseException | None = None
        """The error with which the machine itself has ended the run."""
        self.unwinding = False
        self.begins: Callable[[_Thread], object] = lambda _: None
        self.ends: Callable[[_Thread], object] = lambda _: None
        """Called when a thread of the code under test begins, and when it ends."""
        self._random = None if seed is None else random.Random(seed)
        self.main = self.current = _Thread("main")
        self.main.ident = get_ident()
        self._live = {self.main: None}
        self._ready: deque[_Thread] = deque()
        self._timers: list[tuple[int, int, _Thread, int]] = []
        self._order = itertools.count()
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._helper: _Thread | None = None
        self._helper_idle = False
        self._poll = select.poll()
        self._watched: dict[int, list[tuple[_Thread, int]]] = {}
        self._moves = self._points = 0
        self._replaced: dict[int, Any] = {}

    # Life

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Make the calling thread the managed ``main``, and install the replacements.

        Afterwards every name is what it was before.
        """
        global _machine
        over = real_lock()
        over.acquire()
        log = _base.LOGGER
        quiet = log.disabled
        with contextlib.ExitStack() as undo:
            undo.callback(setattr, log, "disabled", quiet)
            _machine = self
            undo.callback(_stop_machine)
            for place, name, new in _replacements(self):
                missing = name not in vars(place)
                old = getattr(place, name)
                self._replaced[id(old)] = new
                setattr(place, name, new)
                if missing:
                    undo.callback(delattr, place, name)
                else:
                    undo.callback(setattr, place, name, old)
            undo.callback(over.release)
            start_new_thread(self._watchdog, (over,))
            yield

    def replaced(self, value: Any) -> Any:
        """Return the replacement of a value, if there is one, or else the value.

        The answer itself may be ``time.sleep``.
        """
        return self._replaced.get(id(value), value)

    def unwind(self) -> None:
        """End all other threads, by an exception in their waits."""
        self._abort()
        while len(self._live) > 1:
            self._switch(self.main)  # returns when no other thread is ready

    def alive(self) -> list[str]:
        """Return the names of the live threads of the code under test, without main."""
        own = (self.main, self._helper)
        return [f"thread {t.name}" for t in self._live if t not in own]

    def spawn(self, thread: _Thread) -> None:
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

    def _live_through(self, thread: _Thread) -> None:
        self._await_baton(thread)
        thread.ident = get_ident()
        work, thread.work = thread.work, None
        try:
            if self.unwinding:
                _threading._limbo.pop(thread.owner, None)
            elif work:
                work()
        except BaseException as error:
            if not isinstance(error, _Unwind | SystemExit):
                thread.failed = True
                self.lose(error)
        finally:
            # The objects that this finalizes still run with the baton.
            del work
            if thread.owner is None:  # then current_thread() has made a dummy thread
                _threading._active.pop(thread.ident, None)
            self._leave(thread)

    def _leave(self, thread: _Thread) -> None:
        if self.failure and not self.unwinding:
            self._abort()
        del self._live[thread]
        if not self.unwinding:
            self.ends(thread)
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

    def _refuse(self, thread: _Thread) -> NoReturn:
        thread.refused += 1
        if thread.refused > 100 and thread is not self.main:
            self.lose(RuntimeError(f"thread {thread.name} cannot be ended"))
            _threading._active.pop(thread.ident, None)
            self._leave(thread)
            while True:
                thread.gate.acquire()
        raise _Unwind

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

    def wake(self, thread: _Thread) -> None:
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

    def _make_ready(self, thread: _Thread, *, woken: bool) -> None:
        thread.waiting, thread.woken = False, woken
        self._ready.append(thread)

    def _switch(self, me: _Thread) -> None:
        following = self._next()
        if following is not me:
            self._hand_to(following)
            self._await_baton(me)

    def _hand_to(self, thread: _Thread) -> None:
        self._moves += 1
        self.current = thread
        with contextlib.suppress(RuntimeError):  # it is open, after an interruption
            thread.gate.release()

    def _await_baton(self, me: _Thread) -> None:
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

    def _next(self) -> _Thread:
        while not self._ready:
            if self.unwinding:
                return self.main
            if self._watched and self._see(0):
                continue
            if self._jump():
                continue
            if self._watched and self._see(PATIENCE):
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

    def _watch(self, descriptor: int, events: int, thread: _Thread) -> None:
        watchers = [*self._watched.get(descriptor, ()), (thread, events)]
        self._register(descriptor, watchers)
        self._watched[descriptor] = watchers

    def _unwatch(self, descriptor: int, thread: _Thread) -> None:
        watchers = self._watched.get(descriptor, [])
        watchers[:] = [w for w in watchers if w[0] is not thread]
        if watchers:
            self._register(descriptor, watchers)
        elif self._watched.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def _register(self, descriptor: int, watchers: list[tuple[_Thread, int]]) -> None:
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
            self._helper = _Thread("(callbacks of the world)", work=self._help)
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
            line = f"thread {thread.name}: {_where(frames.get(thread.ident))}"
            holder = thread.wants.holder if thread.wants else None
            if isinstance(holder, _Thread) and holder is not thread:
                line += f" (held by thread {holder.name})"
            listed.append(line)
        return listed

    def _watchdog(self, over: Any) -> None:
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


_machine: Machine | None = None


def _stop_machine() -> None:
    global _machine
    _machine = None


def _mine() -> Machine | None:
    """Return the machine, if the caller is one of its threads."""
    return _machine if _machine and _machine.mine() else None


def _valid(timer: tuple[int, int, _Thread, int]) -> bool:
    return timer[2].waiting and timer[2].turn == timer[3]


def _spins(thread: _Thread) -> NotCovered:
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    return NotCovered(
        "a thread polls or computes without ever waiting, and virtual time passes "
        "only while all threads wait; let it wait, or sleep between its looks:\n"
        f"  thread {thread.name}: {_where(frames.get(thread.ident))}"
    )


def _interrupt(ident: int) -> None:
    import ctypes  # rarely needed

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), ctypes.py_object(_Unwind)
    )


_WAITING = {
    module.__file__ for module in (threading, queue, _base, _pools, selectors, socket)
} | {__file__}


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
        while inner < len(files) - 1 and files[inner] in (__file__, threading.__file__):
            inner += 1
    while len(frames) > inner + 1 or (frames and files[len(frames) - 1] == __file__):
        frames.pop()
    return waits_at(frames)


# Locks


class _Lock:
    """A lock for managed threads. ``release`` hands it to the first waiter."""

    _yields = True

    def __new__(cls) -> Any:
        return super().__new__(cls) if _mine() else real_lock()

    def __init__(self) -> None:
        self.holder: _Thread | bool = False
        """The thread that acquired it; True if that thread is not managed."""
        self._waiters: deque[_Thread] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if timeout > threading.TIMEOUT_MAX:
            raise OverflowError("timeout value is too large")
        machine = _mine()
        if machine and self._yields:
            machine.point()
        if not self.holder:
            self.holder = machine.current if machine else True
            return True
        if not blocking or timeout == 0:
            if machine:
                machine.look(locked=not self._yields)
            return False
        if machine is None:
            raise NotCovered(
                "a thread outside of the world waits for a lock of the world: let a "
                "thread of the world wait for it"
            )
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
        return woken

    def release(self) -> None:
        machine = _machine
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


class _Signal(_Lock):
    """The lock with which Condition waits, under another lock: it never preempts."""

    _yields = False


class _RLock(_PY_RLOCK):
    """The standard library's RLock in Python, on a lock for managed threads."""

    def __new__(cls) -> Any:
        return object.__new__(cls) if _mine() else _REAL_RLOCK()

    def __init__(self) -> None:
        _PY_RLOCK.__init__(self)
        self._block: Any = _Lock()

    def release(self) -> None:
        if not _machine or not _machine.unwinding or self._is_owned():
            _PY_RLOCK.release(self)

    def __exit__(self, *_: object) -> None:
        self.release()


class _Sentinel(_Signal):
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
        for thread in self._waiters:
            assert _machine
            _machine.wake(thread)
        self._waiters.clear()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return self._opened or super().acquire(blocking, timeout)

    def release(self) -> None:
        if not self._opened:
            super().release()


class _Handle:
    """The handle that a ``threading.Thread`` has of its thread, since 3.13."""

    def __init__(self, thread: _Thread) -> None:
        self._thread = thread
        self._sentinel = thread.sentinel
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


class _SimpleQueue(_PY_SIMPLE_QUEUE):
    """The standard library's SimpleQueue in Python."""

    def __new__(cls) -> Any:
        return object.__new__(cls) if _mine() else _REAL_SIMPLE_QUEUE()


# Descriptors


class _Source(io.FileIO):
    """A file whose blocking reads wait in virtual time."""

    def readinto(self, buffer: Any, /) -> int | None:
        _before_io(self.fileno(), select.POLLIN)
        return super().readinto(buffer)

    def read(self, size: int | None = -1, /) -> Any:
        return io.RawIOBase.read(self, -1 if size is None else size)

    def readall(self) -> Any:
        return io.RawIOBase.readall(self)


def _before_io(descriptor: int, events: int) -> None:
    machine = _mine()
    if machine and os.get_blocking(descriptor):
        machine.until(descriptor, events)


_poll = select.poll


class _Poller:
    """A ``select.poll`` or ``select.epoll`` object that waits in virtual time."""

    def __init__(self, real: Any, to_seconds: float) -> None:
        self._real = real
        self._to_seconds = to_seconds
        self._events: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __enter__(self) -> _Poller:
        self._real.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._real.__exit__(*args)

    def register(self, fd: Any, *mask: int) -> None:
        self._real.register(fd, *mask)
        number = fd if isinstance(fd, int) else fd.fileno()
        everything = select.POLLIN | select.POLLPRI | select.POLLOUT
        self._events[number] = mask[0] if mask else everything

    def modify(self, fd: Any, mask: int) -> None:
        self._real.modify(fd, mask)
        self._events[fd if isinstance(fd, int) else fd.fileno()] = mask

    def unregister(self, fd: Any) -> None:
        self._real.unregister(fd)
        self._events.pop(fd if isinstance(fd, int) else fd.fileno(), None)

    def poll(self, timeout: float | None = None, *most: int) -> Any:
        machine = _mine()
        if not machine:
            return self._real.poll(timeout, *most)
        if hasattr(self._real, "fileno"):
            awaited = [(self._real.fileno(), select.POLLIN)]
        else:
            awaited = list(self._events.items())
        due = None
        if timeout is not None and timeout >= 0:
            due = machine.due(timeout * self._to_seconds)
        return machine.ready(lambda: self._real.poll(0, *most), awaited, due)


def _selecting(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method ``select`` of a selector, in virtual time.

    This replaces the method and not the system call below it, because the method rounds
    the timeout up to milliseconds.
    """

    def select_(self: Any, timeout: float | None = None) -> Any:
        machine = _mine()
        if not machine:
            return real(self, timeout)
        if hasattr(self, "fileno"):
            awaited = [(self.fileno(), select.POLLIN)]
        else:
            awaited = [
                (
                    key.fd,
                    (select.POLLIN if key.events & selectors.EVENT_READ else 0)
                    | (select.POLLOUT if key.events & selectors.EVENT_WRITE else 0),
                )
                for key in self.get_map().values()
            ]
        due = None if timeout is None else machine.due(timeout)
        return machine.ready(lambda: real(self, 0), awaited, due)

    return select_


def _selecting_function(real: Callable[..., Any]) -> Callable[..., Any]:
    def select_(
        rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /
    ) -> Any:
        machine = _mine()
        if not machine:
            return real(rlist, wlist, xlist, timeout)
        if timeout is not None and timeout < 0:
            raise ValueError("timeout must be non-negative")
        lists = [list(rlist), list(wlist), list(xlist)]
        kinds = (select.POLLIN, select.POLLOUT, select.POLLPRI)
        awaited = [
            (f if isinstance(f, int) else f.fileno(), kind)
            for files, kind in zip(lists, kinds, strict=True)
            for f in files
        ]

        def probe() -> Any:
            found = real(*lists, 0)
            return found if any(found) else ()

        due = None if timeout is None else machine.due(timeout)
        return machine.ready(probe, awaited, due) or ([], [], [])

    return select_


def _socket_wait(sock: Any, events: int) -> None:
    machine = _mine()
    if (
        machine
        and sock.gettimeout() != 0
        and not machine.until(sock.fileno(), events, sock.gettimeout())
    ):
        raise TimeoutError("timed out")


def _socket_methods() -> dict[str, Callable[..., Any]]:
    def receiving(name: str) -> Callable[..., Any]:
        real = getattr(socket.socket, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            _socket_wait(self, select.POLLIN)
            return real(self, *args, **kwargs)

        return method

    def sending(name: str) -> Callable[..., Any]:
        real = getattr(socket.socket, name)

        def method(self: Any, data: Any, *args: Any) -> Any:
            if not _mine() or self.gettimeout() == 0:
                return real(self, data, *args)
            _socket_wait(self, select.POLLOUT)
            if name == "send" or len(args) == 2:
                args = ((args[0] if args else 0) | socket.MSG_DONTWAIT, *args[1:])
            return real(self, data, *args)

        return method

    def sendall(self: Any, data: Any, flags: int = 0) -> None:
        if not _mine():
            real_sendall(self, data, flags)
            return
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                sent += send(self, rest[sent:], flags)

    def connect(self: Any, address: Any) -> None:
        patience = self.gettimeout()
        if not _mine() or patience == 0:
            real_connect(self, address)
            return
        self.settimeout(0)
        try:
            real_connect(self, address)
        except BlockingIOError:
            pass
        else:
            return
        finally:
            self.settimeout(patience)
        _socket_wait(self, select.POLLOUT)
        number = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))

    real_sendall, real_connect = socket.socket.sendall, socket.socket.connect
    send = sending("send")
    incoming = ("accept", "recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg")
    return {
        **{name: receiving(name) for name in incoming},
        "send": send,
        "sendto": sending("sendto"),
        "sendall": sendall,
        "connect": connect,
    }


def _replacements(machine: Machine) -> list[tuple[Any, str, Any]]:
    """Return the patches, as (place, name, replacement). The caller has the baton."""
    real: dict[str, Any] = {}

    def teller(
        name: str, tell: Callable[[], float], *, locked: bool = False
    ) -> Callable[[], float]:
        def told() -> float:
            if not machine.mine():
                return real[name]()
            machine.look(locked=locked)
            return tell()

        return told

    def sleep(seconds: float, /) -> None:
        if not machine.mine():
            real["sleep"](seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        else:
            machine.sleep(seconds)

    clocks: dict[str, Callable[..., Any]] = {
        "sleep": sleep,
        "monotonic": teller("monotonic", lambda: machine.reading),
        "perf_counter": teller("perf_counter", lambda: machine.ns / 1e9),
        "time": teller("time", lambda: machine.ns / 1e9),
    }
    for name in ("monotonic_ns", "perf_counter_ns", "time_ns"):
        clocks[name] = teller(name, lambda: machine.ns)
    under_lock = teller("monotonic", lambda: machine.reading, locked=True)
    for name in clocks:
        real[name] = getattr(time, name)

    def read(descriptor: int, length: int, /) -> bytes:
        _before_io(descriptor, select.POLLIN)
        return real_read(descriptor, length)

    def write(descriptor: int, data: Any, /) -> int:
        if not machine.mine() or not os.get_blocking(descriptor):
            return real_write(descriptor, data)
        with memoryview(data) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):  # PIPE_BUF bytes fit, once there is room at all
                machine.until(descriptor, select.POLLOUT)
                sent += real_write(descriptor, rest[sent : sent + select.PIPE_BUF])
            return sent

    real_read, real_write = os.read, os.write

    def polling(real: Callable[..., Any], unit: float) -> Callable[..., Any]:
        def make(*args: Any, **kwargs: Any) -> Any:
            made = real(*args, **kwargs)
            return _Poller(made, unit) if machine.mine() else made

        return make

    def start(function: Any, *args: Any, **kwargs: Any) -> Any:
        """Replace ``_start_new_thread`` (to 3.12) and ``_start_joinable_thread``."""
        if not machine.mine():
            return real_start(function, *args, **kwargs)
        owner = function.__self__
        if any(isinstance(value, _REAL_SIMPLE_QUEUE) for value in owner._args):
            raise NotCovered(
                "a pool or a SimpleQueue was made before the run: make it in the answer"
            )
        thread = _Thread("?", owner, function)
        if starts == "_start_joinable_thread":
            owner._handle = _Handle(thread)
        machine.spawn(thread)
        return None

    def sentinel() -> Any:
        return machine.current.sentinel if machine.mine() else real_sentinel()

    def never(real: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if machine.mine():
                raise NotCovered(f"{what} takes real time; do that outside of a world")
            return real(*args, **kwargs)

        return call

    starts = "_start_joinable_thread"
    if not hasattr(threading, starts):
        starts = "_start_new_thread"
    real_start = getattr(threading, starts)
    real_sentinel: Any = getattr(threading, "_set_sentinel", None)
    process: Any = BaseProcess
    listed: list[tuple[Any, str, Any]] = [
        *((time, name, new) for name, new in clocks.items()),
        (threading, "Lock", _Lock),
        (queue, "SimpleQueue", _SimpleQueue),
        (select, "select", _selecting_function(select.select)),
        (select, "poll", polling(select.poll, 1e-3)),
        (os, "read", read),
        (os, "write", write),
    ]
    if hasattr(select, "epoll"):
        listed.append((select, "epoll", polling(select.epoll, 1.0)))
    listed += _captured({id(getattr(place, n)): new for place, n, new in listed})
    if real_sentinel:
        listed.append((threading, "_set_sentinel", sentinel))
    for name in ("SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector"):
        if selector := getattr(selectors, name, None):
            listed.append((selector, "select", _selecting(selector.select)))
    listed += ((socket.socket, name, new) for name, new in _socket_methods().items())
    listed += [
        (threading, "_time", under_lock),
        (queue, "time", under_lock),
        (threading, "_allocate_lock", _Signal),
        (threading, "_CRLock", _RLock),
        (threading, "excepthook", machine.excepthook),
        (threading, starts, start),
        (_pools, "_global_shutdown_lock", _Lock()),
        (_pools, "_threads_queues", weakref.WeakKeyDictionary[Any, Any]()),
        (subprocess.Popen, "__init__", never(subprocess.Popen.__init__, "a process")),
        (process, "start", never(process.start, "a process")),
    ]
    if hasattr(os, "fork"):
        listed.append((os, "fork", never(os.fork, "fork")))
    return listed


def _captured(replaced: dict[int, Any]) -> list[tuple[Any, str, Any]]:
    """Return the other names of these values, as after ``from time import sleep``."""
    found: list[tuple[Any, str, Any]] = []
    for label, module in list(sys.modules.items()):
        names: dict[str, Any] = getattr(module, "__dict__", {})
        state = id(names), len(names)
        if label in ("_thread", "threading", __name__):
            continue
        if _scanned.get(label, ())[:1] != (state,):
            hits = [n for n, value in list(names.items()) if id(value) in replaced]
            _scanned[label] = state, hits
        for name in _scanned[label][1]:
            if new := replaced.get(id(names.get(name))):
                found.append((module, name, new))
    return found


_scanned: dict[str, tuple[tuple[int, int], list[str]]] = {}
"""The names found in each module so far, because searching all modules takes time."""
