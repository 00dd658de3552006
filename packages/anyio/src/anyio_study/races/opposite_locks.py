"""AnyIO: two tasks take the same two locks in opposite order, and wait for ever.

Nothing has to wait between the two locks: ``acquire`` is a checkpoint even if the lock
is free, so another task may run there, also on asyncio. (``fast_acquire=True`` leaves
that checkpoint out.) The fix takes the locks in one order, that of the account numbers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from .. import run


class Account:
    """An account with a lock of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 100
        self.lock = anyio.Lock()

    def __lt__(self, other: Account) -> bool:
        return self.number < other.number


async def cross(transfer: Callable[[Account, Account], Awaitable[None]]) -> int:
    """Transfer 10 in both directions, 0.1 s apart; return the sum afterwards."""
    one, two = Account(1), Account(2)

    async def ann() -> None:
        await transfer(one, two)

    async def bob() -> None:
        await anyio.sleep(0.1)
        await transfer(two, one)

    async with anyio.create_task_group() as group:
        group.start_soon(ann, name="Ann")
        group.start_soon(bob, name="Bob")
    return one.balance + two.balance


async def broken() -> None:
    async def transfer(source: Account, target: Account) -> None:
        first, second = source, target
        async with first.lock, second.lock:
            source.balance -= 10
            target.balance += 10

    total = await cross(transfer)
    assert total == 200, f"200 became {total}"


async def fixed() -> None:
    async def transfer(source: Account, target: Account) -> None:
        first, second = sorted([source, target])
        async with first.lock, second.lock:
            source.balance -= 10
            target.balance += 10

    total = await cross(transfer)
    assert total == 200, f"200 became {total}"


if __name__ == "__main__":
    run(fixed)
