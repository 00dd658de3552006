"""Future: a value to wait for that another coroutine sets.

Until now a coroutine could wait for time alone. A coroutine that yields a future
becomes one of its readers. Settling the future makes all readers ready. The loop now
knows two kinds of requests, and has to look which kind each is.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from . import loop
from .loop import Waiting, sleep


class Future:
    """A value to come, or an error in its place."""

    def __init__(self, loop: loop.Loop) -> None:
        self.settled = False
        self.readers: list[Waiting] = []
        self._loop = loop
        self._value: Any = None
        self._error: Exception | None = None

    def settle(self, value: Any = None, error: Exception | None = None) -> None:
        """Set the value, or the error, and make the readers ready."""
        self.settled, self._value, self._error = True, value, error
        self._loop.ready.extend(self.readers)
        self.readers.clear()

    def wait(self) -> Generator[Any, None, Any]:
        """Wait for the value and return it, or raise the error that came instead."""
        if not self.settled:
            yield self
        if self._error is not None:
            raise self._error
        return self._value


class Loop(loop.Loop):
    """A loop that also knows futures."""

    def wait(self, waiting: Waiting, request: Any) -> None:
        """Keep a coroutine until its request is fulfilled."""
        if isinstance(request, Future):
            request.readers.append(waiting)
        else:
            super().wait(waiting, request)


def main() -> None:
    """Let two coroutines wait for a third."""
    loop = Loop()
    parcel = Future(loop)

    def read(name: str) -> Waiting:
        print(name, "waits")
        print(name, "has", (yield from parcel.wait()))

    def bring() -> Waiting:
        yield from sleep(0.1)
        parcel.settle("a parcel")
        print("brought")

    loop.ready.extend([read("a"), read("b"), bring()])
    loop.run()


if __name__ == "__main__":
    main()
