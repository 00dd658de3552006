"""The view that a job has of its world: the ``w`` in ``async def job(w, ...)``."""

from __future__ import annotations

import contextlib
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from .errors import NotCovered

if TYPE_CHECKING:
    from .base import World


class Job(ABC):
    """The view that a job has of its world: the ``w`` in ``async def job(w, ...)``."""

    def __init__(self, world: World, actor: str) -> None:
        self.world = world
        self.actor = actor
        self.Cancelled = world.Cancelled

    def now(self) -> float:
        """Return virtual seconds since the world began to run."""
        return self.world.now()

    def note(self, detail: str) -> None:
        """Write a note of the job's own into the trace."""
        self.world.trace.note(self.actor, "note", detail)

    async def sleep(self, seconds: float) -> None:
        """Wait, in the world's own way.

        Raises:
            BaseException: ``w.Cancelled``, if the job is cancelled meanwhile.
        """
        self.world.trace.note(self.actor, "sleep", f"{seconds:g} s")
        await self.native_sleep(seconds)
        self.world.trace.note(self.actor, "wake")

    async def forever(self) -> None:
        """Wait until cancelled. If nothing else can run, the run fails: `Deadlock`."""
        self.world.trace.note(self.actor, "sleep", "for ever")
        await self.native_forever()

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a native callable, as code of this world does, and return its result."""
        return await _Native(function(*args))

    def shield(self) -> AbstractContextManager[object]:
        """Return a block in which a job that is being cancelled may wait.

        Where cancellation is a level (trio, AnyIO, the generators' kernel), it is a
        shielded scope. Where it is an event, delivered once, nothing is needed.
        """
        return contextlib.nullcontext()

    def unrequested(self) -> BaseException:
        """Return the library's cancellation exception, to raise without a request."""
        return self.Cancelled()

    async def time_out(self, seconds: float) -> None:
        """Wait in a timeout of the job's own, by the library's usual means.

        Raises:
            BaseException: ``world.TimedOut``, after ``seconds``.
        """
        self.world.trace.note(self.actor, "sleep", f"{seconds:g} s, then time out")
        await self.native_time_out(seconds)

    async def together(
        self, *calls: tuple[Callable[..., Any], *tuple[Any, ...]]
    ) -> None:
        """Call native functions, each ``(function, *args)``, in actors of their own.

        Returns when all have ended. The first error stops the others, if the paradigm
        can do that, and is raised, bare or in a group.
        """
        await self.native_together([_bound(*call) for call in calls])

    async def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a blocking function in a worker thread, and wait for its result."""
        return await self.native_in_thread(_bound(function, *args))

    async def readable(self, descriptor: int) -> None:
        """Wait until a descriptor has input."""
        self.world.trace.note(self.actor, "sleep", "until there is input")
        await self.native_readable(descriptor)
        self.world.trace.note(self.actor, "wake")

    # For worlds: the library's own ways to wait

    @abstractmethod
    async def native_sleep(self, seconds: float) -> None:
        """Wait for that many seconds. If cancelled meanwhile, raise ``w.Cancelled``."""

    @abstractmethod
    async def native_forever(self) -> None:
        """Wait until cancelled."""

    async def native_time_out(self, seconds: float) -> None:
        """Wait in a timeout of the library, which raises ``world.TimedOut``."""
        await self.native_sleep(seconds)
        raise TimeoutError

    async def native_together(self, calls: list[Callable[[], Any]]) -> None:
        """Run native functions in actors of their own, to the end of all."""
        raise NotCovered(self.world.absent["together"])

    async def native_in_thread(self, call: Callable[[], Any]) -> Any:
        """Run a blocking call in a worker thread and return its result."""
        raise NotCovered(self.world.absent["in_thread"])

    async def native_readable(self, descriptor: int) -> None:
        """Wait for input, without reading it."""
        raise NotCovered(self.world.absent["readable"])


def _bound(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    """Return a call without arguments, under the name of its function."""
    return functools.update_wrapper(functools.partial(function, *args), function)


class _Native:
    """The result of a native call: a coroutine, a generator, or the value itself."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __await__(self) -> Generator[Any, Any, Any]:
        if inspect.iscoroutine(self._given):
            return self._given.__await__()
        return self._wait()

    def _wait(self) -> Generator[Any, Any, Any]:
        if inspect.isgenerator(self._given):
            return (yield from cast(Generator[Any, Any, Any], self._given))
        return self._given
