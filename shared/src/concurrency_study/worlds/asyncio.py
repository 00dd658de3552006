"""asyncio in virtual time: a selector event loop whose selector jumps the clock.

Input that is already there comes before a jump of the clock. Virtual time does not pass
while a worker thread of ``to_thread`` or ``run_in_executor`` works. It does pass while
that thread waits for ``run_coroutine_threadsafe(...).result()``. Worker threads that
the answer left behind are noted, and then run to their end in virtual time.

Not covered are executors that get calls from elsewhere than the loop, joining an
executor on the loop's thread while a call in it sleeps, and subprocesses (they raise
`NotCovered`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import selectors
import threading
import weakref
from asyncio import events
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from ..world import (
    Deadlock,
    Job,
    LoopWorld,
    NotCovered,
    coroutine_frames,
    waits_at,
)


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

    def native_call_soon(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)

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
            result = value, loop.deadlock or error

        with self.virtual_time(), self._patched():
            loop = self._loop = VirtualLoop(self)
            # The loop keeps its first deadlock. A task group that fails while it is
            # cancelled requests the cancellation of main once more (Python 3.13).
            with contextlib.suppress(Deadlock, asyncio.CancelledError):
                self._drive(main)
            loop.lose_errors()
            return result or (None, loop.deadlock)

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
        task.add_done_callback(lambda _: self.trace.exited(name, became()))

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(main())

    def _leftovers(self) -> list[str]:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        return (
            sorted(f"task {task.get_name()}" for task in tasks)
            + ["a worker thread"] * self._loop.unfinished.total()
        )

    @contextlib.contextmanager
    def _patched(self) -> Generator[None]:
        """Do not count a worker that waits for ``run_coroutine_threadsafe`` as busy."""
        run = asyncio.run_coroutine_threadsafe

        def run_coroutine_threadsafe(
            coro: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop
        ) -> Future[Any]:
            future = run(coro, loop)
            if loop is not self._loop or threading.get_ident() not in self._workers:
                return future
            result = future.result

            def wait_for_result(timeout: float | None = None) -> Any:
                self.native_call_soon(stop_work)
                return result(timeout)

            def stop_work() -> None:
                if not future.done():  # it is set on the loop's thread, as this runs
                    self.busy -= 1
                    future.add_done_callback(go_on)

            def go_on(_: object) -> None:
                self.busy += 1

            future.result = wait_for_result
            return future

        asyncio.run_coroutine_threadsafe = run_coroutine_threadsafe
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe = run

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
            self.note_end(self._leftovers())


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

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._loop.set_task_factory(self._factory)
        super()._drive(main)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop that takes its time from a world."""

    def __init__(self, world: AsyncioWorld) -> None:
        self.world = world
        self.deadlock: Deadlock | None = None
        self.unfinished: Counter[object] = Counter()
        """The number of calls that a pool has got and not delivered, by pool."""
        self._all_finished = asyncio.Event()
        self._all_finished.set()
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        super().__init__(_VirtualSelector(self))
        self.set_exception_handler(self._lose)

    def time(self) -> float:
        """Return virtual seconds since the world began to run."""
        return self.world.clock

    @property
    def _clock_resolution(self) -> float:
        """Timers due within these seconds run together. Must not vanish in time()."""
        return max(1e-9, math.ulp(self.world.clock))

    @_clock_resolution.setter
    def _clock_resolution(self, seconds: float) -> None: ...

    def next_timer(self) -> float:
        """Return the instant of the next timer, or infinity."""
        scheduled: list[asyncio.TimerHandle] = vars(self)["_scheduled"]
        return scheduled[0].when() if scheduled else math.inf

    def watches(self) -> bool:
        """Return whether a descriptor besides the loop's own pipe is watched."""
        return len(self._selector.get_map()) > 1  # pyright: ignore

    def count(self, pool: object, threads: float, change: int) -> None:
        """Note that a pool got a call (+1) or delivered its result (-1)."""
        before = min(self.unfinished[pool], threads)
        self.unfinished[pool] += change
        self.world.busy += int(min(self.unfinished[pool], threads) - before)
        if self.unfinished.total():
            self._all_finished.clear()
        else:
            self._all_finished.set()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do what asyncio's own does, and count the busy threads."""
        pool: Any = executor or self._default_executor  # pyright: ignore
        if pool is None:
            pool = ThreadPoolExecutor(thread_name_prefix="asyncio")
            self.set_default_executor(pool)
        if not isinstance(pool, ThreadPoolExecutor):
            raise NotCovered(
                f"this world cannot count the threads of {pool!r}: use a "
                "ThreadPoolExecutor"
            )
        threads: int = pool._max_workers
        work = pool.submit(self.world.as_worker(func), *args)
        self.count(pool, threads, +1)
        future: asyncio.Future[Any] = self.create_future()
        delivered = False

        # Not asyncio.wrap_future: delivering and counting have to be one step of the
        # loop, so that no task sees one without the other.
        def deliver() -> None:
            nonlocal delivered
            if delivered:
                return
            delivered = True
            self.count(pool, threads, -1)
            if future.done():
                return
            if work.cancelled():
                future.cancel()
            elif error := work.exception():
                future.set_exception(error)
            else:
                future.set_result(work.result())

        def finished(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.call_soon_threadsafe(deliver)

        def cancel(_: object) -> None:
            if future.cancelled() and work.cancel():
                deliver()

        future.add_done_callback(cancel)
        work.add_done_callback(finished)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Do what asyncio's own does, and wait for the threads of all pools."""
        await self._all_finished.wait()  # in virtual time
        self.world.busy += 1  # the threads are joined from a thread of its own
        try:
            await super().shutdown_default_executor()
        finally:
            self.world.busy -= 1

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Do what asyncio's own does, and keep a weak reference to the task."""
        task = super().create_task(coro, **options)
        self._tasks.add(task)
        if self.world.trace.watching and self.is_running():  # the answer is not
            self.world.watch(task, coro)
        return task

    def lose_errors(self) -> None:
        """Report errors that were never retrieved from their tasks. Then be silent."""
        for task in self._tasks:
            if task.done() and task._log_traceback:
                task._log_traceback = False
                self.world.lose(task.exception() or RuntimeError("no error"))
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
        self.world.lose(error or RuntimeError(context["message"]))


class _VirtualSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        world = self._loop.world
        if world.busy > 0:
            return super().select(None)  # the worker wakes the loop through its pipe
        jump_to = self._loop.next_timer()
        if jump_to == math.inf:
            if self._loop.watches():
                ready = super().select(world.patience)
            if not ready:
                error = Deadlock(_waiters(self._loop))
                self._loop.deadlock = self._loop.deadlock or error
                raise error
            return ready
        world.clock = max(world.clock, jump_to)
        return []


def _waiters(loop: asyncio.AbstractEventLoop) -> list[str]:
    return sorted(
        f"task {task.get_name()}: {waits_at(coroutine_frames(task.get_coro()))}"
        for task in asyncio.all_tasks(loop)
    )
