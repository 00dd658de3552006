"""Fixtures for the tests of several worlds."""

from __future__ import annotations

import contextlib
import os
import sys

import pytest
from concurrency_study.world import PATIENCE


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
    """Let worlds wait for input from outside for an instant only.

    Worlds import `PATIENCE` by name, so each of their modules has its own.
    """
    patience = PATIENCE  # this module is changed as well
    for module in list(sys.modules.values()):
        if vars(module).get("PATIENCE") is patience:
            monkeypatch.setattr(module, "PATIENCE", 0.01)
