"""asyncio: a notification that comes before the wait is lost.

A condition remembers nothing: ``notify`` wakes a task that waits at that moment. The
fix waits for a state instead of a signal. ``wait_for`` looks whether there is an order
before it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from .. import run


async def start(
    waiter: Callable[[], Coroutine[object, object, None]],
    notifier: Callable[[], Coroutine[object, object, None]],
) -> None:
    """Run the two in a task each, and wait for both."""
    async with asyncio.TaskGroup() as group:
        group.create_task(waiter(), name="waiter")
        group.create_task(notifier(), name="notifier")


async def broken() -> None:
    orders: list[str] = []
    changed = asyncio.Condition()
    served: list[str] = []

    async def waiter() -> None:
        async with changed:
            await changed.wait()
            served.append(orders.pop())

    async def notifier() -> None:
        async with changed:
            orders.append("tea")
            changed.notify()

    await start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


async def fixed() -> None:
    orders: list[str] = []
    changed = asyncio.Condition()
    served: list[str] = []

    async def waiter() -> None:
        async with changed:
            await changed.wait_for(lambda: bool(orders))
            served.append(orders.pop())

    async def notifier() -> None:
        async with changed:
            orders.append("tea")
            changed.notify()

    await start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


if __name__ == "__main__":
    run(fixed)
