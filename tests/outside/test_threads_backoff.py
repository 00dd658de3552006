"""Retries with backoff, as in the README of the fixtures.

Run it with ``pytest --world threads``.
"""

import time

import pytest


def retrying(function, attempts=5):
    """Call a function until it succeeds, with longer and longer pauses."""
    for attempt in range(attempts - 1):
        try:
            return function()
        except ConnectionError:
            time.sleep(2**attempt)
    return function()


def test_the_pauses_double(world):
    tried = world.recorder("try")

    def fails():
        tried()
        raise ConnectionError

    with pytest.raises(ConnectionError):
        world.run(retrying, fails)
    assert tried == [(0,), (1,), (3,), (7,), (15,)]
