"""gevent: an event that is set and cleared at once is lost if it comes before the wait.

The two calls wake the greenlets that wait at that moment, and leave no trace for the
next one. The fix leaves the event set.
"""

from __future__ import annotations

from collections.abc import Callable

from gevent.event import Event
from gevent.pool import Group

from .. import run


def start(waiter: Callable[[], object], notifier: Callable[[], object]) -> None:
    """Run the two in a greenlet each, and wait for both."""
    group = Group()
    group.spawn(waiter)
    group.spawn(notifier)
    group.join(raise_error=True)


def broken() -> None:
    served: list[str] = []
    ready = Event()

    def waiter() -> None:
        ready.wait()
        served.append("tea")

    def notifier() -> None:
        ready.set()
        ready.clear()

    start(waiter, notifier)
    assert served == ["tea"], f"the tea was ready, but served was {served}"


def fixed() -> None:
    served: list[str] = []
    ready = Event()

    def waiter() -> None:
        ready.wait()
        served.append("tea")

    def notifier() -> None:
        ready.set()

    start(waiter, notifier)
    assert served == ["tea"], f"the tea was ready, but served was {served}"


if __name__ == "__main__":
    run(fixed)
