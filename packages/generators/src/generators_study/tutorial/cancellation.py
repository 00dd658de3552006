"""Cancellation: a task is taken out of its wait, and an error is raised there.

The task is stopped at its `yield`, and nowhere else. The error is raised on that line,
and the task cleans up as after any other error. Cancelling takes two steps: find where
the task waits, which needs one branch for each kind of request, and throw.
"""

from __future__ import annotations

from collections.abc import Generator
from heapq import heapify
from typing import Any

from . import task
from .future import Future, Loop
from .loop import sleep


class Cancelled(Exception):
    """The task is to stop: its result is no longer wanted."""


class Task(task.Task):
    """A task that can be cancelled."""

    def __init__(self, loop: Loop, coroutine: Generator[Any, None, Any]) -> None:
        super().__init__(loop, coroutine)
        self._loop, self._coroutine = loop, coroutine
        self._request: Any = None
        self._cancelled = False

    def step(self) -> Any:
        """Run it up to its next wait; raise `Cancelled` in it if it was cancelled."""
        if self._cancelled:
            self._cancelled = False
            self._request = self._coroutine.throw(Cancelled())
        else:
            self._request = next(self._coroutine)
        return self._request

    def cancel(self) -> None:
        """Raise `Cancelled` where it waits; has no effect if it does not wait."""
        if isinstance(self._request, Future):
            if self not in self._request.readers:
                return  # it is ready already
            self._request.readers.remove(self)
        else:
            timers = self._loop.timers
            mine = [timer for timer in timers if timer[2] is self]
            if not mine:
                return  # it is ready already
            timers.remove(mine[0])
            heapify(timers)
        self._cancelled = True
        self._loop.ready.append(self)


def main() -> None:
    """Cancel one of two tasks."""
    loop = Loop()

    def work(name: str, seconds: float) -> Generator[Any, None, None]:
        try:
            yield from sleep(seconds)
            print(name, "is done")
        finally:
            print(name, "cleans up")

    def manage() -> Generator[Any, None, None]:
        quick, slow = Task(loop, work("quick", 0.1)), Task(loop, work("slow", 3600))
        yield from quick.join()
        quick.cancel()  # too late: harmless
        slow.cancel()
        try:
            yield from slow.join()
        except Cancelled:
            print("slow was cancelled")

    Task(loop, manage())
    loop.run()


if __name__ == "__main__":
    main()
