"""gevent: two greenlets take the same two locks in opposite order, and wait for ever.

A free lock is taken without a switch, so this needs a wait between the two locks. The
fix takes the locks in one order, that of the account numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from .. import run


class Account:
    """An account with a lock of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 100
        self.lock = BoundedSemaphore(1)

    def __lt__(self, other: Account) -> bool:
        return self.number < other.number


def cross(transfer: Callable[[Account, Account], object]) -> int:
    """Transfer 10 in both directions, 0.1 s apart; return the sum afterwards."""
    one, two = Account(1), Account(2)

    def ann() -> None:
        transfer(one, two)

    def bob() -> None:
        gevent.sleep(0.1)
        transfer(two, one)

    group = Group()
    group.spawn(ann)
    group.spawn(bob)
    group.join(raise_error=True)
    return one.balance + two.balance


def look_up() -> None:
    gevent.sleep(0.05)


def broken() -> None:
    def transfer(source: Account, target: Account) -> None:
        first, second = source, target
        with first.lock:
            look_up()
            with second.lock:
                source.balance -= 10
                target.balance += 10

    total = cross(transfer)
    assert total == 200, f"200 became {total}"


def fixed() -> None:
    def transfer(source: Account, target: Account) -> None:
        first, second = sorted([source, target])
        with first.lock:
            look_up()
            with second.lock:
                source.balance -= 10
                target.balance += 10

    total = cross(transfer)
    assert total == 200, f"200 became {total}"


if __name__ == "__main__":
    run(fixed)
