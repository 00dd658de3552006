"""A debounced function, as in the README of the fixtures.

Run it with ``pytest --world asyncio``.
"""

import asyncio


class Debounced:
    """Calls a function once no call has come for some seconds: the code under test."""

    def __init__(self, seconds, function):
        self._seconds, self._function, self._timer = seconds, function, None

    def __call__(self, *args):
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._function, *args)


async def test_only_the_last_of_a_burst_is_saved(world):
    saved = world.recorder("save")
    save = Debounced(0.5, saved)
    for text in ("h", "he", "hey"):
        save(text)
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)
    assert saved == [(0.7, "hey")]
