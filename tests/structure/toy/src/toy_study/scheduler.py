"""A scheduler for coroutines: a ready queue, and a heap of timers.

A task that waits has yielded. `Scheduler.wake` puts it back into the ready queue. A
sleep wakes its task by a timer, and the last task of `together` wakes the caller.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, ClassVar, NoReturn

Call = Callable[[], Coroutine[Any, Any, Any]]


class Cancelled(BaseException):
    """The task has been cancelled; raised where it waits."""


class Stuck(RuntimeError):
    """Every task waits, and no timer will wake one."""


class Task:
    """A call that runs beside others."""

    def __init__(self, call: Call, ended: Callable[[Task], object]) -> None:
        self.call = call
        self.coroutine = self._run()
        self.ended = ended
        self.done = self.ready = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.requested: Cancelled | None = None
        """The cancellation that was requested last."""
        self.pending: Cancelled | None = None
        """The same, until it is delivered."""

    async def _run(self) -> Any:
        return await self.call()

    def cancel(self, reason: Cancelled | None = None) -> None:
        """Raise `Cancelled` in the task, at its present or else its next wait."""
        if not self.done:
            self.requested = self.pending = reason or Cancelled()
            if Scheduler.running.current is not self:
                Scheduler.running.wake(self)


class Scheduler:
    """Runs tasks in one thread until the first of them has ended."""

    running: ClassVar[Scheduler]
    current: Task | None = None

    def __init__(self) -> None:
        self.alive: dict[Task, None] = {}
        self._ready: deque[Task] = deque()
        self._timers: list[tuple[float, int]] = []
        self._tickets = itertools.count()
        self._callbacks: dict[int, Callable[[], object]] = {}

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run ``function(*args)`` to its end, and return what it returns."""
        Scheduler.running = self
        main = self.spawn(lambda: function(*args), lambda task: None)
        try:
            while not main.done:
                self._call_due_timers()
                if self._ready:
                    self._step(self._ready.popleft())
                elif self._timers:
                    time.sleep(max(0, self._timers[0][0] - time.monotonic()))
                else:
                    self.give_up()
        finally:
            for task in self.alive:
                with contextlib.suppress(RuntimeError):  # its cleanup wants to wait
                    task.coroutine.close()
        if main.error is not None:
            raise main.error
        return main.value

    def spawn(self, call: Call, ended: Callable[[Task], object]) -> Task:
        """Start a task, and call ``ended(task)`` when it has ended."""
        task = Task(call, ended)
        self.alive[task] = None
        self.wake(task)
        return task

    def give_up(self) -> NoReturn:
        """Raise an error, because no task will ever run again."""
        raise Stuck("every task waits, and no timer will wake one")

    def wake(self, task: Task) -> None:
        """Run a task that waits as soon as its turn comes."""
        if not task.ready and not task.done:
            task.ready = True
            self._ready.append(task)

    def call_at(self, instant: float, callback: Callable[[], object]) -> int:
        """Call back at an instant of `time.monotonic`; return a ticket."""
        ticket = next(self._tickets)
        self._callbacks[ticket] = callback
        heapq.heappush(self._timers, (instant, ticket))
        return ticket

    def call_off(self, ticket: int) -> None:
        """Do not call back, if that has not happened."""
        self._callbacks.pop(ticket, None)

    def _call_due_timers(self) -> None:
        while self._timers:
            instant, ticket = self._timers[0]
            if ticket in self._callbacks and instant > time.monotonic():
                return
            heapq.heappop(self._timers)
            self._callbacks.pop(ticket, lambda: None)()

    def _step(self, task: Task) -> None:
        reason, task.pending, task.ready = task.pending, None, False
        self.current = task
        try:
            if reason is None:
                task.coroutine.send(None)
            else:
                task.coroutine.throw(reason)
        except StopIteration as stop:
            task.value, task.done = stop.value, True
        except BaseException as error:
            task.error, task.done = error, True
        finally:
            self.current = None
        if task.done:
            del self.alive[task]
            task.ended(task)
        elif task.pending is not None:
            self.wake(task)


def this_task() -> Task:
    """Return the task that calls this."""
    task = Scheduler.running.current
    if task is None:
        raise RuntimeError("no task runs")
    return task


@types.coroutine
def wait() -> Generator[None]:
    """Wait until woken or cancelled."""
    yield


async def sleep(seconds: float) -> None:
    """Wait for that many seconds."""
    scheduler, task = Scheduler.running, this_task()
    wake_at = time.monotonic() + seconds
    ticket = scheduler.call_at(wake_at, lambda: scheduler.wake(task))
    try:
        await wait()
    finally:
        scheduler.call_off(ticket)


async def together(*calls: Call) -> list[Any]:
    """Run calls in tasks of their own, and return their results, in order.

    The first error cancels the other tasks, and so does a cancellation of the caller.

    Raises:
        BaseException: the error of a task, or a group of several; or else `Cancelled`.
    """
    scheduler, caller = Scheduler.running, this_task()
    errors: list[BaseException] = []
    left = len(calls)
    cancelled: Cancelled | None = None

    def ended(task: Task) -> None:
        nonlocal left
        left -= 1
        if task.error and not (task.requested and isinstance(task.error, Cancelled)):
            errors.append(task.error)
            stop()
        if not left:
            scheduler.wake(caller)

    def stop() -> None:
        for task in tasks:
            if task.requested is None:
                task.cancel()

    tasks = [scheduler.spawn(call, ended) for call in calls]
    while left:
        try:
            await wait()
        except Cancelled as error:
            cancelled = cancelled or error
            stop()
    if len(errors) > 1:
        raise BaseExceptionGroup("several tasks have failed", errors) from cancelled
    if errors or cancelled:
        raise errors[0] if errors else cancelled  # type: ignore[misc]
    return [task.value for task in tasks]


class Deadline:
    """A block that is cancelled after some seconds, and then ends silently."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        task = this_task()
        self.reason = Cancelled()
        expires = time.monotonic() + self.seconds
        self.ticket = Scheduler.running.call_at(
            expires, lambda: task.cancel(self.reason)
        )

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> bool:
        Scheduler.running.call_off(self.ticket)
        return error is self.reason
