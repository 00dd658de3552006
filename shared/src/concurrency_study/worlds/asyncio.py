"""asyncio in virtual time: a selector event loop whose selector jumps the clock.

Input that is already there comes before a jump of the clock. Timers that are due at one
instant fire in the order in which they were made. Worker threads and other threads of
the answer run in virtual time as well (see `concurrency_study.worlds.threads`).

Not covered are subprocesses and pools of processes: they raise `NotCovered`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import contextlib
import heapq
import itertools
import math
import re
import selectors
import socket
import sys
import weakref
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, cast

from ..world import (
    FINDINGS,
    Job,
    LoopWorld,
    NotCovered,
    Unwind,
    coroutine_frames,
    waits_at,
)
from ..world.schedules import CLOCK, WIDTH, Schedule
from .threads.spins import loop_that_looks


class AsyncioJob(Job):
    """The view that a job has of its world."""

    async def native_sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def native_forever(self) -> None:
        await events.get_running_loop().create_future()

    async def native_time_out(self, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await self.native_forever()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call())

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(call)

    async def native_readable(self, descriptor: int) -> None:
        ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)


class AsyncioWorld(LoopWorld):
    """A place where asyncio code runs in virtual time."""

    name = "asyncio"
    colour = "async"
    Cancelled = asyncio.CancelledError
    kind = "task"
    order = "tasks that are ready run first come, first served"

    def here(self) -> object:
        """Return the task that runs now."""
        return asyncio.current_task()

    def native_function(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return function

    def native_job(self, actor: str) -> Job:
        return AsyncioJob(self, actor)

    def native_call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        self._loop.call_at(seconds, callback)

    def native_run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> tuple[Any, BaseException | None]:
        result: tuple[Any, BaseException | None] | None = None

        async def main() -> None:
            nonlocal result
            task = asyncio.current_task()
            assert task is not None
            task.set_name("main")
            self.note_main(task)
            self.call_planned()
            try:
                value, error = await self._call(function, args), None
            except BaseException as raised:
                value, error = None, raised
            result = value, loop.failure or error
            if isinstance(error, asyncio.CancelledError):
                raise error  # so that asyncio can tell Ctrl-C

        with self.virtual_time() as replaced, self._patched():
            args = tuple(map(replaced, args))
            loop = self._loop = VirtualLoop(self)
            machine = self.machine
            machine.resolve, machine.inside = loop.resolve, loop.waiters
            machine.loop_watches, machine.loop_looks = loop.watches, loop.looks
            machine.loop_timer = loop.later_timer
            try:
                # The loop keeps its first failure. A task group that fails while it is
                # cancelled requests the cancellation of main once more (Python 3.13).
                with contextlib.suppress(*FINDINGS, asyncio.CancelledError, Unwind):
                    self._drive(main)
            except RecursionError:
                # asyncio cannot cancel tasks that await each other in a circle.
                if loop.failure is None:
                    raise
            finally:
                loop.lose_errors()
                loop.stop_timers()
                if not loop.is_closed():  # its own end was ended
                    loop.close()
            machine.failure = machine.failure and (loop.failure or machine.failure)
        return result or (None, loop.failure)

    def watch(self, task: asyncio.Task[Any], coroutine: object) -> None:
        """Note a task that the answer has started, and its end.

        An eager task that has already ended no longer knows its coroutine.
        """
        made: Any = task

        def became() -> str:
            if not task.done():
                return ""
            # Not exception(): calling that marks the error as taken.
            return (
                "cancelled" if task.cancelled() else self.how_it_ended(made._exception)
            )

        name = task.get_name()
        if re.fullmatch(r"Task-\d+|None", name):  # a default name
            name = str(getattr(coroutine, "__name__", name))
        name = self.note_spawned(task, name.rpartition(".")[2], became)
        task.add_done_callback(_Note(lambda: self.trace.exited(name, became())))

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        return asyncio.run(function())

    @classmethod
    @contextlib.contextmanager
    def exploring(cls) -> Generator[None]:
        with super().exploring():
            try:
                yield
            finally:
                while _spare:
                    _spare.pop().really_close()

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        runner = asyncio.Runner(loop_factory=lambda: self._loop)
        try:
            runner.run(main())
        finally:
            if self._loop.is_done():
                self._loop.close()
                events.set_event_loop(None)
            else:
                runner.close()

    def _leftovers(self) -> list[str]:
        me = asyncio.current_task()
        tasks = asyncio.all_tasks() - {me}
        return [
            *sorted(_waiter(task) for task in tasks),
            *self.leftover_threads(_pool_worker, *self.worker_threads),
        ]

    def note_leftovers(self) -> None:
        """Note the end of the answer, unless it is collected as garbage after its run.

        That happens to an answer which ignores its cancellation at the limit of time.
        """
        if not isinstance(sys.exception(), GeneratorExit):
            self.note_end(self._leftovers())

    worker_threads: tuple[object, ...] = ()
    """The classes of worker threads that a library on top of asyncio starts."""

    def _patched(self) -> contextlib.AbstractContextManager[None]:
        """Replace what a library on top of asyncio needs, while the answer runs."""
        return contextlib.nullcontext()

    async def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Call the answer, cancel it on request, and note its leftovers."""
        task = asyncio.current_task()
        assert task is not None
        ended = False
        self.cancel_by(lambda: ended or task.cancel())
        try:
            return await self.counted(function(*args))
        finally:
            ended = True
            self.note_leftovers()


class AsyncioEagerWorld(AsyncioWorld):
    """A place where asyncio code runs in virtual time, with eager tasks.

    An eager task runs in ``create_task`` up to its first wait. Needs Python 3.12:
    https://docs.python.org/3/library/asyncio-task.html#eager-task-factory
    """

    name = "asyncio-eager"
    order = "a new task runs at once; tasks that are ready run first come, first served"

    def __init__(self, answer: Callable[..., Any] | None = None) -> None:
        super().__init__(answer)
        self._factory = getattr(asyncio, "eager_task_factory", None)
        if self._factory is None:
            raise LookupError("the world 'asyncio-eager' needs Python 3.12 or newer")

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        with asyncio.Runner() as runner:
            runner.get_loop().set_task_factory(self._factory)
            return runner.run(function())

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop.set_task_factory(self._factory)
        super()._drive(main)


FAR = 1e9
"""Seconds beyond which a float cannot tell nanoseconds apart at all."""

_pool_worker: Any = concurrent.futures.thread._worker  # pyright: ignore


class _Timer(asyncio.TimerHandle):
    """A timer that fires after the timers of its instant that were made before it."""

    number = 0

    def __lt__(self, other: Any) -> bool:
        return (self._when, self.number) < (other._when, other.number)  # pyright: ignore

    __eq__ = object.__eq__  # type: ignore[assignment]
    __hash__ = object.__hash__  # type: ignore[assignment]


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop that takes its time from a world."""

    def __init__(self, world: AsyncioWorld) -> None:
        self.world = world
        self.machine = world.machine
        self.failure: BaseException | None = None
        """The first error by which the world has ended the loop."""
        self.raising: BaseException | None = None
        self.selecting = False
        self.internal = False
        """True if the loop itself reads its clock next."""
        self._rescued = 0
        self._numbers = itertools.count()
        self._older = self._newest = 0
        """The numbers of timers at the last two calls of `looks`."""
        self._waits: dict[asyncio.Task[Any], Any] = {}
        """The tasks, and the futures that they waited for at the last look."""
        self._made: list[weakref.ref[asyncio.Future[Any]]] = []
        """All tasks and futures; the dead ones are removed at times."""
        self._many = 1000
        """The length of the list at which the dead ones are removed next."""
        self._scheduled: list[asyncio.TimerHandle]
        self._ready: deque[asyncio.Handle]
        selector = _spare.pop() if _spare else _VirtualSelector()
        selector.loop = self
        super().__init__(selector)
        self.set_exception_handler(self._lose)
        if world.schedule is not None:
            self._ready = _Ready(self, world.schedule)

    # In a search, most loops never wait. Such a loop leaves its selector and its pipe
    # unused, and they serve the next run. They are there from the beginning in any
    # case: a program that counts its open descriptors sees no difference.

    _ssock: Any = None
    _csock: Any = None

    def _make_self_pipe(self) -> None:
        """Leave the pipe unused until the loop has to wait."""
        if self.world.schedule is None:
            self.open_pipe()

    def open_pipe(self) -> None:
        """Watch the pipe by which other threads and signals wake the loop."""
        if self._ssock is None:
            made: Any = self
            self._ssock, self._csock = made._selector.pipe
            made._internal_fds += 1
            made._add_reader(self._ssock.fileno(), made._read_from_self)

    def can_be_woken(self) -> bool:
        """Watch the pipe; return False if something was called before."""
        self.open_pipe()
        return not self._ready

    def _close_self_pipe(self) -> None:
        if self._ssock is not None:
            made: Any = self
            made._remove_reader(self._ssock.fileno())
            self._ssock = self._csock = None  # the selector closes them
            made._internal_fds -= 1

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:
        """Do what asyncio's own does: the signal is written into the pipe."""
        self.open_pipe()
        super().add_signal_handler(sig, callback, *args)

    def is_done(self) -> bool:
        """Return whether nothing is left for `asyncio.Runner.close` but to close."""
        made: Any = self
        return not (
            self.is_closed()
            or self._ready
            or made._asyncgens
            or made._default_executor
            or asyncio.all_tasks(self)
        )

    def _run_once(self) -> None:
        """Do a turn of the loop.

        A search makes thousands of runs. If no descriptor is registered, there can be
        no input. If no timer is due as well, a turn needs no selector.
        """
        made: Any = self
        machine, ready, scheduled = self.machine, self._ready, self._scheduled
        if (
            not ready
            or made._debug
            or self.world.schedule is None
            or made._selector._fd_to_key
            or machine.outside
            or (scheduled and made._timer_cancelled_count)
            or (scheduled and scheduled[0].when() * 1e9 <= machine.ns + 1)
        ):
            made = super()
            made._run_once()
            return
        self.selecting = True
        try:
            machine.yielded()
        finally:
            self.selecting = False
        self.raise_failure()
        for _ in range(len(ready)):
            handle: Any = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def raise_failure(self) -> None:
        """Raise the error with which the loop is to end, if there is one."""
        if self.raising is not None:
            error, self.raising = self.raising, None
            raise error

    def time(self) -> float:
        """Return virtual seconds since the world began to run."""
        machine = self.machine
        if self.internal:
            self.internal = False
        elif machine.mine():
            machine.look()
            machine.read_clock()
        return machine.reading

    @property
    def _clock_resolution(self) -> float:
        """Timers due within these seconds run together."""
        self.internal = True
        return math.ulp(self.time())  # which a test may mock

    @_clock_resolution.setter
    def _clock_resolution(self, seconds: float) -> None: ...

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Call back after a delay in seconds, to the nanosecond."""
        machine, self.internal = self.machine, True
        when = self.time()
        if when == machine.reading and 0 < delay < FAR:
            when = machine.due(delay) / 1e9
        else:  # for infinity, for None, which is an error, and if a test mocks `time`
            when += delay
        return self._call_at(when, callback, args, context)

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """Call back at an instant, to the nanosecond."""
        if abs(when) < FAR:
            when = round(when * 1e9) / 1e9
        return self._call_at(when, callback, args, context)

    def _call_at(
        self, when: float, callback: Any, args: Any, context: Any
    ) -> asyncio.TimerHandle:
        made: Any = self
        made._check_closed()
        if made._debug:
            made._check_thread()
            made._check_callback(callback, "call_at")
        timer: Any = _Timer(when, callback, args, self, context)
        timer.number = next(self._numbers)
        heapq.heappush(made._scheduled, timer)
        timer._scheduled = True
        return timer

    def timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers, the next one first."""
        return self._scheduled

    def next_timer(self) -> float:
        """Return the instant of the next timer, or infinity."""
        return self._scheduled[0].when() if self._scheduled else math.inf

    def stop_timers(self) -> None:
        """Drop all timers: their callbacks will never be called."""
        self._scheduled.clear()

    def watches(self) -> bool:
        """Return whether a descriptor besides the loop's own pipe is watched."""
        selector: Any = vars(self)["_selector"]
        own = self._ssock is not None
        return selector is not None and len(selector._fd_to_key) > own

    def looks(self) -> bool:
        """Return whether all tasks that have run since the last call only look.

        A task that has run waits for another future than before.
        """
        before, self._waits = (
            self._waits,
            {
                task: getattr(task, "_fut_waiter", None)
                for task in asyncio.all_tasks(self)
            },
        )
        self._older, self._newest = self._newest, next(self._numbers)
        return all(
            (future is not None and future is before.get(task))
            or loop_that_looks(reversed(coroutine_frames(task.get_coro())))
            for task, future in self._waits.items()
        )

    def later_timer(self) -> int | None:
        """Return the first instant after now, in nanoseconds, that has a timer."""
        dues = [
            round(timer.when() * 1e9)
            for timer in self._scheduled
            if not timer.cancelled()
            and timer.when() < math.inf
            and vars(timer)["number"] < self._older
        ]
        return min((due for due in dues if due > self.machine.ns), default=None)

    def waiters(self) -> list[str]:
        """Return where each task waits."""
        return sorted(map(_waiter, asyncio.all_tasks(self)))

    def resolve(self, error: BaseException) -> bool:
        """Have the loop end by this error, if it is its thread that waits."""
        self.failure = self.failure or error
        self._rescued += 1
        if not self.selecting or self._rescued > 3:
            return False
        self.raising = self.failure
        self.machine.wake(self.machine.main)
        return True

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do what asyncio's own does, and count the calls that have not ended."""
        pool: Any = executor or self._default_executor  # pyright: ignore
        if pool is None:
            pool = ThreadPoolExecutor(thread_name_prefix="asyncio")
            self.set_default_executor(pool)
        submit = cast("Callable[..., Future[Any]]", pool.submit)  # pyright: ignore
        work = submit(self.world.as_worker(func), *args)
        self.world.unfinished += 1
        work.add_done_callback(self._ended)
        return asyncio.wrap_future(work, loop=self)

    def _ended(self, _: object) -> None:
        self.world.unfinished -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Do what asyncio's own does, however long it takes in virtual time."""
        await super().shutdown_default_executor()

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Do what asyncio's own does, and keep a weak reference to the task."""
        task = super().create_task(coro, **options)
        self._keep(task)
        if self.world.trace.watching and self.is_running():  # the answer is not
            self.world.watch(task, coro)
        return task

    def create_future(self) -> asyncio.Future[Any]:
        """Do what asyncio's own does, and keep a weak reference to the future."""
        future: asyncio.Future[Any] = super().create_future()
        self._keep(future)
        return future

    def _keep(self, made: asyncio.Future[Any]) -> None:
        self._made.append(weakref.ref(made))
        if len(self._made) > self._many:
            self._made = [each for each in self._made if each() is not None]
            self._many = max(1000, 2 * len(self._made))

    def lose_errors(self) -> None:
        """Report errors that were never retrieved. Then be silent."""
        for each in self._made:
            future = each()
            if future is None:
                continue
            told: Any = future
            if future.done() and told._log_traceback:
                told._log_traceback = False
                self.world.lose(future.exception() or RuntimeError("no error"))
        self.set_exception_handler(lambda loop, context: None)

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse to start a subprocess.

        Raises:
            NotCovered: Always.
        """
        raise NotCovered("subprocesses take real time; run them outside of a world")

    subprocess_shell = subprocess_exec

    def _lose(self, loop: object, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        if self._is_of_streams(context):
            return
        self.world.lose(error or RuntimeError(context["message"]))

    @staticmethod
    def _is_of_streams(context: Mapping[str, Any]) -> bool:
        """Return whether it is about a handler of streams that was cancelled.

        To 3.11, ``StreamReaderProtocol`` reports that as an error, because it asks a
        cancelled task for its exception: https://github.com/python/cpython/issues/110378
        """
        error = context.get("exception")
        return isinstance(error, asyncio.CancelledError)


class _Note:
    """A callback of the world's own, which a schedule does not choose."""

    def __init__(self, make: Callable[[], None]) -> None:
        self._make = make

    def __call__(self, _: object) -> None:
        self._make()


class _Ready(deque[Any]):
    """A ready queue from which a schedule takes the next callback.

    The steps of one task are one lane, and keep their order. All other callbacks are
    one lane together, because ``call_soon`` promises their order:
    https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.call_soon
    """

    def __init__(self, loop: VirtualLoop, schedule: Schedule) -> None:
        super().__init__()
        self._loop, self._schedule = loop, schedule

    def popleft(self) -> Any:
        schedule, timers = self._schedule, self._loop.timers()
        while schedule.on and not self[0]._cancelled:
            first: dict[Any, int] = {}
            for at, handle in enumerate(self):
                lane = getattr(handle._callback, "__self__", None)
                if not isinstance(lane, _TASKS):
                    if type(handle._callback) is _Note:
                        del self[at]
                        return handle
                    lane = None
                if lane not in first:
                    if len(first) == WIDTH:
                        schedule.cut = True
                        break
                    first[lane] = at
            if len(first) == 1 and not timers:
                schedule.took(*first)
                break
            lanes = [*first]
            ahead = self._ahead() if timers else None
            index = schedule.pick(lanes, self._described, ahead)
            if index == CLOCK:
                self._fire()
            elif index:
                at = first[lanes[index]]
                handle = self[at]
                del self[at]
                return handle
            else:
                break
        return super().popleft()

    def _described(self, lane: Any) -> str:
        """Return the name of a lane's actor, and where it is."""
        if lane is None:
            for handle in self:
                if not isinstance(getattr(handle._callback, "__self__", None), _TASKS):
                    return _describe(_woken(handle))
        return _describe(lane)

    def _ahead(self) -> int | None:
        """Return the nanoseconds to the next timer, if the clock may go there."""
        loop, machine = self._loop, self._loop.machine
        when = loop.next_timer()
        if when == math.inf:
            return None
        ahead = max(0, round(when * 1e9) - machine.ns)
        return ahead if machine.may_go_ahead(ahead, self._schedule) else None

    def _fire(self) -> None:
        """Move the clock to the next timer, and make the timers ready that are due."""
        loop: Any = self._loop
        loop.machine.go_ahead(round(loop.next_timer() * 1e9))
        loop.internal = True
        end = loop.time() + loop._clock_resolution
        while loop._scheduled and loop._scheduled[0]._when < end:
            handle = heapq.heappop(loop._scheduled)
            handle._scheduled = False
            if handle._cancelled:
                loop._timer_cancelled_count -= 1
            else:
                self.append(handle)


def _woken(handle: Any) -> asyncio.Task[Any] | None:
    """Return the task that a callback wakes by a future, as that of a timer does."""
    for given in handle._args or ():
        for callback, _ in getattr(given, "_callbacks", None) or ():
            if isinstance(task := getattr(callback, "__self__", None), _TASKS):
                return task
    return None


def _describe(task: asyncio.Task[Any] | None) -> str:
    if task is None:
        return "a callback of the loop"
    name, coroutine = task.get_name(), task.get_coro()
    if re.fullmatch(r"Task-\d+", name):  # numbers differ from process to process
        name = getattr(coroutine, "__name__", name)
    return f"task {name}: {waits_at(coroutine_frames(coroutine))}"


_TASKS: Any = (asyncio.Task, asyncio.tasks._PyTask)  # pyright: ignore

_select: Any = selectors.DefaultSelector.select

_spare: list[_VirtualSelector] = []
"""The selector that no run of a search has used so far."""


class _VirtualSelector(selectors.DefaultSelector):
    """A selector that jumps the clock, with the pipe of its loop."""

    loop: VirtualLoop

    def __init__(self) -> None:
        super().__init__()
        self.pipe = socket.socketpair()
        for end in self.pipe:
            end.setblocking(False)
        self._used = False

    def register(
        self, fileobj: Any, events: int, data: Any = None
    ) -> selectors.SelectorKey:
        self._used = True
        return super().register(fileobj, events, data)

    def close(self) -> None:
        if self._used or self.loop.world.schedule is None:
            self.really_close()
        else:
            _spare.append(self)

    def really_close(self) -> None:
        """Close it, and the pipe."""
        super().close()
        for end in self.pipe:
            end.close()

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        loop, machine = self.loop, self.loop.machine
        loop.internal = True
        ready: list[tuple[selectors.SelectorKey, int]] = []
        if self.get_map():
            ready = _select(self, 0)
        if not machine.mine():  # closed after the run
            return ready
        loop.selecting = True
        try:
            if timeout is not None and timeout <= 0:
                if not ready:
                    machine.yielded()
            elif not ready:
                when = loop.next_timer()
                due = None if when == math.inf else round(when * 1e9)
                if (due is None or due > machine.ns) and (
                    not machine.skip_to(due) and loop.can_be_woken()
                ):
                    machine.idle(self.fileno(), due)
                    ready = _select(self, 0)
        finally:
            loop.selecting = False
        loop.raise_failure()
        return ready


def _waiter(task: asyncio.Task[Any]) -> str:
    return f"task {task.get_name()}: {waits_at(coroutine_frames(task.get_coro()))}"
