"""asyncio: two tasks take the same two locks in opposite order, and wait for ever.

A free lock is taken without a switch, so this needs an ``await`` that waits between the
two locks. The fix takes the locks in one order, that of the account numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from .. import run


class Account:
    """An account with a lock of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 100
        self.lock = asyncio.Lock()

    def __lt__(self, other: Account) -> bool:
        return self.number < other.number


async def cross(
    transfer: Callable[[Account, Account], Coroutine[object, object, None]],
) -> int:
    """Transfer 10 in both directions, 0.1 s apart; return the sum afterwards."""
    one, two = Account(1), Account(2)

    async def ann() -> None:
        await transfer(one, two)

    async def bob() -> None:
        await asyncio.sleep(0.1)
        await transfer(two, one)

    async with asyncio.TaskGroup() as group:
        group.create_task(ann(), name="Ann")
        group.create_task(bob(), name="Bob")
    return one.balance + two.balance


async def look_up() -> None:
    await asyncio.sleep(0.05)


async def broken() -> None:
    async def transfer(source: Account, target: Account) -> None:
        first, second = source, target
        async with first.lock:
            await look_up()
            async with second.lock:
                source.balance -= 10
                target.balance += 10

    total = await cross(transfer)
    assert total == 200, f"200 became {total}"


async def fixed() -> None:
    async def transfer(source: Account, target: Account) -> None:
        first, second = sorted([source, target])
        async with first.lock:
            await look_up()
            async with second.lock:
                source.balance -= 10
                target.balance += 10

    total = await cross(transfer)
    assert total == 200, f"200 became {total}"


if __name__ == "__main__":
    run(fixed)
