"""Two threads that wait for each other, as in the README of the fixtures.

Run it with ``pytest --world threads``.
"""

import threading
import time

import pytest
from concurrency_study.world import Deadlock


def transfer(first, second):
    """Take two locks, one after the other: the code under test."""
    with first:
        time.sleep(1)
        with second:
            pass


def test_opposite_orders_deadlock(world):
    def both():
        a, b = threading.Lock(), threading.Lock()
        one = threading.Thread(target=transfer, args=(a, b), name="one")
        two = threading.Thread(target=transfer, args=(b, a), name="two")
        one.start(), two.start()
        one.join(), two.join()

    with pytest.raises(Deadlock) as caught:
        world.run(both)
    assert str(caught.value) == MESSAGE


MESSAGE = """\
nothing can ever run again: everything waits, and no timer or input will end a wait. \
Let one waiter wake another. Waiting:
  thread main: test_threads_deadlock.py:27: one.join(), two.join(), in Thread.join \
(held by thread one)
  thread one: test_threads_deadlock.py:17: with second: (held by thread two)
  thread two: test_threads_deadlock.py:17: with second: (held by thread one)"""
