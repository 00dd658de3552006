"""AnyIO: a notification that comes before the wait is lost.

An Event cannot lose one: it has no ``clear``, and stays set. A condition remembers
nothing: ``notify`` wakes a task that waits at that moment. The fix waits for a state
instead of a signal: ``wait_for`` looks whether there is an order before it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine

import anyio

from .. import run


async def start(
    waiter: Callable[[], Coroutine[object, object, None]],
    notifier: Callable[[], Coroutine[object, object, None]],
) -> None:
    """Run the two in a task each, and wait for both."""
    async with anyio.create_task_group() as group:
        group.start_soon(waiter, name="waiter")
        group.start_soon(notifier, name="notifier")


async def broken() -> None:
    orders: list[str] = []
    changed = anyio.Condition()
    served: list[str] = []

    async def waiter() -> None:
        async with changed:
            await changed.wait()
            served.append(orders.pop())

    async def notifier() -> None:
        await anyio.sleep(0.1)
        async with changed:
            orders.append("tea")
            changed.notify()

    await start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


async def fixed() -> None:
    orders: list[str] = []
    changed = anyio.Condition()
    served: list[str] = []

    async def waiter() -> None:
        async with changed:
            await changed.wait_for(lambda: bool(orders))
            served.append(orders.pop())

    async def notifier() -> None:
        await anyio.sleep(0.1)
        async with changed:
            orders.append("tea")
            changed.notify()

    await start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


if __name__ == "__main__":
    run(fixed)
