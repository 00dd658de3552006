"""The heart: tasks, the ready queue that is walked while it grows, and time.

Theory of operation
===================

A task is in exactly one of these states:

- *Scheduled*: it is in ``ready``, the ready queue, behind the point that the walk has
  reached. Its ``place`` has no meaning then.
- *Running*: it is the item that the walk has just taken. At most one task runs.
- *Waiting*: it is in its ``place``, the wait queue that it yielded. The code that ends
  the wait moves it to ``ready``: by `Task.wake`, or for a whole queue by extending
  ``ready`` and clearing the queue.
- *Interrupted*: a cancellation took it out of its place. It is in ``_cancelled`` until
  the `Sweep`, an entry in ``ready``, raises `Cancelled` in all such tasks in turn.
- *Ended*: its ``context`` is None and it has left its group.

The rule that keeps this right: only a task that is still in its ``place`` can be
interrupted, and removing it from there is the test. So a task that was handed an item
cannot lose it to a cancellation, and a task is never scheduled twice.

One *turn* of the loop walks along ``ready`` with a list iterator, which also sees tasks
that are appended during the walk. Nothing is popped: a step costs one C call for the
next task. A turn ends after some 5 ms or at most `MOST` steps. Then the kernel looks
around: it makes the calls from other threads, polls the selector, and wakes the
sleepers that are due. The bound on steps matters when quick steps become slow: the
number of steps of a turn is derived from the last turn, and without a bound one turn
could take minutes.

The iterator survives the look around. The walked part of ``ready`` is deleted when
nothing else is left. It is also deleted when it is longer than the rest, and 5 ms have
passed since the last deletion. So a long queue is not moved in memory again and again,
and ended tasks are freed in bulk.

Tried without success: a deque with popleft (slower, one more call), a bound
``context.run`` kept per task (faster switch, slower spawn), a test for the ready queue
before ``append`` (no gain), dropping an ended task's generator (no gain).
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import contextlib
import math
import select
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from heapq import heappop, heappush
from itertools import islice
from operator import methodcaller
from typing import Any, NoReturn, TypeVar, TypeVarTuple, cast

from .groups import Group
from .scopes import Cancelled, CancelScope, Deadlock, _running, current_kernel
from .tasks import GONE, NOT_LEFT, Task, Wait

T = TypeVar("T")
Args = TypeVarTuple("Args")

TURN = 0.005
"""Seconds for which tasks run before the kernel looks around. CPython lets a thread run
as long by default (`sys.getswitchinterval`)."""
MOST = 256
"""The largest number of steps in a turn. Looking around less often gains nothing."""
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
"""The two kinds of events of a descriptor."""
_IN, _OUT = getattr(select, "EPOLLIN", 1), getattr(select, "EPOLLOUT", 4)
LONGEST = 1e6
"""The longest sleep of the loop, in seconds: epoll counts milliseconds in 31 bits."""
NO_PLACE = (
    "a task yields places, and {!r} has no `append`; write `yield from` to call a "
    "generator function"
)
CANCEL = methodcaller("throw", Cancelled)
"""The step of a generator that raises `Cancelled` in it, as ``next`` is the other."""


class Kernel:
    """The loop, which runs tasks, looks at the clock, and watches descriptors."""

    def __init__(self) -> None:
        self.ready: list[Any] = []
        """The ready queue. Append a task, or extend it by a wait queue, to schedule.

        It is a place itself: a task that yields it lets the other tasks run.
        """
        self.later: list[Task[Any]] = []
        """The tasks that are scheduled once the kernel has looked around."""
        self._cancelled: list[Task[Any]] = []
        """The interrupted tasks, in which the sweep will raise `Cancelled`."""
        self._sweep = Sweep(self)
        self._walked: Any = [None]
        self._walk: Any = iter(())
        """The list that is walked now, and the iterator along it; see `current`."""
        self.root = Group(self)
        """The group of the main task."""
        self.thread = threading.get_ident()
        """The thread that runs it. Other threads use `call_soon_threadsafe`."""
        self.outside = self.listeners = 0
        """Threads that will call back, and tasks that wait for a descriptor.

        While one of them is not zero, tasks that all wait are not a deadlock.
        """
        self.closing = self.over = False
        """``closing``: the remaining tasks are closed now. ``over``: the run ended."""
        self._fatal: list[BaseException] = []
        """The errors that end the run, the first one first."""
        self._timers: list[float] = []
        """The instants at which something happens, as a heap."""
        self._sleepers: dict[float, list[Task[Any]]] = {}
        self._alarms: dict[float, list[Callable[[], Any]]] = {}
        """For each instant its sleepers, and for some instants the calls to make."""
        self._enough = 0
        """Dead timers are purged only above this number of timers."""
        self._calls: deque[Callable[[], Any]] = deque()
        """The calls that other threads have asked for."""
        self._woken = False
        """True while a byte for the selector is on its way."""
        self.workers: Any = None
        """The threads of `in_thread`, once there are any."""

    @property
    def current(self) -> Task[Any] | None:
        """The task that is running, or None.

        Setting an attribute at each step would cost 5 % of a switch. A list iterator
        knows how many items are left (its length hint, which is exact). So the item
        before these is the one taken last. Outside of a step, `_walked` holds None.
        """
        return self._walked[-1 - self._walk.__length_hint__()]

    def run(self, function: Callable[..., Wait[Any]], *args: Any) -> Any:
        """Run ``function(*args)`` as the main task, and all that it starts."""
        # Every callback is called, the last one first, even if another one raises.
        with contextlib.ExitStack() as stack:
            token = _running.set(self)
            stack.callback(_running.reset, token)
            self._sweep.context = copy_context()
            self.selector = stack.enter_context(selectors.DefaultSelector())
            self._epoll, self._keys = _inside(self.selector)
            self._wakeup, self._alarm = socket.socketpair()
            stack.callback(self._wakeup.close)
            stack.callback(self._alarm.close)
            self._wakeup.setblocking(False)
            self._alarm.setblocking(False)
            self.selector.register(self._wakeup, selectors.EVENT_READ, self)
            stack.callback(self._forget)
            stack.callback(self._take_interrupts())
            self.root._ready = self.ready
            main = self.root.spawn(function, *args)
            main.name = "main"
            try:
                self._loop()
            except BaseException as error:  # the loop itself failed: nothing can wait
                self._fatal.append(self._explained(error))
            finally:
                self._close_tasks()
        errors, self._fatal = self._fatal, []
        known = {id(error) for error in errors}
        errors += [e for e in self.root._errors or [] if id(e) not in known]
        self.root._errors = None
        if not errors:
            if main.error is not None:
                raise main.error
            return main.result
        first, *rest = errors
        if rest:
            raise first from BaseExceptionGroup("these came with it", rest)
        raise first

    def _explained(self, error: BaseException) -> BaseException:
        """Return an error of the loop, in words if the cause is known.

        `_steps` takes a task that has ended out of the children of its scope. A task
        that ended inside a scope of its own is not among them: AttributeError. A test
        for that in `_steps` would cost time at the end of each task.
        """
        task = self.current
        if isinstance(error, AttributeError) and task is not None:
            host = task._scope.host
            return RuntimeError(NOT_LEFT.format(task.name)) if host is task else error
        return error

    def _forget(self) -> None:
        """Let go of everything that a kept task, scope or socket would keep alive."""
        self.over = True
        self._walked, self._walk = [None], iter(())
        for key in list(self.selector.get_map().values()):
            if key.data is not self:
                key.data.forget()
        for held in (self.ready, self.later, self._cancelled, self._calls):
            held.clear()
        for held in (self._timers, self._sleepers, self._alarms):
            held.clear()
        if self.workers is not None:
            self.workers.stop()

    def _loop(self) -> None:
        ready, later, timers, calls = self.ready, self.later, self._timers, self._calls
        root, turn, walked = self.root, 16, 0
        walk: Any = iter(ready)
        began = deleted = time.monotonic()
        while True:
            self._steps(ready, walk, islice(walk, turn), next)
            left = walk.__length_hint__()
            steps = len(ready) - left - walked
            walked += steps
            now = time.monotonic()
            took = now - began
            if took > TURN:
                turn = int(min(turn, steps * TURN / took)) or 1
            elif steps == turn < MOST:
                turn *= 2
            # A list iterator that has reached the end stays there, so it is replaced
            # when nothing is left. Deleting n items costs moving the rest. So they are
            # deleted only when the rest is not longer: then the n steps pay for it.
            if not left or (walked >= left and now - deleted > TURN):
                del ready[:walked]
                walk, walked, deleted = iter(ready), 0, now
            if root.last is None:
                return
            if not left or self.listeners or later or calls or timers:
                now = self._look_around()
            began = now

    def _steps(self, walked: Any, walk: Any, tasks: Iterator[Any], step: Any) -> None:
        """Take one step of each of these tasks, up to its next wait.

        This is the inner loop: each switch pays for every line of it.
        """
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
                # In a cancelled scope a task may wait for its children, and for nothing
                # else. That is the wait in its own scope: only `open_group` yields it.
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
            # The task has ended, and leaves its group. It must not point to siblings
            # any more: a reference to it would keep all later siblings alive.
            group = task._scope
            task.context = None
            previous = task.previous
            if group.joiners is not None:
                group.wake_joiners(task)
            if group.last is not task:
                task.next.previous = previous
                if previous is not None:
                    previous.next = task.next
                    task.previous = None
                task.next = None
            else:
                group.last = previous
                if previous is not None:
                    previous.next = task.previous = None
                elif group.waiter is not None:
                    ready.append(group.waiter)
                    group.waiter = None
                elif group.host is not None and group.host.done:
                    raise RuntimeError(NOT_LEFT.format(group.host.name))
        self._walked, self._walk = before

    def cancel_soon(self, tasks: list[Task[Any]]) -> None:
        """Schedule interrupted tasks, to have `Cancelled` raised in them."""
        if not self._cancelled:
            self.ready.append(self._sweep)
        self._cancelled.extend(tasks)

    def sweep(self) -> list[Any]:
        """Raise `Cancelled` in all interrupted tasks; the one step of `Sweep`.

        Returns a place that is used for nothing else: the sweep waits there until it is
        scheduled.
        """
        cancelled, self._cancelled = self._cancelled, []
        walk = iter(cancelled)
        self._steps(cancelled, walk, walk, CANCEL)
        return []

    def _look_around(self) -> float:
        """Make the calls from other threads, look at descriptors and at the clock.

        Each kind of event gets its share and no more: a call that requests another
        call does not delay the rest, as the new call waits for the next look. So does
        an alarm that is set by another one for the same instant.
        """
        ready, timers, calls = self.ready, self._timers, self._calls
        if calls:
            for _ in range(len(calls)):
                self._call(calls.popleft())
        if len(timers) > self._enough:
            self._tidy_up()
        timeout = 0.0
        if not (ready or self.later or calls):
            timeout = self._until_next_timer()
            if timeout == math.inf and not self.listeners and not self.outside:
                self._deadlock()
                timeout = 0.0
        if self.listeners or timeout:
            self._see(None if timeout == math.inf else min(timeout, LONGEST))
        now = time.monotonic()
        if timers and timers[0] <= now:
            self._wake_sleepers(now)
        if self.later:
            ready.extend(self.later)
            self.later.clear()
        return now

    def _see(self, seconds: float | None) -> None:
        """Wait for descriptors, and wake the tasks that wait for them."""
        if self._epoll is None:
            for key, events in self.selector.select(seconds):
                key.data.happened(events)
            return
        # Repeats what `EpollSelector.select` does, without a list of tuples. That is
        # some 4 % of a round trip in an echo server.
        keys = self._keys
        for descriptor, happened in self._epoll.poll(seconds, MOST):
            key = keys.get(descriptor)
            if key is not None:
                if happened == _IN:
                    key.data.happened(READ & key.events)
                else:  # an error or a hang-up is both
                    events = (happened & ~_IN and WRITE) | (happened & ~_OUT and READ)
                    key.data.happened(events & key.events)

    def _wake_sleepers(self, now: float) -> None:
        """Make the calls and wake the sleepers of the instants up to now."""
        timers, due = self._timers, list[float]()
        # Collect all instants first: an alarm may set another one for the same instant.
        while timers and timers[0] <= now:
            due.append(heappop(timers))
        for when in due:
            sleepers = self._sleepers.pop(when, ())
            for call in self._alarms.pop(when, ()):
                self._call(call)
            if sleepers:
                self.ready.extend(sleepers)
                sleepers.clear()

    def _until_next_timer(self) -> float:
        """Return the seconds until the next timer; remove the dead ones before it."""
        timers, sleepers, alarms = self._timers, self._sleepers, self._alarms
        while timers and not (sleepers.get(timers[0]) or alarms.get(timers[0])):
            when = heappop(timers)
            sleepers.pop(when, None)
            alarms.pop(when, None)
        return max(0.0, timers[0] - time.monotonic()) if timers else math.inf

    def happened(self, _: int) -> None:
        """Read the byte by which another thread has woken the selector."""
        self._wakeup.recv(4096)
        # Cleared before the calls are made. A call that is added later sends a byte. A
        # call that was added before is in the queue by now.
        self._woken = False

    # Time

    def instant(self, when: float) -> list[Any]:
        """Return the place of the sleepers of this instant, to be yielded at once."""
        place = self._sleepers.get(when)
        if place is None:
            if when != when:
                raise ValueError("an instant must be a number, not nan")
            heappush(self._timers, when)
            self._sleepers[when] = place = []
        return place

    def call_at(self, when: float, call: Callable[[], Any]) -> None:
        """Have the loop make a call at this instant, before its sleepers wake.

        A call whose time has come already is made after the next steps of the tasks.
        An error of the call ends the run.
        """
        if len(self._timers) > self._enough:
            self._tidy_up()
        self.instant(when)
        self._alarms.setdefault(when, []).append(call)

    def do_not_call_at(self, when: float, call: Callable[[], Any]) -> None:
        """Take back `call_at`; has no effect if the call was made already."""
        calls = self._alarms.get(when, [])
        if call in calls:
            calls.remove(call)

    def _tidy_up(self) -> None:
        """Remove the instants that have neither sleepers nor calls any more."""
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
        """Close the tasks that could not end by themselves."""
        self.closing = True
        try:
            for task in self.tasks():
                self._walked, self._walk = [task], iter(())
                try:
                    if not task.done:
                        task.context.run(task.generator.close)
                except BaseException as error:
                    self._fatal.append(error)
        except BaseException as error:  # no memory for the list of tasks
            self._fatal.append(error)

    def tasks(self) -> list[Task[Any]]:
        """Return all tasks that have not ended."""
        return list(self.root.everybody())

    def call_soon_threadsafe(self, call: Callable[[], Any]) -> None:
        """Have the loop make a call soon. Any thread may use this.

        An error of the call ends the run. A call that comes after the run is never
        made. The kernel cannot know that such a call will come: tasks that wait for
        nothing else are a `Deadlock`. Add 1 to ``outside`` while a call is expected.
        """
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            with contextlib.suppress(OSError):  # full: it wakes; closed: too late
                self._alarm.send(b"!")

    def _take_interrupts(self) -> Callable[[], object]:
        """Let the first Ctrl-C cancel all tasks, and a second one raise on the spot.

        Return the function that restores the handler.
        """
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
        if self.root.doomed:  # shielded tasks still wait, although all are cancelled
            raise error
        self._crash(error)


def _inside(selector: Any) -> tuple[Any, dict[int, selectors.SelectorKey]]:
    """Return the epoll object of a selector, and its keys by descriptor.

    Return None if the selector has to be asked itself: it is of another kind, or its
    method ``select`` was replaced. Virtual time does that, and so may a test.
    """
    plain: Any = getattr(selectors, "EpollSelector", None)
    if type(selector) is plain and plain.select.__module__ == selectors.__name__:
        try:
            return selector._selector, selector._fd_to_key
        except AttributeError:  # private names, which a later Python may change
            pass
    return None, {}


class Sweep:
    """The entry in the ready queue that represents all interrupted tasks.

    Raising an error needs another step than ``next``. Asking each task in the queue
    which one it needs would cost time at each switch. So the interrupted tasks are in a
    list of their own, and the sweep, which looks like a task, walks that list when its
    turn comes. ``iter(sweep, None)`` makes its one step callable by ``next``.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._scope = CancelScope()
        self.context = copy_context()
        self.generator = iter(kernel.sweep, None)

    def raised(self, error: BaseException) -> NoReturn:
        """End the run: an error interrupted the loop itself, between two tasks."""
        raise error


def run(function: Callable[[*Args], Wait[T]], *args: *Args) -> T:
    """Run generator function ``function(*args)`` and all that it starts, to the end.

    Tasks that were spawned into the group of the main task (``current_task().group``)
    are part of the run: it does not end before them, and their first error is raised.

    Raises:
        Deadlock: No task can ever run again.
        KeyboardInterrupt: After Ctrl-C, once every task has cleaned up.
        BaseException: The error that the function raised.
    """
    if _running.get() is not None:
        raise RuntimeError("a kernel runs in this thread; use `yield from`")
    return copy_context().run(cast(Any, Kernel().run), function, *args)


def checkpoint() -> Wait[None]:
    """Let all other scheduled tasks run, and the kernel look around.

    (``yield current_kernel().ready`` only lets the others run, and costs less.)
    """
    yield current_kernel().later


def sleep(seconds: float) -> Wait[None]:
    """Wait for a number of seconds; 0 is a checkpoint."""
    kernel = _running.get() or current_kernel()
    if seconds <= 0:
        yield kernel.later
        return
    # Repeats `Kernel.instant`, because calling it costs more.
    when = time.monotonic() + seconds
    place = kernel._sleepers.get(when)
    if place is None:
        if when != when:
            raise ValueError("seconds must be a number, not nan")
        heappush(kernel._timers, when)
        kernel._sleepers[when] = place = []
    yield place


def sleep_until(instant: float) -> Wait[None]:
    """Wait until ``time.monotonic()`` has reached this instant."""
    kernel = current_kernel()
    past = instant <= time.monotonic()
    yield kernel.later if past else kernel.instant(instant)


def sleep_forever() -> Wait[None]:
    """Wait until cancelled."""
    nowhere: list[Task[Any]] = []
    yield nowhere
