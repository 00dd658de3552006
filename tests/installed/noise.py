"""Complaints of libraries when a program ends on a busy machine."""

from __future__ import annotations

import re
import sys

NOISE = [
    # A wait with a timeout in `distributed.batched`, whose loop stops.
    r"Future exception was never retrieved\n"
    r"future: <Future finished exception=TimeoutError\('Timeout'\)>\n"
    r"TimeoutError: Timeout\n",
]
if sys.version_info < (3, 13):
    # A process ends just before it is killed, as AnyIO's idle workers are:
    # https://github.com/python/cpython/issues/87744
    NOISE.append(r"Unknown child process pid \d+, will report returncode 255\n")


def without_noise(complaints: str) -> str:
    """Return what a program says on stderr, without what a library says at times."""
    return re.sub("|".join(NOISE), "", complaints)
