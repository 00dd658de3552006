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
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar, cast

from .scopes import Cancelled, CancelScope, Deadlock, _running, current_kernel

if TYPE_CHECKING:
    from .groups import Group

T = TypeVar("T")

Wait = Generator[Any, Any, T]
"""What a generator function that waits returns; ``yield from`` it to get the T."""
Waits = Iterator[Any]
"""What a function returns whose waiting has no result; ``yield from`` it, too."""

TURN = 0.001
"""Seconds, or so, for which tasks run before the kernel looks around."""
LONGEST = 1e6
"""Seconds that the loop sleeps at most; epoll counts milliseconds in 31 bits."""
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

    def wake(self, value: Any = None) -> None:
        """Go on, with this as the value of the yield; the task is in no place now."""
        self.place = None
        if value is not None:
            self.generator = Delivery(self, value)
        self._scope.kernel.ready.append(self)

    def fail(self, error: BaseException) -> None:
        """Go on by raising this error; the task is in no place now."""
        self.place = None
        self.generator = Delivery(self, None, error)
        self._scope.kernel.ready.append(self)

    def doom(self, outermost: CancelScope) -> None:
        """A scope around it is cancelled: so are those in there, and the task."""
        scope: CancelScope | None = self._scope
        if scope is not outermost:
            scopes: list[CancelScope] = []
            while scope is not outermost:
                if scope is None:
                    return  # it has left that scope
                scopes.append(scope)
                scope = scope._parent
            for scope in reversed(scopes):
                if scope.shield or scope.doomed:
                    return
                scope.doomed = True
                for task in scope.children():
                    task.doom(scope)
        place, kernel = self.place, self._scope.kernel
        if place is None or place is kernel.ready:
            return
        try:
            place.remove(self)
        except ValueError:
            return
        self.place = None
        kernel._vain += 1
        if not kernel._doomed:
            kernel.ready.append(kernel._sweep)
        kernel._doomed.append(self)

    def raised(self, error: BaseException) -> None:
        """End with an error, of which its group is told."""
        group: Any = self._scope  # the others it has left
        doomed = group.doomed and isinstance(error, Cancelled)
        result = GONE if doomed else Raised(error)
        group.wake_joiners(self)  # who learns of it, and is not cancelled before
        group.failed(result.error)
        self.end(result)

    def end(self, result: Any) -> None:
        """Note the result, leave the group, and wake whoever waits for that."""
        self.result = result
        self.context = None
        group: Any = self._scope
        previous = self.previous
        if group.joiners is not None:
            group.wake_joiners(self)
        if group.last is not self:
            self.next.previous = previous
            if previous is not None:
                previous.next = self.next
            return
        group.last = previous
        if previous is not None:
            del previous.next
        elif group.waiter is not None:
            group.kernel.ready.append(group.waiter)
            group.waiter = None

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


class Raised:
    """The result of a task that has raised an error."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


GONE = Raised(Cancelled())
"""That of all who are cancelled, without the frames that each error keeps alive."""


class Delivery:
    """Stands in for a task's generator for one step, which hands something over."""

    def __init__(self, task: Task, value: Any, *errors: BaseException) -> None:
        self.task = task
        self.generator: Any = task.generator
        self.value, self.errors = value, [*errors]
        self.__name__ = task.name

    def __next__(self) -> Place:
        self.task.generator = self.generator
        if self.errors:  # popped, as no frame should hold what holds the frame
            return self.generator.throw(self.errors.pop())
        return self.generator.send(self.value)

    def close(self) -> None:
        self.generator.close()


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
        self._walk: Any = None
        """The way along the ready list."""
        self._apart: Task | None = None
        """A task that makes a step out of its turn."""
        self.root = Group(self)
        """That of the main task."""
        self.outside = self.listeners = 0
        """Threads that will call back, and tasks that wait for a descriptor."""
        self._doomed: list[Task] = []
        """Who is to go on by raising `Cancelled`, when the sweep comes."""
        self._sweep = Sweep(self)
        self._fatal: list[BaseException] = []
        """What ends the run, beginning with the first."""
        self._timers: list[float] = []
        """The instants at which something happens, as a heap; what, stands in these."""
        self._sleepers: dict[float, list[Task]] = {}
        self._alarms: dict[float, list[Callable[[], Any]]] = {}
        self._vain = 0
        """How many of them nobody waits for any more, or fewer."""
        self._calls: deque[Callable[[], Any]] = deque()

    @property
    def current(self) -> Task | None:
        """The task that is running, if one is."""
        walk = self._walk
        if walk is None or self._apart is not None:
            return self._apart
        return self.ready[-1 - walk.__length_hint__()]

    def run(self, generator: Any) -> Any:
        """Run the main task, and all that it starts, to the end."""
        _running.set(self)
        self.selector = selectors.DefaultSelector()
        self._wakeup, self._alarm = socket.socketpair()
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)
        self.selector.register(self._wakeup, selectors.EVENT_READ)
        self.root._open = True
        main = self.root.spawn(lambda: generator)
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
        errors = list(self._fatal)
        if main.error and not (errors and isinstance(main.error, Cancelled)):
            errors.append(main.error)
        if not errors:
            return main.result
        first, *rest = errors
        if rest:
            raise first from BaseExceptionGroup("these came with it", rest)
        raise first

    def _loop(self, main: Task) -> None:
        ready, step, turn = self.ready, next, 16
        while not main.done:
            # The ready list grows while it is walked; not for ever.
            walk: Any = iter(ready)
            self._walk = walk
            began = time.monotonic()
            for task in islice(walk, turn):
                try:
                    place = task.context.run(step, task.generator)
                except StopIteration as stop:  # and this is `end`: a call costs more
                    task.result = stop.value
                    task.context = None
                    previous, group = task.previous, task._scope  # its group
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
                    continue
                except BaseException as error:
                    task.raised(error)
                    continue
                if task._scope.doomed:
                    self._park(task, place)
                    continue
                task.place = place  # and this is the rest of `_park`
                try:
                    place.append(task)
                except BaseException as error:
                    task.fail(_refusal(place, error))
            self._walk = task = group = previous = None  # and hold nobody
            steps = len(ready) - walk.__length_hint__()
            del ready[:steps]
            if time.monotonic() - began > TURN:
                turn = turn // 2 or 1
            elif steps == turn:
                turn *= 2
            if not main.done:
                self._look_around()

    def _park(self, task: Task, place: Place) -> None:
        scope: Any = task._scope
        if scope.doomed and place is not scope:  # its children are cancelled, too
            self.cancel_soon(task)
            return
        task.place = place
        try:
            place.append(task)
        except BaseException as error:
            task.fail(_refusal(place, error))

    def cancel_soon(self, task: Task) -> None:
        """Have the task, which is in no place, go on by raising `Cancelled`."""
        if not self._doomed:
            self.ready.append(self._sweep)
        self._doomed.append(task)

    def sweep(self) -> deque[Any]:
        """Make the steps of all who are cancelled; the sweep itself waits nowhere."""
        doomed, self._doomed = self._doomed, []
        for task in doomed:
            if task.generator.gi_code is BARE:  # nothing in there could take notice
                task.raised(GONE.error)
                continue
            self._apart = task
            try:
                place = task.context.run(task.generator.throw, Cancelled)
            except StopIteration as stop:
                task.end(stop.value)
            except BaseException as error:
                task.raised(error)
            else:
                self._park(task, place)
        self._apart = None
        return deque(maxlen=0)

    def _look_around(self) -> None:
        """Make the calls from other threads, look at descriptors and at the clock."""
        while self._calls:
            self._call(self._calls.popleft())
        timeout = 0.0 if self.ready or self.later else self._until_next_timer()
        if timeout is None and not self.listeners and not self.outside:
            self._deadlock()
        elif self.listeners or timeout != 0:
            self._poll(timeout)
        self._tidy_up()
        timers = self._timers
        now = time.monotonic() if timers else 0
        while timers and timers[0] <= now:
            when = heappop(timers)
            for call in self._alarms.pop(when, ()):
                self._call(call)
            sleepers = self._sleepers.pop(when, None)
            if sleepers is not None:
                self.ready.extend(sleepers)
                sleepers.clear()
        self.ready.extend(self.later)
        self.later.clear()

    def _poll(self, timeout: float | None) -> None:
        for key, events in self.selector.select(timeout):
            if key.fileobj is self._wakeup:
                with contextlib.suppress(BlockingIOError):
                    while self._wakeup.recv(4096):
                        pass
            else:
                key.data.happened(events)

    def _until_next_timer(self) -> float | None:
        timers, sleepers, alarms = self._timers, self._sleepers, self._alarms
        while timers and not (sleepers.get(timers[0]) or alarms.get(timers[0])):
            when = heappop(timers)
            alarms.pop(when, None)
            sleepers.pop(when, None)
        if not timers or timers[0] == math.inf:
            return None
        return min(max(0.0, timers[0] - time.monotonic()), LONGEST)

    # Time

    def instant(self, when: float) -> list[Task]:
        """The place of those who wait for that instant, to be yielded at once."""
        sleepers = self._sleepers.get(when)
        if sleepers is None:
            if when != when:
                raise ValueError("an instant must be a number, not nan")
            heappush(self._timers, when)
            self._sleepers[when] = sleepers = []
        return sleepers

    def call_at(self, when: float, call: Callable[[], Any]) -> None:
        """Have something called at that instant, before the sleepers of it wake."""
        calls = self._alarms.get(when)
        if calls is None:
            if when != when:
                raise ValueError("an instant must be a number, not nan")
            heappush(self._timers, when)
            self._alarms[when] = calls = []
        calls.append(call)

    def do_not_call_at(self, when: float, call: Callable[[], Any]) -> None:
        """Take that back; harmless if it has been called."""
        calls = self._alarms.get(when, [])
        if call in calls:
            calls.remove(call)
            self._vain += 1
            self._tidy_up()

    def _tidy_up(self) -> None:
        """Forget the instants at which nothing happens any more, if they are many."""
        if self._vain > len(self._timers) // 2 + 300:
            self._sleepers = {at: who for at, who in self._sleepers.items() if who}
            self._alarms = {at: calls for at, calls in self._alarms.items() if calls}
            self._timers[:] = sorted({*self._sleepers, *self._alarms})
            self._vain = 0

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
            self._apart = task
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

    place = None

    def __init__(self, kernel: Kernel) -> None:
        self._scope = CancelScope()
        self.context = copy_context()
        self.generator = iter(kernel.sweep, None)

    def raised(self, error: BaseException) -> NoReturn:
        """It has been interrupted, in between two tasks."""
        raise error


def _refusal(place: Any, error: BaseException) -> BaseException:
    if hasattr(place, "append"):
        return error
    return TypeError(f"yielded {place!r}: a task yields places; `yield from`?")


def run(function: Callable[..., Wait[T]], *args: Any) -> T:
    """Run generator function ``function(*args)`` and all that it starts, to the end.

    Raises:
        Deadlock: nobody can ever move again.
        KeyboardInterrupt: after Ctrl-C, once every task has cleaned up.
        BaseException: whatever the function raises.
    """
    if _running.get() is not None:
        raise RuntimeError("a kernel runs in this thread; use `yield from`")
    main = generator_of(function(*args), function)
    main.__name__ = "main"
    return copy_context().run(Kernel().run, main)


def generator_of(made: Any, function: Any) -> Any:
    """What a function made that is to be a task."""
    kind = cast(Any, type(made))
    if kind is GeneratorType:
        return made
    name = getattr(function, "__name__", repr(function))
    if kind is not WAITS:
        raise TypeError(f"{name} must be a generator function: it returned {made!r}")
    made = _only(made)
    made.__name__ = name
    return made


def _only(waits: Waits) -> Wait[None]:
    yield from waits


# An operation that waits at most once, and has no result, returns an iterator over that
# place, or over none: it costs less than a generator.

WAITS = type(iter(()))
NOTHING: Waits = iter(())
"""What an operation returns that need not wait."""


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


BARE = sleep.__code__


def sleep_until(instant: float) -> Wait[None]:
    """Wait until ``time.monotonic()`` is there."""
    kernel = current_kernel()
    past = instant <= time.monotonic()
    yield kernel.later if past else kernel.instant(instant)


def sleep_forever() -> Wait[None]:
    """Wait until cancelled."""
    nowhere: list[Task] = []
    yield nowhere
