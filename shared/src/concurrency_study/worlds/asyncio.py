"""asyncio in virtual time: a selector event loop whose selector jumps the clock.

Input that is already there comes before a jump; time stands still while a worker
thread of ``to_thread`` or ``run_in_executor`` works. Not covered: executors that are
fed by others than the loop; subprocesses (they raise `NotCovered`).
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from asyncio import events
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from ..world import (
    PATIENCE,
    Deadlock,
    Job,
    LoopWorld,
    NotCovered,
    coroutine_frames,
    waits_at,
)


class AsyncioJob(Job):
    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _forever(self) -> None:
        await events.get_running_loop().create_future()


class AsyncioWorld(LoopWorld):
    """A place where asyncio code runs in virtual time."""

    name = "asyncio"
    Cancelled = asyncio.CancelledError

    def _recolour(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Any]:
        return function

    def _job(self, actor: str) -> Job:
        return AsyncioJob(self, actor)

    def _call_at(self, seconds: float, callback: Callable[[], None]) -> None:
        self._loop.call_at(seconds, callback)

    def _from_worker(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)

    def _run(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        cancel_at: float | None,
    ) -> tuple[Any, BaseException | None]:
        async def main() -> tuple[Any, BaseException | None]:
            task = asyncio.current_task()
            assert task is not None
            for seconds, callback in self._planned:
                self._call_at(seconds, callback)
            cancel = (
                None
                if cancel_at is None
                else self._loop.call_at(cancel_at, task.cancel)
            )
            try:
                return await self._call(function, args), None
            except BaseException as error:
                return None, error
            finally:
                self._ended(
                    [f"task {t.get_name()}" for t in asyncio.all_tasks() - {task}]
                    + ["a worker thread"] * self._loop.unfinished.total()
                )
                if cancel:
                    cancel.cancel()

        with self._virtual_time():
            self._loop = VirtualLoop(self)
            runner = asyncio.Runner(loop_factory=lambda: self._loop)
            try:
                result = runner.run(main())
            except Deadlock as deadlock:
                result = None, deadlock
            try:
                runner.close()
            except Deadlock:
                self._loop.close()
            return result

    async def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return await function(*args)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop that takes its time from a world."""

    def __init__(self, world: LoopWorld) -> None:
        self.world = world
        self.unfinished: Counter[Executor | None] = Counter()
        super().__init__(_VirtualSelector(self))
        self.set_exception_handler(self._lose)

    def time(self) -> float:
        return self.world.clock

    def next_timer(self) -> float | None:
        """The instant of the next timer, if there is one."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # pyright: ignore
        return scheduled[0].when() if scheduled else None

    def watches(self) -> bool:
        """Whether a descriptor other than the loop's own wake-up pipe is watched."""
        return len(self._selector.get_map()) > 1  # pyright: ignore

    def run_in_executor(  # pyright: ignore
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        pool: Any = executor or self._default_executor  # pyright: ignore
        if pool is None:
            pool = ThreadPoolExecutor(thread_name_prefix="asyncio")
            self.set_default_executor(pool)
        threads: int = pool._max_workers

        def count(change: int) -> None:
            before = min(self.unfinished[pool], threads)
            self.unfinished[pool] += change
            self.world.busy += min(self.unfinished[pool], threads) - before

        def finished(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.call_soon_threadsafe(count, -1)

        count(+1)
        work = pool.submit(self.world.as_worker(func), *args)
        future = asyncio.wrap_future(work, loop=self)
        work.add_done_callback(finished)  # after wrap_future's: delivered, then counted
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self.world.busy += 1  # it joins the threads from a thread of its own
        try:
            await super().shutdown_default_executor()
        finally:
            self.world.busy -= 1

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        raise NotCovered("subprocesses take real time; run them outside of a world")

    subprocess_shell = subprocess_exec  # pyright: ignore

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
        if world.busy:
            return super().select(None)  # the worker wakes the loop through its pipe
        jump_to = self._loop.next_timer()
        if jump_to is None:
            if self._loop.watches():
                ready = super().select(PATIENCE)
            if not ready:
                raise Deadlock(_waiters(self._loop))
            return ready
        world.clock = max(world.clock, jump_to)
        return []


def _waiters(loop: asyncio.AbstractEventLoop) -> list[str]:
    return sorted(
        f"task {task.get_name()}: {waits_at(coroutine_frames(task.get_coro()))}"
        for task in asyncio.all_tasks(loop)
    )
