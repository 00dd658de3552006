"""A pool of threads, as in the README of the fixtures: its code is unchanged.

Run it with ``pytest --world threads``.
"""

import time
from concurrent.futures import ThreadPoolExecutor


def fetch_all(fetch, addresses):
    """Return all responses, fetched two at a time: the code under test."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(fetch, addresses))


def test_two_run_at_a_time(world):
    def fetch(address):
        time.sleep(60)
        return address.upper()

    assert world.run(fetch_all, fetch, ["a", "b", "c"]) == ["A", "B", "C"]
    assert world.returned_at == 120
