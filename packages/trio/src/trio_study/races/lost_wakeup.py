"""trio: a notification that comes before the wait is lost.

An Event cannot lose one: it has no ``clear``, and stays set. A condition remembers
nothing: ``notify`` wakes a task that waits at that moment. The fix waits for a state
instead of a signal, and looks at the state before it waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from .. import run


async def start(
    waiter: Callable[[], Awaitable[None]], notifier: Callable[[], Awaitable[None]]
) -> None:
    """Run the two in a task each, and wait for both."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter, name="waiter")
        nursery.start_soon(notifier, name="notifier")


async def broken() -> None:
    orders: list[str] = []
    changed = trio.Condition()
    served: list[str] = []

    async def waiter() -> None:
        async with changed:
            await changed.wait()
            served.append(orders.pop())

    async def notifier() -> None:
        await trio.sleep(0.1)
        async with changed:
            orders.append("tea")
            changed.notify()

    await start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


async def fixed() -> None:
    orders: list[str] = []
    changed = trio.Condition()
    served: list[str] = []

    async def waiter() -> None:
        async with changed:
            while not orders:
                await changed.wait()
            served.append(orders.pop())

    async def notifier() -> None:
        await trio.sleep(0.1)
        async with changed:
            orders.append("tea")
            changed.notify()

    await start(waiter, notifier)
    assert served == ["tea"], f"the order was lost: served {served}"


if __name__ == "__main__":
    run(fixed)
