"""generators: two tasks take the same two locks in opposite order, and wait for ever.

A free lock is taken without a yield, so this needs a wait between the two locks. The
fix takes the locks in one order, that of the account numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import run
from ..kernel import Group, Lock, Wait, open_group, sleep


class Account:
    """An account with a lock of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 100
        self.lock = Lock()

    def __lt__(self, other: Account) -> bool:
        return self.number < other.number


def cross(transfer: Callable[[Account, Account], Wait[None]]) -> Wait[int]:
    """Transfer 10 in both directions, 0.1 s apart; return the sum afterwards."""
    one, two = Account(1), Account(2)

    def ann() -> Wait[None]:
        yield from transfer(one, two)

    def bob() -> Wait[None]:
        yield from sleep(0.1)
        yield from transfer(two, one)

    def start(group: Group) -> None:
        group.spawn(ann)
        group.spawn(bob)

    yield from open_group(start)
    return one.balance + two.balance


def look_up() -> Wait[None]:
    yield from sleep(0.05)


def broken() -> Wait[None]:
    def transfer(source: Account, target: Account) -> Wait[None]:
        first, second = source, target
        yield from first.lock.acquire()
        try:
            yield from look_up()
            yield from second.lock.acquire()
            source.balance -= 10
            target.balance += 10
            second.lock.release()
        finally:
            first.lock.release()

    total = yield from cross(transfer)
    assert total == 200, f"200 became {total}"


def fixed() -> Wait[None]:
    def transfer(source: Account, target: Account) -> Wait[None]:
        first, second = sorted([source, target])
        yield from first.lock.acquire()
        try:
            yield from look_up()
            yield from second.lock.acquire()
            source.balance -= 10
            target.balance += 10
            second.lock.release()
        finally:
            first.lock.release()

    total = yield from cross(transfer)
    assert total == 200, f"200 became {total}"


if __name__ == "__main__":
    run(fixed)
