"""Future: something to wait for that another coroutine brings about.

Until now one could wait for time alone. A coroutine that yields a future joins those
who wait for it, and whoever settles it makes them ready. The loop has learned a second
request, and asks of which kind each is.
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
        """The value, or the error, is there; whoever waits for it goes on."""
        self.settled, self._value, self._error = True, value, error
        self._loop.ready.extend(self.readers)
        self.readers.clear()

    def wait(self) -> Generator[Any, None, Any]:
        """Wait for the value; raises the error that came in its place."""
        if not self.settled:
            yield self
        if self._error is not None:
            raise self._error
        return self._value


class Loop(loop.Loop):
    """One that knows futures, too."""

    def wait(self, waiting: Waiting, request: Any) -> None:
        """Keep somebody until what it asks for has come."""
        if isinstance(request, Future):
            request.readers.append(waiting)
        else:
            super().wait(waiting, request)


def main() -> None:
    """Let two wait for a third."""
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
