"""trio in virtual time: a clock that jumps when trio's run queue is empty.

Input that is already there comes before a jump of the clock. Worker threads of
``trio.to_thread`` and other threads of the answer run in virtual time as well (see
`concurrency_study.worlds.threads`). Those that the answer left behind are noted, and
then ended.

Not covered are subprocesses: they raise `NotCovered`.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import os
import random
import select
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from typing import Any

import outcome
import trio
import trio.abc
import trio.lowlevel

from ..world import Job, LoopWorld, Unwind, coroutine_frames, leaves, waits_at
from ..world.schedules import CLOCK, WIDTH, Schedule
from ..world.unpatched import get_ident
from .threads.machine import Machine, real_poll
from .threads.spins import loop_that_looks

_run: Any = trio._core._run  # pyright: ignore
_cache: Any = trio._core._thread_cache  # pyright: ignore
_ThreadCache: Any = _cache.ThreadCache
_WorkerThread: Any = _cache.WorkerThread


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


CLEANUP = 2_500
"""Turns of trio's loop that a cleanup may take without a wait."""


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
        entry = round(seconds * 1e9), next(self._tickets), callback
        heapq.heappush(self._timers, entry)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._tickets = itertools.count()
        scope = trio.CancelScope()
        result: tuple[Any, BaseException | None] = None, None

        async def main() -> None:
            nonlocal result
            trio.lowlevel.current_task().name = "main"
            self.note_main(trio.lowlevel.current_task())
            if self.schedule is not None:
                runner = _run.GLOBAL_RUN_CONTEXT.runner
                runner.runq = _RunQueue(runner, self.machine, self.schedule)
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

        with self.virtual_time() as replaced, self._patched():
            args = tuple(map(replaced, args))
            clock = _VirtualClock(self, scope)
            try:
                self._drive(main, clock)
            except (trio.TrioInternalError, Unwind) as error:
                result = None, error
            failure, self.machine.failure = self.machine.failure, None
        return result[0], clock.failure or failure or result[1]

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        return trio.run(function)

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]], clock: Any) -> None:
        trio.run(main, clock=clock, instruments=[clock])

    def _leftovers(self) -> list[str]:
        me = trio.lowlevel.current_task()
        runner = _run.GLOBAL_RUN_CONTEXT.runner
        return [_waiter(task) for task in _tasks(runner) if task is not me] + (
            self.leftover_threads(_WorkerThread._work)
        )

    def watch(self, task: trio.lowlevel.Task) -> None:
        """Note a task that the answer has started, but none of trio's own."""
        if (
            self.trace.watching
            and self.this_run.names
            and not task.name.startswith("<")
        ):
            self.note_spawned(task, task.name.rpartition(".")[2])

    def next_timer(self) -> float:
        """Return the instant of the next callback in nanoseconds, or infinity."""
        return self._timers[0][0] if self._timers else math.inf

    def post_due_timers(self) -> None:
        """Have trio's loop call the callbacks that are due."""
        while self._timers and self._timers[0][0] <= self.machine.ns:
            self._token.run_sync_soon(heapq.heappop(self._timers)[2])

    @contextlib.contextmanager
    def _patched(self) -> Generator[None]:
        """Count the calls in worker threads, and keep those of a run apart."""
        start = _ThreadCache.start_thread_soon
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
            if get_ident() != self._thread:
                start(cache, function, deliver, name)
                return

            def finished(result: Any) -> None:
                self.unfinished -= 1
                deliver(result)

            self.unfinished += 1
            start(cache, self.as_worker(function), finished, name)

        # Trio runs tasks that are ready in random order. With this, seeding `random`
        # replays a run, and pytest-randomly does that for each test.
        _run._r.seed(random.random())
        if self.trace.watching:
            _run.Runner.task_exited = exited
        _ThreadCache.start_thread_soon = start_thread_soon
        try:
            yield
        finally:
            _run.Runner.task_exited = task_exited
            _ThreadCache.start_thread_soon = start


class _VirtualClock(trio.abc.Clock, trio.abc.Instrument):
    """The clock of trio's loop, which asks it for a time to wait when no task can run.

    A deadlock is resolved in up to four steps, so that the tasks can clean up: cancel
    the answer, remove all shields, raise the `Deadlock` in tasks without children, and
    raise it in trio's loop. The loop ignores errors of an instrument, so the last step
    is taken where it reads its clock.
    """

    def __init__(self, world: TrioWorld, scope: trio.CancelScope) -> None:
        self._world = world
        self._machine = world.machine
        self._machine.resolve, self._machine.inside = self.resolve, self.waiters
        self._machine.loop_watches = self._watches
        self._machine.loop_looks, self._machine.loop_timer = (
            self._looks,
            self._later_timer,
        )
        self._scope = scope
        self._older: set[trio.CancelScope] = set()
        self._scopes: set[trio.CancelScope] = set()
        """The scopes with a deadline at the last two calls of `_looks`."""
        self._points: dict[trio.lowlevel.Task, int] = {}
        """The tasks, and the number of their steps at the last look."""
        self._poll: Any = None
        self._internal = False
        self._waits = False
        self._unresolved = False
        self._hopeless = False
        """True if the tasks have swallowed each error that should end them."""
        self.failure: BaseException | None = None
        """The first error by which the world has ended the run."""
        self._ways_out: Iterator[Callable[[], None]] = iter(
            (self._cancel, self._remove_shields, self._throw)
        )

    def start_clock(self) -> None:
        # Other threads ask for waiters as well, and have no current run of their own.
        self._runner = _run.GLOBAL_RUN_CONTEXT.runner

    def current_time(self) -> float:
        if self._internal:
            self._internal = False
            if self._hopeless:
                assert self.failure
                raise self.failure
        elif self._machine.mine():
            self._machine.look()
            self._machine.read_clock()
        return self._machine.reading

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        self._world.watch(task)

    def __dir__(self) -> tuple[str, ...]:
        # Trio goes through all names of an instrument as each run begins.
        return "task_spawned", "before_io_wait"

    def before_io_wait(self, timeout: float) -> None:
        self._world.post_due_timers()
        if timeout <= 0 and not self._waited:
            self._machine.yielded()
            if self._unresolved:
                self._resolve()
        self._waited = False
        self._internal = True  # after the wait, trio's loop reads the clock

    _waited = False
    """True if trio has just asked how long to wait: it has no task to run."""

    def deadline_to_sleep_time(self, deadline: float) -> float:
        world, machine = self._world, self._machine
        if _run.GLOBAL_RUN_CONTEXT.runner.waiting_for_idle:
            return math.inf  # trio itself wakes them: nothing else can run
        self._waited = True
        if self._poll is None:
            # Not by the epoll object itself: trio takes each event only once.
            self._epoll = _run.GLOBAL_RUN_CONTEXT.runner.io_manager._epoll.fileno()
            self._poll = real_poll()
            self._poll.register(self._epoll, select.POLLIN)
        if self._poll.poll(0):
            return 0
        jump_to = world.next_timer()
        if deadline < math.inf:
            left = machine.due(deadline - machine.reading)
            jump_to = min(jump_to, max(round(deadline * 1e9), left))
        due = None if jump_to == math.inf else int(jump_to)
        if due is None or due > machine.ns:
            self._waits = True
            try:
                machine.idle(self._epoll, due)
            finally:
                self._waits = False
            rest = deadline - machine.reading
            if due == machine.ns and 0 < rest < 1e-9:
                machine.creep(rest)  # a float and the clock differ by an ulp
            if self._unresolved:
                self._resolve()
        return 0

    def waiters(self) -> list[str]:
        """Return where each task waits."""
        return sorted(map(_waiter, _tasks(self._runner)))

    def _looks(self) -> bool:
        """Return whether all tasks that have run since the last call only look."""
        before, self._points = (
            self._points,
            {
                task: task._schedule_points  # pyright: ignore[reportPrivateUsage]
                for task in _tasks(self._runner)
            },
        )
        self._older, self._scopes = (
            self._scopes,
            {scope for _, _, scope in self._runner.deadlines._heap},
        )
        return all(
            points == before.get(task)
            or loop_that_looks(reversed(coroutine_frames(task.coro)))
            for task, points in self._points.items()
        )

    def _later_timer(self) -> int | None:
        """Return the first instant after now, in nanoseconds, that has a timer."""
        dues: list[float] = [
            math.ceil(when * 1e9)
            for when, _, scope in self._runner.deadlines._heap
            if when == scope._registered_deadline and scope in self._older
        ]
        dues.append(self._world.next_timer())
        now = self._machine.ns
        later = min((due for due in dues if due > now), default=math.inf)
        return None if later == math.inf else int(later)

    def _watches(self) -> bool:
        """Return whether a task other than trio's own waits for a descriptor."""
        statistics = self._runner.io_manager.statistics()
        names = ("tasks_waiting_read", "tasks_waiting_write", "tasks_waiting")
        return sum(getattr(statistics, name, 0) for name in names) > 1

    def resolve(self, error: BaseException) -> bool:
        """Have the run end by this error, if it is trio's thread that waits."""
        self.failure = self.failure or error
        main = self._machine.main
        # A task that blocks the thread in a wait of its own is ended there.
        spins = self._machine.current is main and not main.waiting
        self._unresolved = self._waits or spins
        if self._unresolved:
            self._machine.wake(self._machine.main)
        return self._unresolved

    def _resolve(self) -> None:
        self._unresolved = False
        self._machine.most_turns = CLEANUP
        way_out = next(self._ways_out, None)
        if way_out is None:
            self._hopeless = True
        else:
            way_out()

    def _cancel(self) -> None:
        self._scope.cancel()

    def _remove_shields(self) -> None:
        for task in _tasks(self._runner):
            status: Any = task._cancel_status  # pyright: ignore
            while status is not None:
                status._scope.shield = False
                status = status.parent

    def _throw(self) -> None:
        assert self.failure
        for task in _tasks(self._runner):
            if any(nursery.child_tasks for nursery in task.child_nurseries):
                continue
            state: Any = task
            if state._next_send_fn is None:
                trio.lowlevel.reschedule(task, outcome.Error(self.failure))
            else:  # it is ready, so it gets this error in place of its result
                state._next_send_fn = task.coro.throw
                state._next_send = self.failure


class _RunQueue(deque[trio.lowlevel.Task]):
    """A run queue from which a schedule takes the next task.

    The loop takes all tasks of the queue in one turn. From this queue it gets one, so
    that a task can be held for longer than a turn.
    """

    def __init__(self, runner: Any, machine: Machine, schedule: Schedule) -> None:
        super().__init__(runner.runq)
        self._runner, self._machine, self._schedule = runner, machine, schedule
        self._taken: list[trio.lowlevel.Task] = []

    def __iter__(self) -> Iterator[trio.lowlevel.Task]:
        # list(queue), and then queue.clear()
        self._taken = self._next()
        return iter(self._taken)

    def clear(self) -> None:
        for task in self._taken:
            self.remove(task)

    def _next(self) -> list[trio.lowlevel.Task]:
        if not self._schedule.on:
            return [*super().__iter__()]
        waiting = [*itertools.islice(super().__iter__(), WIDTH)]
        if not waiting:
            return waiting
        if len(self) > WIDTH:
            self._schedule.cut = True
        for task in waiting:
            if task.name.startswith("<"):
                return [task]
        ahead = self._ahead() if self._runner.deadlines._heap else None
        index = self._schedule.pick(waiting, _waiter, ahead)
        if index != CLOCK:
            return [waiting[index]]
        assert ahead is not None
        self._machine.go_ahead(self._machine.ns + ahead)
        rest = self._runner.deadlines.next_deadline() - self._machine.reading
        if 0 < rest < 1e-9:
            self._machine.creep(rest)  # a float and the clock differ by an ulp
        return []

    def _ahead(self) -> int | None:
        """Return the nanoseconds to the next deadline, if the clock may go there."""
        deadline = self._runner.deadlines.next_deadline()
        if deadline == math.inf:
            return None
        ahead = max(0, round(deadline * 1e9) - self._machine.ns)
        return ahead if self._machine.may_go_ahead(ahead, self._schedule) else None


def _tasks(runner: Any) -> list[trio.lowlevel.Task]:
    """Return all tasks but trio's own."""
    root: trio.lowlevel.Task | None = runner.init_task
    found: list[trio.lowlevel.Task] = []
    pending = [root] if root else []
    while pending:
        task = pending.pop()
        found.append(task)
        for nursery in task.child_nurseries:
            pending.extend(nursery.child_tasks)
    own = ("<", "close asyncgen ")
    return [task for task in found if not task.name.startswith(own)]


def _waiter(task: trio.lowlevel.Task) -> str:
    return f"task {task.name}: {_where(task)}"


def _where(task: trio.lowlevel.Task) -> str:
    frames = [frame for frame, _ in task.iter_await_frames()]
    told = [f for f in frames if not f.f_code.co_filename.startswith(_CORE)]
    return waits_at(told or frames)


_CORE = os.path.dirname(_run.__file__) + os.sep
"""The folder in which every wait ends. The frame outside of it shows the real wait."""
