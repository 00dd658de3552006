"""A foreign project's code and tests: only concurrency-study is installed.

Run it with ``pytest --world threads``.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest


def fetch_all(fetch, addresses):
    """Return all responses: the code under test, unchanged."""
    with ThreadPoolExecutor(len(addresses)) as pool:
        return list(pool.map(fetch, addresses))


def test_fetches_side_by_side(world):
    def fetch(address):
        time.sleep(3600)
        return address.upper()

    assert world.run(fetch_all, fetch, ["a", "b"]) == ["A", "B"]
    assert world.returned_at == 3600  # an hour, in a millisecond of real time


def test_an_error_comes_only_after_the_slowest(world, trace):
    @world.job
    async def fetch(w, seconds):
        await w.sleep(seconds)
        if seconds == 1:
            raise ConnectionError("refused")

    with pytest.raises(ConnectionError):
        world.run(fetch_all, fetch, [1, 60])
    assert world.returned_at == 60  # a pool waits for its threads
    assert trace.when("end") == [(60, "fetch(60)")]
