"""Task: a running coroutine, and a future of its outcome.

The loop does not change: it asks the task for its next wait, and the task asks its
coroutine. So a coroutine can start a task, do something else, and come back for the
result or the error.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from .future import Future, Loop
from .loop import Waiting, sleep


class Task(Iterator[Any]):
    """A coroutine that runs beside the one that starts it."""

    def __init__(self, loop: Loop, coroutine: Waiting) -> None:
        self.coroutine = coroutine
        self._end = Future(loop)
        loop.ready.append(self)

    def __next__(self) -> Any:
        try:
            return self.step()
        except StopIteration as end:
            self._end.settle(end.value)
            raise
        except Exception as error:  # kept for `join`
            self._end.settle(error=error)
            raise StopIteration from None

    def step(self) -> Any:
        """Run it up to its next wait, and return the request."""
        return next(self.coroutine)

    def join(self) -> Generator[Any, None, Any]:
        """Wait for its end; return its result or raise its error."""
        return self._end.wait()


def main() -> None:
    """Start two tasks and wait for both."""
    loop = Loop()

    def divide(x: float, y: float) -> Waiting:
        yield from sleep(0.1)
        return x / y

    def both() -> Waiting:
        good, bad = Task(loop, divide(1, 4)), Task(loop, divide(1, 0))
        print("both are on their way")
        print((yield from good.join()))
        try:
            yield from bad.join()
        except ZeroDivisionError as error:
            print("joined:", error)

    Task(loop, both())
    loop.run()


if __name__ == "__main__":
    main()
