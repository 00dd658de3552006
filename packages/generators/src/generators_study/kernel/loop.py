"""The heart: tasks, the ready list that is walked while it grows, and time."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import linecache
import math
import os
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextvars import copy_context
from heapq import heappop, heappush
from itertools import islice
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from .scopes import Cancelled, CancelScope, Deadlock, _running, current_kernel

if TYPE_CHECKING:
    from .groups import Group

T = TypeVar("T")

Wait = Generator[Any, Any, T]
"""What a generator function that waits returns; ``yield from`` it to get the T."""

TURN = 0.005
"""Seconds, or so, for which tasks run before the kernel looks around; as many as
CPython gives to a thread (`sys.getswitchinterval`)."""
LONGEST = 1e6
"""Seconds that the loop sleeps at most; epoll counts milliseconds in 31 bits."""
NO_PLACE = "yielded {!r}: a task yields places; `yield from`?"
FOLDER = os.path.dirname(__file__)


class TaskCancelled(Exception):
    """The task that was joined has been cancelled; not the one that joined it."""


class Place(Protocol):
    """Where a task can wait: a list, a deque, or what behaves like one.

    ``remove`` raises ValueError if the task is not there: it goes on already.
    """

    def append(self, task: Task, /) -> object: ...

    def remove(self, task: Task, /) -> object: ...


class Task:
    """A generator on its way, and where it waits."""

    # Nothing else is made and ends as often, so it holds and sets little.
    __slots__ = (
        *("_scope", "context", "generator", "next", "place", "previous", "result"),
    )
    _scope: CancelScope
    """The innermost scope that it is in; at first, and in the end, its group."""
    generator: Any
    previous: Task | None
    """The child of the group that was spawned before this one, if there is one."""
    next: Task
    """The one that was spawned after it, if there is one."""
    context: Any
    place: Place | None
    result: Any
    """What it returned, or `Raised`; there once it has ended."""

    @property
    def name(self) -> str:
        """That of its generator function, or the one that it was given."""
        return self.generator.__name__

    @name.setter
    def name(self, name: str) -> None:
        self.generator.__name__ = name

    @property
    def group(self) -> Group:
        """The group that it was spawned into."""
        scope: Any = self._scope
        while scope.host is self:
            scope = scope._parent
        return scope

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.context is None

    @property
    def doomed(self) -> bool:
        """Whether its next wait raises `Cancelled`."""
        return self._scope.doomed

    @property
    def error(self) -> BaseException | None:
        """What it raised, if it did."""
        result = getattr(self, "result", None)
        return result.error if type(result) is Raised else None

    def join(self) -> Wait[Any]:
        """Wait until the task has ended; its result.

        Raises:
            TaskCancelled: it was cancelled.
            BaseException: whatever it raised.
        """
        if not self.done:
            group = self.group
            if group.joiners is None:
                group.joiners = {}
            yield group.joiners.setdefault(self, [])
        error = self.error
        if isinstance(error, Cancelled):
            raise TaskCancelled(f"{self.name} was cancelled")
        if error is not None:
            raise error
        return self.result

    def wake(self) -> None:
        """Go on; the task is in no place now."""
        self.place = None
        self._scope.kernel.ready.append(self)

    def fail(self, error: BaseException) -> None:
        """Go on by raising this error; the task is in no place now."""
        self.generator = Raising(self, error)
        self.wake()

    def raised(self, error: BaseException) -> None:
        """Note the error as the result, and tell the group."""
        self.result = Raised(error)
        group: Any = self._scope  # the others it has left
        if group.joiners is not None:
            group.wake_joiners(self)  # who learns of it, and is not cancelled before
        group.failed(error)

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def waits_at(self) -> str:
        """The innermost line, outside of the kernel, at which it waits."""
        generator, frame = self.generator, None
        while generator is not None:
            code = getattr(generator, "gi_code", None)
            if code and os.path.dirname(code.co_filename) != FOLDER:
                frame = generator.gi_frame
            generator = getattr(generator, "gi_yieldfrom", None)
        if frame is None:
            return self.name
        path, line = frame.f_code.co_filename, frame.f_lineno
        text = linecache.getline(path, line).strip()
        return f"{self.name}: {os.path.basename(path)}:{line}: {text}"


CANCEL = methodcaller("throw", Cancelled)
"""A step of a generator that goes on by raising that."""


class Raised:
    """The result of a task that has raised an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


GONE = Raised(Cancelled())
"""That of all who are cancelled, without the frames that each error keeps alive."""


class Raising:
    """Stands in for a task's generator for one step, in which an error is raised."""

    def __init__(self, task: Task, error: BaseException) -> None:
        self.task = task
        self.generator: Any = task.generator
        self.errors = [error]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)

    def __next__(self) -> Place:
        self.task.generator = self.generator
        # Popped, as no frame should hold what holds the frame.
        return self.generator.throw(self.errors.pop())


class Kernel:
    """The loop: runs who is ready, looks at the clock, watches descriptors, waits."""

    def __init__(self) -> None:
        from .groups import Group

        self.ready: list[Any] = []
        """Who goes on next. Wake a task by appending it, all of a place by extending.

        It is a place, too: to wait there is to let everybody else run.
        """
        self.later: list[Task] = []
        """Who goes on once the kernel has looked around."""
        self._cancelled: list[Task] = []
        """Who goes on by raising `Cancelled`, when the sweep comes."""
        self._sweep = Sweep(self)
        self._walked: Any = [None]
        self._walk: Any = iter(())
        """The list that is walked, and the way along it: the rest is not run yet."""
        self.root = Group(self)
        """That of the main task."""
        self.outside = self.listeners = 0
        """Threads that will call back, and tasks that wait for a descriptor."""
        self._fatal: list[BaseException] = []
        """What ends the run, beginning with the first."""
        self._timers: list[float] = []
        """The instants at which something happens, as a heap."""
        self._sleepers: dict[float, list[Task]] = {}
        self._alarms: dict[float, list[Callable[[], Any]]] = {}
        """Who goes on at each of them, and what is called at some."""
        self._enough = 0
        """So many timers are no reason to look for those that nobody needs."""
        self._calls: deque[Callable[[], Any]] = deque()

    @property
    def current(self) -> Task | None:
        """The task that is running, if one is."""
        return self._walked[-1 - self._walk.__length_hint__()]

    def run(self, function: Callable[..., Wait[Any]], *args: Any) -> Any:
        """Run ``function(*args)`` as the main task, and all that it starts."""
        _running.set(self)
        self.root._ready = self.ready
        main = self.root.spawn(function, *args)
        main.name = "main"
        self.selector = selectors.DefaultSelector()
        self._wakeup, self._alarm = socket.socketpair()
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)
        self.selector.register(self._wakeup, selectors.EVENT_READ, self)
        restore = self._take_interrupts()
        try:
            self._loop(main)
        except BaseException as error:  # no waiting helps any more
            self._fatal.append(error)
        finally:
            self._close_tasks()
            restore()
            for opened in (self.selector, self._wakeup, self._alarm):
                opened.close()
        first, *rest = [*self._fatal, main.error]
        if first is None:
            return main.result
        rest = [error for error in rest if error and not isinstance(error, Cancelled)]
        if rest:
            raise first from BaseExceptionGroup("these came with it", rest)
        raise first

    def _loop(self, main: Task) -> None:
        ready, turn, began = self.ready, 16, time.monotonic()
        while not main.done:
            # The ready list grows while it is walked; not for ever.
            walk: Any = iter(ready)
            self._steps(ready, walk, islice(walk, turn), next)
            steps = len(ready) - walk.__length_hint__()
            del ready[:steps]
            if time.monotonic() - began > TURN:
                turn = turn // 2 or 1
            elif steps == turn:
                turn *= 2
            if not main.done:
                began = self._look_around()

    def _steps(self, walked: Any, walk: Any, tasks: Iterator[Any], step: Any) -> None:
        """Let tasks go on, each by such a step of its generator, to its next place."""
        before = self._walked, self._walk
        self._walked, self._walk = walked, walk
        ready = self.ready
        for task in tasks:
            try:
                place = task.context.run(step, task.generator)
            except StopIteration as stop:
                task.result = stop.value
            except BaseException as error:
                if type(error) is Cancelled and task._scope.doomed:
                    task.result = GONE
                    task._scope.cut = True
                else:
                    task.raised(error)
            else:
                if task._scope.doomed and place is not task._scope:
                    self.cancel_soon([task])
                    continue
                task.place = place
                try:
                    place.append(task)
                except BaseException as error:
                    known = hasattr(place, "append")
                    task.fail(error if known else TypeError(NO_PLACE.format(place)))
                continue
            # It has ended, and leaves its group.
            task.context = None
            previous, group = task.previous, task._scope
            if group.joiners is not None:
                group.wake_joiners(task)
            if group.last is not task:
                task.next.previous = previous
                if previous is not None:
                    previous.next = task.next
            else:
                group.last = previous
                if previous is not None:
                    del previous.next
                elif group.waiter is not None:
                    ready.append(group.waiter)
                    group.waiter = None
        self._walked, self._walk = before

    def cancel_soon(self, tasks: list[Task]) -> None:
        """Have tasks, which are in no place, go on by raising `Cancelled`."""
        if not self._cancelled:
            self.ready.append(self._sweep)
        self._cancelled.extend(tasks)

    def sweep(self) -> list[Any]:
        """Let all who are cancelled go on; the sweep itself waits nowhere."""
        cancelled, self._cancelled = self._cancelled, []
        walk = iter(cancelled)
        self._steps(cancelled, walk, walk, CANCEL)
        return []

    def _look_around(self) -> float:
        """Make the calls from other threads, look at descriptors and at the clock."""
        while self._calls:
            self._call(self._calls.popleft())
        ready, timers = self.ready, self._timers
        if len(timers) > self._enough:
            self._tidy_up()
        timeout = 0.0
        if not (ready or self.later):
            timeout = self._until_next_timer()
            if timeout == math.inf and not self.listeners and not self.outside:
                self._deadlock()
                timeout = 0.0
        if self.listeners or timeout:
            for key, events in self.selector.select(min(timeout, LONGEST)):
                key.data.happened(events)
        now = time.monotonic()
        while timers and timers[0] <= now:
            when = heappop(timers)
            sleepers = self._sleepers.pop(when)
            for call in self._alarms.pop(when, ()):
                self._call(call)
            ready.extend(sleepers)
            sleepers.clear()
        ready.extend(self.later)
        self.later.clear()
        return now

    def _until_next_timer(self) -> float:
        timers, sleepers, alarms = self._timers, self._sleepers, self._alarms
        while timers and not (sleepers[timers[0]] or alarms.get(timers[0])):
            when = heappop(timers)
            del sleepers[when]
            alarms.pop(when, None)
        return max(0.0, timers[0] - time.monotonic()) if timers else math.inf

    def happened(self, _: int) -> None:
        """Another thread has sent a byte, so that the selector wakes."""
        self._wakeup.recv(4096)

    # Time

    def instant(self, when: float) -> list[Any]:
        """The place of those who wait for that instant, to be yielded at once."""
        place = self._sleepers.get(when)
        if place is None:
            if when != when:
                raise ValueError("an instant must be a number, not nan")
            heappush(self._timers, when)
            self._sleepers[when] = place = []
        return place

    def call_at(self, when: float, call: Callable[[], Any]) -> None:
        """Have something called at that instant, before the sleepers of it wake."""
        if len(self._timers) > self._enough:
            self._tidy_up()
        self.instant(when)
        self._alarms.setdefault(when, []).append(call)

    def do_not_call_at(self, when: float, call: Callable[[], Any]) -> None:
        """Take that back; harmless if it has been called."""
        calls = self._alarms.get(when, [])
        if call in calls:
            calls.remove(call)

    def _tidy_up(self) -> None:
        """Forget the instants at which nothing happens any more."""
        self._alarms = {at: calls for at, calls in self._alarms.items() if calls}
        self._sleepers = {at: who for at, who in self._sleepers.items() if who}
        for at in self._alarms:
            self._sleepers.setdefault(at, [])
        self._timers[:] = sorted(self._sleepers)
        self._enough = 2 * len(self._timers) + 300

    # The end

    def _call(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._crash(error)

    def _crash(self, error: BaseException) -> None:
        """End the run with this error, once every task has cleaned up."""
        self._fatal.append(error)
        self.root.cancel()

    def _close_tasks(self) -> None:
        """Close what could not end by itself."""
        for task in self.tasks():
            self._walked, self._walk = [task], iter(())
            try:
                if not task.done:
                    task.context.run(task.generator.close)
            except BaseException as error:
                self._fatal.append(error)

    def tasks(self) -> list[Task]:
        """All tasks that have not ended."""
        return list(self.root.everybody())

    def call_soon_threadsafe(self, call: Callable[[], Any]) -> None:
        """Have something called by the loop; from any thread."""
        self._calls.append(call)
        with contextlib.suppress(OSError):  # full: it wakes anyway; closed: too late
            self._alarm.send(b"!")

    def _take_interrupts(self) -> Callable[[], object]:
        """The first Ctrl-C cancels all tasks; a second one raises on the spot."""
        if (
            threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        ):
            return lambda: None

        def interrupted(*_: object) -> None:
            if self._fatal:
                raise KeyboardInterrupt
            self._fatal.append(KeyboardInterrupt())
            self.call_soon_threadsafe(self.root.cancel)

        signal.signal(signal.SIGINT, interrupted)
        return lambda: signal.signal(signal.SIGINT, signal.default_int_handler)

    def _deadlock(self) -> None:
        error = Deadlock(sorted(task.waits_at() for task in self.tasks()))
        if self.root.doomed:  # and yet they wait: behind a shield
            raise error
        self._crash(error)


class Sweep:
    """What stands in the ready list for all who are cancelled."""

    def __init__(self, kernel: Kernel) -> None:
        self._scope = CancelScope()
        self.context = copy_context()
        self.generator = iter(kernel.sweep, None)

    def raised(self, error: BaseException) -> NoReturn:
        """It has been interrupted, in between two tasks."""
        raise error


def run(function: Callable[..., Wait[T]], *args: Any) -> T:
    """Run generator function ``function(*args)`` and all that it starts, to the end.

    Raises:
        Deadlock: nobody can ever move again.
        KeyboardInterrupt: after Ctrl-C, once every task has cleaned up.
        BaseException: whatever the function raises.
    """
    if _running.get() is not None:
        raise RuntimeError("a kernel runs in this thread; use `yield from`")
    return copy_context().run(Kernel().run, function, *args)


def checkpoint() -> Wait[None]:
    """Let everybody run who is ready, and what comes from outside be seen.

    (``yield current_kernel().ready`` lets the others run, and costs less.)
    """
    yield current_kernel().later


def sleep(seconds: float) -> Wait[None]:
    """Wait so many seconds; 0 is a checkpoint."""
    kernel = _running.get() or current_kernel()
    if seconds <= 0:
        yield kernel.later
    else:
        yield kernel.instant(time.monotonic() + seconds)


def sleep_until(instant: float) -> Wait[None]:
    """Wait until ``time.monotonic()`` is there."""
    kernel = current_kernel()
    past = instant <= time.monotonic()
    yield kernel.later if past else kernel.instant(instant)


def sleep_forever() -> Wait[None]:
    """Wait until cancelled."""
    nowhere: list[Task] = []
    yield nowhere
