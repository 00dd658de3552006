"""Fixtures for the tests of several worlds."""

from __future__ import annotations

import contextlib
import os

import pytest
from concurrency_study.world import World


@pytest.fixture
def pipe():
    """The two ends of a pipe, to read from and to write to."""
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):
            os.close(descriptor)


@pytest.fixture
def impatient(monkeypatch):
    """Let worlds wait for input from outside for an instant only."""
    monkeypatch.setattr(World, "patience", 0.01)


@pytest.fixture
def skip_if_absent(world):
    """``skip_if_absent("in_thread")`` skips a test if jobs of this world lack that."""

    def skip(name):
        if name in world.absent:
            pytest.skip(f"the world {world.name!r} has no {name}: {world.absent[name]}")

    return skip


@pytest.fixture
def together(world, skip_if_absent):
    """A job that makes each of the given calls in an actor of its own."""
    skip_if_absent("together")

    @world.job
    async def together(w, *calls):
        await w.together(*calls)
        return w.now()

    return together


@pytest.fixture
def in_thread(world, skip_if_absent):
    """A job that makes a call in a worker thread, and returns its result."""
    skip_if_absent("in_thread")

    @world.job
    async def in_thread(w, function, *args):
        return await w.in_thread(function, *args)

    return in_thread
