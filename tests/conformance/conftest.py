"""Jobs that many tests use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Worker processes import the module `computing`. They get this path from their parent.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def after(world):
    """A job that sleeps for the given seconds and returns them as text."""

    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)
        return f"{seconds} s"

    return job


@pytest.fixture
def failing(world):
    """``failing(error, at=2)`` is a job like `after` that raises if it takes 2 s."""

    def make(error, at):
        @world.job
        async def job(w, seconds):
            await w.sleep(seconds)
            if seconds == at:
                raise error
            return f"{seconds} s"

        return job

    return make


@pytest.fixture
def slow_to_stop(world):
    """A job that sleeps for the given seconds and cleans up for 2 s if cancelled.

    It raises ValueError if it sleeps for 1 s.
    """

    @world.job
    async def job(w, seconds):
        try:
            await w.sleep(seconds)
        except w.Cancelled:
            with w.shield():
                await w.sleep(2)
            raise
        if seconds == 1:
            raise ValueError("no")

    return job


@pytest.fixture
def leftovers(world):
    """The option of a run that tests something else than what is left by it.

    An answer that does not wait for the rest may end while jobs are alive that end at
    the same instant: the library does not promise their order.
    """
    declared = getattr(sys.modules[world.answer.__module__], "CANNOT", {})
    return "allow" if "waiting for the rest" in declared else "refuse"


@pytest.fixture
def ignore():
    """A plain callable that does nothing, for tests that do not look at its calls."""
    return lambda *args: None


@pytest.fixture
def times_out(world):
    """A job like `after`. If it takes 1 s, it exceeds its own timeout at that time."""

    @world.job
    async def job(w, seconds):
        if seconds == 1:
            await w.time_out(1)
        await w.sleep(seconds)
        return f"{seconds} s"

    return job
