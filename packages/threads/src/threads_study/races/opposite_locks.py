"""Threads: two threads take the same two locks in opposite order, and wait for ever.

Each transfer locks the account that it takes from, and then the other. Two transfers in
opposite directions may each hold the lock that the other needs. The fix takes the locks
in one order, that of the account numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread

from .. import run


class Account:
    """An account with a lock of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.balance = 100
        self.lock = Lock()

    def __lt__(self, other: Account) -> bool:
        return self.number < other.number


def cross(transfer: Callable[[Account, Account], object]) -> int:
    """Transfer 10 in both directions, each in a thread; return the sum afterwards."""
    one, two = Account(1), Account(2)
    threads = [
        Thread(target=transfer, args=[one, two], name="Ann"),
        Thread(target=transfer, args=[two, one], name="Bob"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return one.balance + two.balance


def broken() -> None:
    def transfer(source: Account, target: Account) -> None:
        first, second = source, target
        with first.lock, second.lock:
            source.balance -= 10
            target.balance += 10

    total = cross(transfer)
    assert total == 200, f"200 became {total}"


def fixed() -> None:
    def transfer(source: Account, target: Account) -> None:
        first, second = sorted([source, target])
        with first.lock, second.lock:
            source.balance -= 10
            target.balance += 10

    total = cross(transfer)
    assert total == 200, f"200 became {total}"


if __name__ == "__main__":
    run(fixed)
