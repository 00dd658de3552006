"""AnyIO: two tasks see enough money in an account, and both take it.

What was tested before a checkpoint may have changed after it. The fix needs no lock:
the act follows the test without a checkpoint between them, and no other task can run
there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from .. import run


async def spend(withdraw: Callable[[int], Awaitable[None]]) -> None:
    """Withdraw 80 twice, the second time 0.1 s after the first."""

    async def ann() -> None:
        await withdraw(80)

    async def bob() -> None:
        await anyio.sleep(0.1)
        await withdraw(80)

    async with anyio.create_task_group() as group:
        group.start_soon(ann, name="Ann")
        group.start_soon(bob, name="Bob")


async def print_receipt() -> None:
    await anyio.sleep(0.05)


async def broken() -> None:
    balance = 100

    async def withdraw(amount: int) -> None:
        nonlocal balance
        if balance >= amount:
            await print_receipt()
            balance -= amount

    await spend(withdraw)
    assert balance >= 0, f"the account is overdrawn: {balance}"


async def fixed() -> None:
    balance = 100

    async def withdraw(amount: int) -> None:
        nonlocal balance
        if balance >= amount:
            balance -= amount
            await print_receipt()

    await spend(withdraw)
    assert balance >= 0, f"the account is overdrawn: {balance}"


if __name__ == "__main__":
    run(fixed)
