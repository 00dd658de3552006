"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let Ctrl-C arrive here and in children, even if a shell started us without."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
