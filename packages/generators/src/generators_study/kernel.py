"""An event loop for raw generators.

Three principles:

1. **A task is a generator, and what it yields is the place where it waits**: anything
   with ``append`` and ``remove``. The kernel parks the task there; whoever wakes it
   takes it out and puts it on the ready list. All waiting in this file is one
   ``yield place``.
2. **Nothing outlives its block.** A group does not end before its children; the first
   child that fails cancels the others; every error reaches whoever opened the group.
3. **Cancellation is a state, not an event** (level-triggered, as in Trio): in a
   cancelled scope every wait raises `Cancelled`, until the scope is left; a shield
   keeps it out for a while.

An operation that need not wait does not let others run; `checkpoint` does.
Times are seconds on the clock of ``time.monotonic``.
"""

from __future__ import annotations

import contextlib
import contextvars
import heapq
import inspect
import itertools
import linecache
import math
import os
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

LONGEST = 1e6
"""Seconds that the loop sleeps at most; epoll counts milliseconds in 31 bits."""

Wait = Generator[Any, Any, T]
"""What a generator function that waits returns; ``yield from`` it to get the T."""


class Cancelled(BaseException):
    """A scope around this wait is cancelled. Clean up, and let it pass."""


class Deadlock(RuntimeError):
    """Nobody can ever move again; the message names who waits where."""

    def __init__(self, waiters: list[str]) -> None:
        lines = "".join(f"\n  {waiter}" for waiter in waiters)
        super().__init__(f"nobody can ever move; these wait:{lines}")
        self.waiters = waiters


class Closed(Exception):
    """The channel is closed, and nothing is left in it."""


class Busy(RuntimeError):
    """Another task waits for this descriptor already."""


class TaskCancelled(Exception):
    """The task that was joined has been cancelled; not the one that joined it."""


class Place(Protocol):
    """Where a task can wait."""

    def append(self, task: Task, /) -> object: ...

    def remove(self, task: Task, /) -> object: ...


# Tasks


class Task:
    """A generator on its way, and where it waits."""

    __slots__ = (
        "_context",
        "_generator",
        "_group",
        "_interrupt",
        "_joiners",
        "_kernel",
        "_place",
        "_scope",
        "_value",
        "done",
        "error",
        "name",
        "result",
    )

    def __init__(
        self,
        kernel: Kernel,
        generator: Wait[Any],
        name: str,
        scope: CancelScope,
        group: Group | None,
    ) -> None:
        self.name = name
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self._kernel = kernel
        self._generator = generator
        self._context = contextvars.copy_context()
        self._scope = scope
        self._group = group
        self._place: Place | None = None
        self._value: Any = None
        self._interrupt: BaseException | None = None
        self._joiners: deque[Task] = deque()
        scope.tasks[self] = None
        kernel.tasks.add(self)
        kernel.ready.append(self)

    def join(self) -> Wait[Any]:
        """Wait until the task has ended; its result.

        Raises:
            TaskCancelled: it was cancelled.
            BaseException: whatever it raised.
        """
        if not self.done:
            yield self._joiners
        if isinstance(self.error, Cancelled):
            raise TaskCancelled(f"{self.name} was cancelled")
        if self.error is not None:
            raise self.error
        return self.result

    def wake(self, value: Any = None) -> None:
        """Go on, with this as the value of the yield; the task is in no place now."""
        self._place = None
        self._value = value
        self._kernel.ready.append(self)

    def interrupt(self, error: BaseException) -> None:
        """Leave the place and go on by raising; no effect on one that is awake."""
        if self._place is not None:
            self._place.remove(self)
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Go on by raising this error; the task is in no place now."""
        self._place = None
        self._interrupt = error
        self._kernel.ready.append(self)

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def waits_at(self) -> str:
        """The innermost line, outside of this file, at which it waits."""
        generator: Any = self._generator
        frame = generator.gi_frame
        while inspect.isgenerator(generator := generator.gi_yieldfrom):
            if generator.gi_code.co_filename != __file__:
                frame = generator.gi_frame
        if frame is None:
            return self.name
        path, line = frame.f_code.co_filename, frame.f_lineno
        code = linecache.getline(path, line).strip()
        return f"{self.name}: {os.path.basename(path)}:{line}: {code}"


# Cancellation


class CancelScope:
    """A block whose waits can be cancelled together: ``with CancelScope() as scope``.

    Leaving the block by its own cancellation is silent; ``cancelled_caught`` tells.

    Args:
        seconds: Cancel that long after the block was entered (None: never).
        shield: Keep out the cancellation of the scopes around it.
    """

    __slots__ = (
        "_parent",
        "_seconds",
        "_task",
        "_timer",
        "cancel_called",
        "cancelled_caught",
        "children",
        "doomed",
        "shield",
        "tasks",
    )

    def __init__(self, seconds: float | None = None, *, shield: bool = False) -> None:
        self.shield = shield
        self.cancel_called = False
        self.cancelled_caught = False
        self.doomed = False
        """Whether every wait in here raises: cancelled itself, or one around it is."""
        # Dictionaries are sets that keep their order: so does a cancellation.
        self.tasks: dict[Task, None] = {}
        self.children: dict[CancelScope, None] = {}
        self._seconds = seconds
        self._parent: CancelScope | None = None
        self._task: Task | None = None
        self._timer: Timer | None = None

    def cancel(self) -> None:
        """Make every wait in this scope raise `Cancelled`, now and from now on."""
        self.cancel_called = True
        self._doom()

    def _doom(self) -> None:
        if self.doomed:
            return
        self.doomed = True
        for task in list(self.tasks):
            task.interrupt(Cancelled())
        for scope in list(self.children):
            if not scope.shield:
                scope._doom()

    def __enter__(self) -> CancelScope:
        task = current_task()
        if self._task is not None:
            raise RuntimeError("a cancel scope can be entered only once")
        if self._seconds is not None and self._seconds <= 0:
            self.cancel()
        elif self._seconds is not None:
            self._timer = Timer.at(time.monotonic() + self._seconds, self.cancel)
        self._task, self._parent = task, task._scope  # pyright: ignore[reportPrivateUsage]
        self._parent.children[self] = None
        self._move(task, self._parent, self)
        if self._parent.doomed and not self.shield:
            self._doom()
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        task, parent = self._task, self._parent
        assert task is not None
        assert parent is not None
        if self._timer is not None:
            self._timer.cancel()
        if task._scope is not self:  # pyright: ignore[reportPrivateUsage]
            raise RuntimeError("cancel scopes must be left in the order of entering")
        self._move(task, self, parent)
        parent.children.pop(self, None)
        if not self.cancel_called or (parent.doomed and not self.shield):
            return False
        if isinstance(error, Cancelled):
            self.cancelled_caught = True
            return True
        return False

    @staticmethod
    def _move(task: Task, old: CancelScope, new: CancelScope) -> None:
        old.tasks.pop(task, None)
        new.tasks[task] = None
        task._scope = new  # pyright: ignore[reportPrivateUsage]


def move_on_after(seconds: float) -> CancelScope:
    """A scope that is cancelled after so many seconds and then left in silence."""
    return CancelScope(seconds)


@contextlib.contextmanager
def fail_after(seconds: float) -> Generator[CancelScope]:
    """A scope that is cancelled after so many seconds.

    Raises:
        TimeoutError: that is how the block ended.
    """
    with CancelScope(seconds) as scope:
        yield scope
    if scope.cancelled_caught:
        raise TimeoutError(f"not done within {seconds} s")


# Groups


class Group:
    """The tasks of a block; made by `open_group`."""

    def __init__(self) -> None:
        self.scope = CancelScope()
        self.tasks: set[Task] = set()
        self._errors: list[BaseException] = []
        self._cancelled: Cancelled | None = None
        self._parent: deque[Task] = deque()
        self._open = False

    def spawn(
        self, function: Callable[..., Wait[Any]], *args: Any, name: str | None = None
    ) -> Task:
        """Start ``function(*args)`` as a task; its first line runs later.

        Raises:
            RuntimeError: the group has ended, or not begun.
        """
        if not self._open:
            raise RuntimeError("the group is not open; it takes no tasks")
        generator = _generator(function, args)
        task = Task(
            current_kernel(),
            generator,
            name or getattr(function, "__name__", str(function)),
            self.scope,
            self,
        )
        self.tasks.add(task)
        return task

    def cancel(self) -> None:
        """Cancel all tasks of the group and the block that opened it."""
        self.scope.cancel()

    def failed(self, error: BaseException) -> None:
        """Take the error of a task or of the block; the first cancels the rest."""
        if isinstance(error, Cancelled) and self.scope.doomed:
            self._cancelled = error
        else:  # also a `Cancelled` that somebody made up: nothing is cancelled here
            self._errors.append(error)
            self.scope.cancel()

    def ended(self, task: Task) -> None:
        """Strike off a task; the last one wakes whoever waits for the group."""
        self.tasks.discard(task)
        if not self.tasks and self._parent:
            self._parent.popleft().wake()

    def run(self, body: Callable[[Group], Any]) -> Wait[Any]:
        result: Any = None
        with self.scope:
            self._open = True
            try:
                result = body(self)
                if inspect.isgenerator(result):
                    result = yield from result  # pyright: ignore[reportUnknownVariableType]
            except GeneratorExit:  # whoever is closed cannot wait
                self.scope.cancel()
                raise
            except BaseException as error:
                self.failed(error)
            # The children are cancelled through their scopes; only their end ends this.
            with CancelScope(shield=True):
                while self.tasks:
                    yield self._parent
            self._open = False
            if not self._errors and self._cancelled is not None:
                raise self._cancelled
        if self._errors:
            raise BaseExceptionGroup("errors in a group", self._errors)
        return result  # pyright: ignore[reportUnknownVariableType]


def open_group(body: Callable[[Group], Wait[T] | T]) -> Wait[T]:
    """Run ``body(group)``, then wait for all tasks that were spawned into the group.

    The body may be a generator function or a plain one. The first error, of a task or
    of the body, cancels all others.

    Raises:
        BaseExceptionGroup: with every error, as soon as all have ended.
    """
    return (yield from Group().run(body))


# Waiting


def checkpoint() -> Wait[None]:
    """Let everybody run who is ready."""
    yield current_kernel().ready
    _raise_if_cancelled()


def _raise_if_cancelled() -> None:
    """For what is no wait, or one on the ready list, from which nobody is taken."""
    if current_task()._scope.doomed:  # pyright: ignore[reportPrivateUsage]
        raise Cancelled


def sleep(seconds: float) -> Wait[None]:
    """Wait so many seconds; 0 lets others run."""
    if seconds <= 0:
        yield from checkpoint()
    else:
        yield Timer(time.monotonic() + seconds)


def sleep_until(instant: float) -> Wait[None]:
    """Wait until ``time.monotonic()`` is there."""
    if instant <= time.monotonic():
        yield from checkpoint()
    else:
        yield Timer(instant)


def sleep_forever() -> Wait[None]:
    """Wait until cancelled."""
    yield []


class Timer:
    """An instant to wait for: a place with room for one task, or a call to come."""

    __slots__ = ("_call", "_kernel", "_task", "when")

    def __init__(self, when: float) -> None:
        if math.isnan(when):
            raise ValueError("an instant must be a number, not nan")
        self.when = when
        self._call: Callable[[], None] | None = None
        self._task: Task | None = None
        self._kernel = current_kernel()

    @classmethod
    def at(cls, when: float, call: Callable[[], None]) -> Timer:
        """Have something called at that instant."""
        timer = cls(when)
        timer._call = call
        timer._kernel.add_timer(timer)
        return timer

    def append(self, task: Task) -> None:
        self._task = task
        self._kernel.add_timer(self)

    def remove(self, _: Task) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Let nothing happen at that instant; harmless when it is past."""
        if self._task is not None or self._call is not None:
            self._task = self._call = None
            self._kernel.forget_timer()

    @property
    def idle(self) -> bool:
        """Whether nothing happens at that instant any more."""
        return self._task is None and self._call is None

    def fire(self) -> None:
        """The instant has come."""
        task, call = self._task, self._call
        self._task = self._call = None
        if task is not None:
            task.wake()
        elif call is not None:
            call()


class Event:
    """Something that happens once; whoever waits for it goes on then."""

    def __init__(self) -> None:
        self._set = False
        self._waiters: deque[Task] = deque()

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._set

    def set(self) -> None:
        """It has happened; may be called again."""
        self._set = True
        while self._waiters:
            self._waiters.popleft().wake()

    def wait(self) -> Wait[None]:
        """Wait until it has happened."""
        if not self._set:
            yield self._waiters


class Future(Generic[T]):
    """A value to come, which many may wait for."""

    def __init__(self) -> None:
        self._event = Event()
        self._value: T | None = None
        self._error: BaseException | None = None

    @property
    def settled(self) -> bool:
        """Whether the value, or an error in its place, is there."""
        return self._event.is_set()

    def set_result(self, value: T) -> None:
        """Settle it with a value; RuntimeError if it is settled already."""
        self._settle()
        self._value = value

    def set_error(self, error: BaseException) -> None:
        """Settle it with an error; RuntimeError if it is settled already."""
        self._settle()
        self._error = error

    def _settle(self) -> None:
        if self.settled:
            raise RuntimeError("the future is settled already")
        self._event.set()

    def wait(self) -> Wait[T]:
        """Wait for the value; raises the error that came in its place."""
        yield from self._event.wait()
        if self._error is not None:
            raise self._error
        return self._value  # pyright: ignore[reportReturnType]


class Semaphore:
    """So many at a time, first come, first served."""

    def __init__(self, value: int) -> None:
        if value < 0:
            raise ValueError(f"a semaphore begins at 0 or more, not {value!r}")
        self._value = value
        self._waiters: deque[Task] = deque()

    def acquire(self) -> Wait[None]:
        """Wait for a turn."""
        if self._value:
            self._value -= 1
        else:
            yield self._waiters

    def release(self) -> None:
        """Give the turn to the one who has waited longest."""
        if self._waiters:
            self._waiters.popleft().wake()
        else:
            self._value += 1


class Channel(Generic[T]):
    """A bounded queue with an end; whoever waits is served first come, first served.

    An item is handed to its taker directly: nobody can snatch it, and a cancellation
    in the same instant does not lose it.

    Args:
        capacity: How many items may lie in it; 0 means hand to hand.
    """

    def __init__(self, capacity: float = 0) -> None:
        if capacity < 0:
            raise ValueError(f"a channel's capacity is 0 or more, not {capacity!r}")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._getters: deque[Task] = deque()
        self._putters: deque[Task] = deque()
        self._offers: dict[Task, T] = {}
        self._closed = False

    def put(self, item: T) -> Wait[None]:
        """Hand over an item; waits while the channel is full.

        Raises:
            Closed: nobody will take it.
        """
        if self._closed:
            raise Closed("put into a closed channel")
        if self._getters:
            self._getters.popleft().wake(item)
        elif len(self._items) < self._capacity:
            self._items.append(item)
        else:
            task = current_task()
            self._offers[task] = item
            try:
                yield self._putters
            finally:
                self._offers.pop(task, None)

    def get(self) -> Wait[T]:
        """Take the next item; waits for one.

        Raises:
            Closed: none will come.
        """
        if self._items:
            item = self._items.popleft()
            if self._putters:
                self._items.append(self._next_offer())
            return item
        if self._putters:
            return self._next_offer()
        if self._closed:
            raise Closed("the channel is closed and empty")
        return (yield self._getters)

    def _next_offer(self) -> T:
        putter = self._putters.popleft()
        putter.wake()
        return self._offers.pop(putter)

    def close(self) -> None:
        """No more puts; what lies in the channel can still be taken."""
        self._closed = True
        while self._getters:
            self._getters.popleft().fail(Closed("the channel was closed"))
        while self._putters:
            self._putters.popleft().fail(Closed("the channel was closed"))


# The world outside


def wait_readable(descriptor: int) -> Wait[None]:
    """Wait until reading would not block; at once for what never blocks.

    Nobody hears of a descriptor that is closed while a task waits for it: first cancel
    the task.

    Raises:
        Busy: another task waits for it already.
        OSError, ValueError: it is no open descriptor.
    """
    yield _Watch(current_kernel(), descriptor, selectors.EVENT_READ)


def wait_writable(descriptor: int) -> Wait[None]:
    """Wait until writing would not block, as `wait_readable` does for reading."""
    yield _Watch(current_kernel(), descriptor, selectors.EVENT_WRITE)


class _Watch:
    """A descriptor and a direction: a place with room for one task."""

    def __init__(self, kernel: Kernel, descriptor: int, direction: int) -> None:
        self._selector = kernel.selector
        self._descriptor = descriptor
        self._direction = direction

    def _waiting(self) -> dict[int, Task]:
        """Who waits for the descriptor, by direction."""
        key = self._selector.get_map().get(self._descriptor)
        return {} if key is None else dict(key.data)

    def append(self, task: Task) -> None:
        waiting = self._waiting()
        if self._direction in waiting:
            raise Busy(f"another task waits for descriptor {self._descriptor}")
        try:
            self.update({**waiting, self._direction: task})
        except PermissionError:  # epoll refuses regular files: they never block
            task.wake()

    def remove(self, _: Task) -> None:
        waiting = self._waiting()
        del waiting[self._direction]
        self.update(waiting)

    def update(self, waiting: dict[int, Task]) -> None:
        """Have these wait for the descriptor, and nobody else."""
        descriptor, events = self._descriptor, sum(waiting)
        if not waiting:
            self._selector.unregister(descriptor)
        elif descriptor not in self._selector.get_map():
            self._selector.register(descriptor, events, waiting)
        else:
            try:
                self._selector.modify(descriptor, events, waiting)
            except OSError as error:  # it was closed under those who wait
                for task in waiting.values():
                    task.fail(error)


def in_thread(function: Callable[..., T], *args: Any) -> Wait[T]:
    """Run a blocking function in a thread of its own; its result.

    A running thread cannot be stopped: a cancellation has to wait until it ends.

    Raises:
        BaseException: whatever the function raises.
    """
    _raise_if_cancelled()
    kernel = current_kernel()
    done = Event()
    outcome: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            outcome.append((context.run(function, *args), None))
        except BaseException as error:
            outcome.append((None, error))
        kernel.call_soon_threadsafe(done.set)

    context = contextvars.copy_context()
    thread = threading.Thread(target=work, name=f"for {current_task().name}")
    with CancelScope(shield=True):
        kernel.outside += 1
        try:
            thread.start()
            yield from done.wait()
            thread.join()
        finally:
            kernel.outside -= 1
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


# The kernel


class Kernel:
    """The loop: runs who is ready, fires timers, watches descriptors, and waits."""

    def __init__(self) -> None:
        self.ready: deque[Task] = deque()
        self.tasks: set[Task] = set()
        self.current: Task | None = None
        self.root = CancelScope()
        self.outside = 0
        """Threads that will call back."""
        self.selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._forgotten = 0
        self._count = itertools.count()
        self._calls: deque[Callable[[], Any]] = deque()
        self._wakeup, self._alarm = socket.socketpair()
        self._wakeup.setblocking(False)
        self._alarm.setblocking(False)
        self.selector.register(self._wakeup, selectors.EVENT_READ)
        self._fatal: list[BaseException] = []
        """What ends the run, beginning with the first."""

    def run(self, function: Callable[..., Wait[T]], *args: Any) -> T:
        """Run ``function(*args)`` as the main task, to its end."""
        try:
            if _running.kernel is not None:
                raise RuntimeError("a kernel runs in this thread; use `yield from`")
            main = Task(self, _generator(function, args), "main", self.root, None)
            _running.kernel = self
            restore = self._take_interrupts()
            try:
                while not main.done:
                    self._turn()
            except BaseException as error:  # no waiting helps any more
                self._fatal.append(error)
            finally:
                self._close_tasks()
                restore()
                _running.kernel = None
        finally:
            self.selector.close()
            self._wakeup.close()
            self._alarm.close()
        if not self._fatal and main.error is None:
            return main.result
        errors = list(self._fatal)
        if main.error and not (errors and isinstance(main.error, Cancelled)):
            errors.append(main.error)
        first, *rest = errors
        if rest:
            raise first from BaseExceptionGroup("these came with it", rest)
        raise first

    def _close_tasks(self) -> None:
        """Close what could not end by itself."""
        for task in list(self.tasks):
            self.current = task
            try:
                task._context.run(task._generator.close)  # pyright: ignore[reportPrivateUsage]
            except BaseException as error:
                self._fatal.append(error)

    def _crash(self, error: BaseException) -> None:
        """End the run with this error, once every task has cleaned up."""
        self._fatal.append(error)
        self.root.cancel()

    def _turn(self) -> None:
        ready, calls = self.ready, self._calls
        for _ in range(len(ready)):
            self._step(ready.popleft())
        while calls:
            self._call(calls.popleft())
        if not self.tasks:
            return
        timeout = 0.0 if ready else self._until_next_timer()
        watching = len(self.selector.get_map()) > 1
        if timeout is None and not watching and not self.outside:
            self._deadlock()
        elif watching or timeout != 0:
            self._poll(timeout)
        now = time.monotonic()
        timers = self._timers
        while timers and (timers[0][0] <= now or timers[0][2].idle):
            self._call(heapq.heappop(timers)[2].fire)

    def _call(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._crash(error)

    def _step(self, task: Task) -> None:
        generator: Any = task._generator  # pyright: ignore[reportPrivateUsage]
        context = task._context  # pyright: ignore[reportPrivateUsage]
        value, task._value = task._value, None  # pyright: ignore[reportPrivateUsage]
        error, task._interrupt = task._interrupt, None  # pyright: ignore[reportPrivateUsage]
        self.current = task
        try:
            if error is None:
                place: Place = context.run(generator.send, value)
            else:
                place = context.run(generator.throw, error)
        except StopIteration as stop:
            self._end(task, stop.value, None)
        except BaseException as error:
            self._end(task, None, error)
        else:
            self._park(task, place)
        finally:
            self.current = None

    def _park(self, task: Task, place: Place) -> None:
        if task._scope.doomed:  # pyright: ignore[reportPrivateUsage]
            task.fail(Cancelled())
            return
        if not hasattr(place, "append"):
            task.fail(
                TypeError(f"yielded {place!r}: a task yields places; `yield from`?")
            )
            return
        # On the ready list it is not parked: nobody is to take it out again.
        task._place = None if place is self.ready else place  # pyright: ignore[reportPrivateUsage]
        try:
            place.append(task)
        except BaseException as error:
            task.fail(error)

    def _end(self, task: Task, result: Any, error: BaseException | None) -> None:
        task.done, task.result, task.error = True, result, error
        self.tasks.discard(task)
        task._scope.tasks.pop(task, None)  # pyright: ignore[reportPrivateUsage]
        joiners = task._joiners  # pyright: ignore[reportPrivateUsage]
        while joiners:
            joiners.popleft().wake()
        group = task._group  # pyright: ignore[reportPrivateUsage]
        if group is not None:
            if error is not None:
                group.failed(error)
            group.ended(task)

    # Timers

    def add_timer(self, timer: Timer) -> None:
        """Have it fire at its instant; those of one instant in the order of adding."""
        heapq.heappush(self._timers, (timer.when, next(self._count), timer))

    def forget_timer(self) -> None:
        """One of the timers was cancelled; when most are, they are cleared out."""
        self._forgotten += 1
        if self._forgotten > 100 and self._forgotten > len(self._timers) // 2:
            self._timers[:] = [entry for entry in self._timers if not entry[2].idle]
            heapq.heapify(self._timers)
            self._forgotten = 0

    def _until_next_timer(self) -> float | None:
        timers = self._timers
        while timers and timers[0][2].idle:
            heapq.heappop(timers)
        if not timers or timers[0][0] == math.inf:
            return None
        return min(max(0.0, timers[0][0] - time.monotonic()), LONGEST)

    # The world outside

    def _poll(self, timeout: float | None) -> None:
        for key, events in self.selector.select(timeout):
            if key.fileobj is self._wakeup:
                with contextlib.suppress(BlockingIOError):
                    while self._wakeup.recv(4096):
                        pass
                continue
            waiting: dict[int, Task] = key.data
            rest = {way: task for way, task in waiting.items() if not events & way}
            _Watch(self, key.fd, events).update(rest)
            for way in waiting.keys() - rest.keys():
                waiting[way].wake()

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
        error = Deadlock(sorted(task.waits_at() for task in self.tasks))
        if self.root.doomed:  # and yet they wait: behind a shield
            raise error
        self._crash(error)


class _Running(threading.local):
    kernel: Kernel | None = None


_running = _Running()


def current_kernel() -> Kernel:
    """The kernel that runs in this thread; RuntimeError if none does."""
    if _running.kernel is None:
        raise RuntimeError("no kernel runs in this thread; begin with run()")
    return _running.kernel


def current_task() -> Task:
    """The task that is running; RuntimeError outside of one."""
    task = current_kernel().current
    if task is None:
        raise RuntimeError("no task is running here")
    return task


def run(function: Callable[..., Wait[T]], *args: Any) -> T:
    """Run generator function ``function(*args)`` and all that it starts, to the end.

    Raises:
        Deadlock: nobody can ever move again.
        KeyboardInterrupt: after Ctrl-C, once every task has cleaned up.
        BaseException: whatever the function raises.
    """
    return Kernel().run(function, *args)


def _generator(function: Callable[..., Wait[T]], args: tuple[Any, ...]) -> Wait[T]:
    made = function(*args)
    if not inspect.isgenerator(made):
        name = getattr(function, "__name__", function)
        raise TypeError(f"{name} must be a generator function: it returned {made!r}")
    return made  # pyright: ignore[reportReturnType]
