"""Threads: a notification that comes before the wait is lost.

A condition remembers nothing: ``notify`` wakes a thread that waits at that moment. The
fix waits for a state instead of a signal. ``wait_for`` looks whether there is an order
before it waits, under the lock with which orders are added.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread

from .. import run


def start(waiter: Callable[[], object], notifier: Callable[[], object]) -> None:
    """Run the two in a thread each, and wait for both."""
    threads = [
        Thread(target=waiter, name="waiter"),
        Thread(target=notifier, name="notifier"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def broken() -> None:
    orders: list[str] = []
    changed = Condition()
    served: list[str] = []

    def waiter() -> None:
        with changed:
            changed.wait()
            served.append(orders.pop())

    def notifier() -> None:
        with changed:
            orders.append("tea")
            changed.notify()

    start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


def fixed() -> None:
    orders: list[str] = []
    changed = Condition()
    served: list[str] = []

    def waiter() -> None:
        with changed:
            changed.wait_for(lambda: bool(orders))
            served.append(orders.pop())

    def notifier() -> None:
        with changed:
            orders.append("tea")
            changed.notify()

    start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


if __name__ == "__main__":
    run(fixed)
