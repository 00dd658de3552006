"""The configuration of all tests."""

from __future__ import annotations

import gc
import signal

import pytest


def pytest_configure() -> None:
    """Handle Ctrl-C here and in child processes, even if a shell made us ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what pytest keeps: a tenth of a run's time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Let others look for references again, as hypothesis does."""
    gc.unfreeze()
