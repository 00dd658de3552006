"""generators: a wakeup that comes before the wait is lost, and the wait never ends.

A bare wait queue holds only the tasks that wait at this moment, so a wakeup without a
waiter leaves no trace. The fix uses an `Event`. It stays set, and a later wait ends at
once.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import run
from ..kernel import Event, Group, Task, Wait, open_group, sleep


def start(
    waiter: Callable[[], Wait[None]], notifier: Callable[[], Wait[None]]
) -> Wait[None]:
    """Run the two in a task each, and wait for both."""

    def spawn(group: Group) -> None:
        group.spawn(waiter)
        group.spawn(notifier)

    yield from open_group(spawn)


def broken() -> Wait[None]:
    served: list[str] = []
    ready: list[Task] = []

    def waiter() -> Wait[None]:
        yield ready
        served.append("tea")

    def notifier() -> Wait[None]:
        yield from sleep(0.1)
        while ready:
            ready.pop().wake()

    yield from start(waiter, notifier)
    assert served == ["tea"], f"the tea was ready, but served was {served}"


def fixed() -> Wait[None]:
    served: list[str] = []
    ready = Event()

    def waiter() -> Wait[None]:
        yield ready
        served.append("tea")

    def notifier() -> Wait[None]:
        yield from sleep(0.1)
        ready.set()

    yield from start(waiter, notifier)
    assert served == ["tea"], f"the tea was ready, but served was {served}"


if __name__ == "__main__":
    run(fixed)
