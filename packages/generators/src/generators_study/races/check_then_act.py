"""generators: two tasks see enough money in an account, and both take it.

What was tested before a wait may have changed after it. The fix needs no lock: the act
follows the test without a yield between them, and no other task can run there.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import run
from ..kernel import Group, Wait, open_group, sleep


def spend(withdraw: Callable[[int], Wait[None]]) -> Wait[None]:
    """Withdraw 80 twice, the second time 0.1 s after the first."""

    def ann() -> Wait[None]:
        yield from withdraw(80)

    def bob() -> Wait[None]:
        yield from sleep(0.1)
        yield from withdraw(80)

    def start(group: Group) -> None:
        group.spawn(ann)
        group.spawn(bob)

    yield from open_group(start)


def print_receipt() -> Wait[None]:
    yield from sleep(0.05)


def broken() -> Wait[None]:
    balance = 100

    def withdraw(amount: int) -> Wait[None]:
        nonlocal balance
        if balance >= amount:
            yield from print_receipt()
            balance -= amount

    yield from spend(withdraw)
    assert balance >= 0, f"the account is overdrawn: {balance}"


def fixed() -> Wait[None]:
    balance = 100

    def withdraw(amount: int) -> Wait[None]:
        nonlocal balance
        if balance >= amount:
            balance -= amount
            yield from print_receipt()

    yield from spend(withdraw)
    assert balance >= 0, f"the account is overdrawn: {balance}"


if __name__ == "__main__":
    run(fixed)
