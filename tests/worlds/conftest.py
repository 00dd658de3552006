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
