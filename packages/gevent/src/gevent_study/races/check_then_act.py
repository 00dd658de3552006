"""gevent: two greenlets see enough money in an account, and both take it.

What was tested before a wait may have changed after it. The fix needs no lock: the act
follows the test without a wait between them, and no other greenlet can run there.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.pool import Group

from .. import run


def spend(withdraw: Callable[[int], object]) -> None:
    """Withdraw 80 twice, the second time 0.1 s after the first."""

    def ann() -> None:
        withdraw(80)

    def bob() -> None:
        gevent.sleep(0.1)
        withdraw(80)

    group = Group()
    group.spawn(ann)
    group.spawn(bob)
    group.join(raise_error=True)


def print_receipt() -> None:
    gevent.sleep(0.05)


def broken() -> None:
    balance = 100

    def withdraw(amount: int) -> None:
        nonlocal balance
        if balance >= amount:
            print_receipt()
            balance -= amount

    spend(withdraw)
    assert balance >= 0, f"the account is overdrawn: {balance}"


def fixed() -> None:
    balance = 100

    def withdraw(amount: int) -> None:
        nonlocal balance
        if balance >= amount:
            balance -= amount
            print_receipt()

    spend(withdraw)
    assert balance >= 0, f"the account is overdrawn: {balance}"


if __name__ == "__main__":
    run(fixed)
