"""uvloop: the same code as asyncio's, on an event loop in C, libuv."""

from __future__ import annotations

import uvloop

from .asyncio import *  # noqa: F403

NEEDS = ("./packages/asyncio", "uvloop")


def run(function, *args):
    return uvloop.run(function(*args))
