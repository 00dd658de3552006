"""trio in virtual time: a clock that jumps when trio's run queue is empty.

Input that is already there comes before a jump of the clock. Virtual time does not pass
while a worker thread of ``trio.to_thread`` works. It does pass while that thread waits
in ``trio.from_thread.run``. Worker threads that the answer left behind are noted, and
then run to their end in virtual time.

Not covered are threads other than trio's own, and subprocesses (they raise
`NotCovered`).
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import itertools
import math
import os
import queue
import random
import subprocess
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from types import SimpleNamespace
from typing import Any

import outcome
import trio
import trio.abc
import trio.lowlevel

from ..world import Deadlock, Job, LoopWorld, NotCovered, leaves, waits_at

_run: Any = trio._core._run  # pyright: ignore
_subprocess: Any = trio._subprocess  # pyright: ignore
_threads: Any = trio._threads  # pyright: ignore
_ThreadCache: Any = trio._core._thread_cache.ThreadCache  # pyright: ignore


class TrioJob(Job):
    """The view that a job has of its world."""

    async def native_sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def native_forever(self) -> None:
        await trio.sleep_forever()

    async def native_time_out(self, seconds: float) -> None:
        with trio.fail_after(seconds):
            await self.native_forever()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        async with trio.open_nursery() as nursery:
            for call in calls:
                nursery.start_soon(call)

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        return await trio.to_thread.run_sync(call)

    async def native_readable(self, descriptor: int) -> None:
        await trio.lowlevel.wait_readable(descriptor)

    def shield(self) -> trio.CancelScope:
        """Return a shielded scope."""
        return trio.CancelScope(shield=True)

    def unrequested(self) -> BaseException:
        """Return a `trio.Cancelled`, which has no public constructor."""
        return unrequested()


def unrequested() -> BaseException:
    """Return a `trio.Cancelled` that no scope has requested."""
    create: Any = trio.Cancelled._create  # pyright: ignore
    return create(source="explicit")


class TrioWorld(LoopWorld):
    """A place where trio code runs in virtual time."""

    name = "trio"
    colour = "async"
    Cancelled = trio.Cancelled
    TimedOut = trio.TooSlowError
    kind = "task"
    libraries = ("trio", "outcome")
    order = "trio runs tasks that are ready in random order"
    _token: trio.lowlevel.TrioToken

    def here(self) -> object:
        """Return the task that runs now."""
        return trio.lowlevel.current_task()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return function

    def native_job(self, actor: str) -> Job:
        return TrioJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (seconds, next(self._tickets), callback))

    def native_call_soon(self, callback: Callable[[], None]) -> None:
        try:
            self._token.run_sync_soon(callback)
        except trio.RunFinishedError:
            self._after_run.put(callback)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._tickets = itertools.count()
        self._after_run: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._unfinished = 0
        scope = trio.CancelScope()
        clock = _VirtualClock(self, scope)
        result: tuple[Any, BaseException | None] = None, None

        async def main() -> None:
            nonlocal result
            trio.lowlevel.current_task().name = "main"
            self.note_main(trio.lowlevel.current_task())
            self._token = trio.lowlevel.current_trio_token()
            self.call_planned()
            self.cancel_by(scope.cancel)
            cancelled: BaseException | None = None
            try:
                with scope:
                    try:
                        result = await self.counted(function(*args)), None
                    except BaseException as error:
                        cancelled = leaves(error)[0]
                        raise
                    finally:
                        self.note_end(self._leftovers())
                if scope.cancelled_caught:
                    result = None, cancelled
            except BaseException as error:
                result = None, error

        with self.virtual_time(), self._patched():
            try:
                self._drive(main, clock)
            except trio.TrioInternalError as error:
                result = None, error
            self._finish_workers()
        return result[0], clock.deadlock or result[1]

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]], clock: Any) -> None:
        trio.run(main, clock=clock, instruments=[clock])

    def _leftovers(self) -> list[str]:
        me = trio.lowlevel.current_task()
        return [f"task {task.name}" for task in _tasks() if task is not me] + [
            "a worker thread"
        ] * self._unfinished

    def watch(self, task: trio.lowlevel.Task) -> None:
        """Note a task that the answer has started, but none of trio's own."""
        if (
            self.trace.watching
            and self.this_run.names
            and not task.name.startswith("<")
        ):
            self.note_spawned(task, task.name.rpartition(".")[2])

    def next_timer(self) -> float:
        """Return the instant of the next callback, or infinity."""
        return self._timers[0][0] if self._timers else math.inf

    def post_due_timers(self) -> None:
        """Have trio's loop call the callbacks that are due."""
        while self.next_timer() <= self.clock:
            self._token.run_sync_soon(heapq.heappop(self._timers)[2])

    def _finish_workers(self) -> None:
        """Let threads that outlived the run end, in virtual time."""
        while self._unfinished:
            if self.busy <= 0 and self._after_run.empty() and self._timers:
                self.clock, _, callback = heapq.heappop(self._timers)
            else:
                try:
                    callback = self._after_run.get(timeout=self.patience)
                except queue.Empty:
                    return
            callback()

    @contextlib.contextmanager
    def _patched(self) -> Generator[None]:
        """Count the busy threads, from the start of a call to its delivery.

        A worker that waits for the loop does not count as busy. A subprocess is
        refused.
        """
        start, send = _ThreadCache.start_thread_soon, _threads._send_message_to_trio
        task_exited = _run.Runner.task_exited

        def exited(runner: Any, task: trio.lowlevel.Task, result: Any) -> Any:
            if task in self.this_run.names:
                error = getattr(result, "error", None)
                self.trace.exited(self.this_run.names[task], self.how_it_ended(error))
            return task_exited(runner, task, result)

        def start_thread_soon(
            cache: Any,
            function: Callable[[], Any],
            deliver: Callable[[Any], object],
            name: str | None = None,
        ) -> None:
            if threading.get_ident() != self._thread:
                start(cache, function, deliver, name)
                return

            def deliver_and_count(result: Any) -> None:
                deliver(result)
                self._count(-1)

            # Both run on the loop's thread, so that no task sees one without the other.
            def finished(result: Any) -> None:
                self.native_call_soon(functools.partial(deliver_and_count, result))

            self._count(+1)
            start(cache, self.as_worker(function), finished, name)

        def send_message(token: Any, message: Any) -> Any:
            is_ours = threading.get_ident() in self._workers
            if is_ours and isinstance(message, _threads.Run):
                message = _threads.Run(self._waited_for(message.afn), message.args)
            return send(token, message)

        def refuse(*args: Any, **kwargs: Any) -> None:
            raise NotCovered("subprocesses take real time; run them outside of a world")

        # Trio runs tasks that are ready in random order. With this, seeding `random`
        # replays a run, and pytest-randomly does that for each test.
        _run._r.seed(random.random())
        if self.trace.watching:
            _run.Runner.task_exited = exited
        _ThreadCache.start_thread_soon = start_thread_soon
        _threads._send_message_to_trio = send_message
        _subprocess.subprocess = SimpleNamespace(**vars(subprocess) | {"Popen": refuse})
        try:
            yield
        finally:
            _run.Runner.task_exited = task_exited
            _ThreadCache.start_thread_soon = start
            _threads._send_message_to_trio = send
            _subprocess.subprocess = subprocess

    def _count(self, change: int) -> None:
        self.busy += change
        self._unfinished += change

    def _waited_for(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function. The worker that waits for it is not busy meanwhile."""

        @functools.wraps(function)
        async def waited_for(*args: Any) -> Any:
            self.busy -= 1
            try:
                return await function(*args)
            finally:
                self.busy += 1

        return waited_for


class _VirtualClock(trio.abc.Clock, trio.abc.Instrument):
    """The clock of trio's loop, which asks it for a time to wait when no task can run.

    A deadlock is resolved in up to three steps, so that the tasks can clean up: cancel
    the answer, remove all shields, and raise the `Deadlock` in tasks without children.
    """

    def __init__(self, world: TrioWorld, scope: trio.CancelScope) -> None:
        self._world = world
        self._scope = scope
        self._polled = False
        self._been_patient = False
        self.deadlock: Deadlock | None = None
        self._ways_out: Iterator[Callable[[], None]] = iter(
            (self._cancel, self._remove_shields, self._throw)
        )

    def start_clock(self) -> None:
        pass

    def current_time(self) -> float:
        return self._world.clock

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self._world.watch(task)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._polled = self._been_patient = False

    def before_io_wait(self, timeout: float) -> None:
        self._world.post_due_timers()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        world = self._world
        if _run.GLOBAL_RUN_CONTEXT.runner.waiting_for_idle:
            return math.inf  # trio itself wakes them: nothing else can run
        if not self._polled:
            self._polled = True
            return 0
        if world.busy > 0:
            return math.inf  # the worker wakes the loop
        jump_to = min(deadline, world.next_timer())
        if jump_to < math.inf:
            world.clock = max(world.clock, jump_to)
            return 0
        if _watches() and not self._been_patient:
            self._been_patient = True
            return world.patience
        self._resolve()
        return 0

    def _resolve(self) -> None:
        self.deadlock = self.deadlock or Deadlock(
            sorted(f"task {task.name}: {_where(task)}" for task in _tasks())
        )
        way_out = next(self._ways_out, None)
        if way_out is None:
            raise self.deadlock
        self._polled = False
        way_out()

    def _cancel(self) -> None:
        self._scope.cancel()

    def _remove_shields(self) -> None:
        for task in _tasks():
            status: Any = task._cancel_status  # pyright: ignore
            while status is not None:
                status._scope.shield = False
                status = status.parent

    def _throw(self) -> None:
        assert self.deadlock
        for task in _tasks():
            if not any(nursery.child_tasks for nursery in task.child_nurseries):
                trio.lowlevel.reschedule(task, outcome.Error(self.deadlock))


def _tasks() -> list[trio.lowlevel.Task]:
    """Return all tasks but trio's own."""
    root = trio.lowlevel.current_root_task()
    found: list[trio.lowlevel.Task] = []
    pending = [root] if root else []
    while pending:
        task = pending.pop()
        found.append(task)
        for nursery in task.child_nurseries:
            pending.extend(nursery.child_tasks)
    return [task for task in found if not task.name.startswith("<")]


def _where(task: trio.lowlevel.Task) -> str:
    frames = [frame for frame, _ in task.iter_await_frames()]
    told = [f for f in frames if not f.f_code.co_filename.startswith(_CORE)]
    return waits_at(told or frames)


_CORE = os.path.dirname(_run.__file__) + os.sep
"""The folder in which every wait ends. The frame outside of it shows the real wait."""


def _watches() -> bool:
    """Return whether a task other than trio's own waits for a descriptor."""
    statistics: Any = trio.lowlevel.current_statistics().io_statistics
    names = ("tasks_waiting_read", "tasks_waiting_write", "tasks_waiting")
    return sum(getattr(statistics, name, 0) for name in names) > 1
