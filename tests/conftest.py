"""The configuration of all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Handle Ctrl-C here and in child processes, even if a shell made us ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
