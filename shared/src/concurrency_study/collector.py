"""Keeps the garbage collector away from calls that it must not interrupt.

On Python 3.11 it may run wherever an object is made, also in the middle of a function
in C, and its finalizers may let other threads run. From 3.12 it runs between bytecodes
only.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import sys
from collections.abc import Generator


@contextlib.contextmanager
def without_collector() -> Generator[None]:
    """Let the garbage collector not run in the block, on Python 3.11."""
    collects = sys.version_info < (3, 12) and gc.isenabled()
    if collects:
        gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def parsed(text: str | bytes) -> ast.Module:
    """Return the tree of a module's text.

    If a finalizer parsed as well, as it does to show a traceback, `ast.parse` would
    raise SystemError: both calls share a counter.
    """
    with without_collector():
        return ast.parse(text)
