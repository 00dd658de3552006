"""anyio-on-trio: the same code as on asyncio, with trio underneath."""

from __future__ import annotations

import anyio

from .anyio_on_asyncio import *  # noqa: F403


def run(function, *args):
    return anyio.run(function, *args, backend="trio")
