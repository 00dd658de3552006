"""AnyIO in virtual time, on asyncio and on trio.

These worlds work like those of `asyncio` and of `trio`. Each program runs as by
``anyio.run``.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import anyio
from anyio._backends import _asyncio as backend

from ..world import Job, leaves
from .asyncio import AsyncioWorld
from .trio import TrioWorld
from .trio import unrequested as trio_unrequested


class AnyioJob(Job):
    """The view that a job has of its world."""

    async def native_sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def native_forever(self) -> None:
        await anyio.sleep_forever()

    async def native_time_out(self, seconds: float) -> None:
        with anyio.fail_after(seconds):
            await self.native_forever()

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(call)

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(call)

    async def native_readable(self, descriptor: int) -> None:
        await anyio.wait_readable(descriptor)

    def shield(self) -> anyio.CancelScope:
        """Return a shielded scope."""
        return anyio.CancelScope(shield=True)


class AnyioOnTrioJob(AnyioJob):
    """The view that a job has of its world."""

    def unrequested(self) -> BaseException:
        """Return a `trio.Cancelled`, which has no public constructor."""
        return trio_unrequested()


class AnyioOnAsyncioWorld(AsyncioWorld):
    """A place where AnyIO code runs on asyncio in virtual time."""

    name = "anyio-on-asyncio"
    libraries = ("anyio",)

    def native_job(self, actor: str) -> Job:
        return AnyioJob(self, actor)

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        return anyio.run(function, backend="asyncio")

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        options = {"loop_factory": lambda: self._loop}
        anyio.run(main, backend="asyncio", backend_options=options)

    async def _call(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        cancelled: BaseException | None = None
        with anyio.CancelScope() as scope:
            self.cancel_by(scope.cancel)
            try:
                return await self.counted(function(*args))
            except BaseException as error:
                cancelled = leaves(error)[0]
                raise
            finally:
                self.note_leftovers()
        assert cancelled is not None
        raise cancelled

    @contextlib.contextmanager
    def _patched(self) -> Generator[None]:
        """Count AnyIO's own worker threads as well."""
        plain: Any = backend.WorkerThread
        world = self

        def count(change: int) -> None:
            world.unfinished += change

        class Handover(queue.Queue[Any]):
            def put_nowait(self, item: Any) -> None:
                if item is not None:
                    context, function, *others = item
                    item = (context, world.as_worker(function), *others)
                    count(+1)
                super().put_nowait(item)

        class WorkerThread(plain):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)  # pyright: ignore
                self.queue = Handover(self.queue.maxsize)

            def _report_result(self, *args: Any) -> None:
                super()._report_result(*args)  # pyright: ignore
                count(-1)

        backend.WorkerThread = WorkerThread
        self.worker_threads = (WorkerThread,)
        try:
            yield
        finally:
            backend.WorkerThread = plain


class AnyioOnTrioWorld(TrioWorld):
    """A place where AnyIO code runs on trio in virtual time."""

    name = "anyio-on-trio"
    libraries = ("anyio", "trio", "outcome")
    TimedOut = TimeoutError

    def native_job(self, actor: str) -> Job:
        return AnyioOnTrioJob(self, actor)

    def run_for_real(self, function: Callable[..., Any]) -> Any:
        return anyio.run(function, backend="trio")

    def _drive(self, main: Callable[[], Coroutine[Any, Any, None]], clock: Any) -> None:
        options = {"clock": clock, "instruments": [clock]}
        anyio.run(main, backend="trio", backend_options=options)
