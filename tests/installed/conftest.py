"""The fixtures that the tests of programs share."""

from __future__ import annotations

import re
import sys

import pytest

NOISE = [
    # A wait with a timeout in `distributed.batched`, whose loop stops.
    r"Future exception was never retrieved\n"
    r"future: <Future finished exception=TimeoutError\('Timeout'\)>\n"
    r"TimeoutError: Timeout\n",
]
"""Complaints of libraries when a program ends on a busy machine."""
if sys.version_info < (3, 13):
    # A process ends just before it is killed, as AnyIO's idle workers are:
    # https://github.com/python/cpython/issues/87744
    NOISE.append(r"Unknown child process pid \d+, will report returncode 255\n")


@pytest.fixture
def without_noise():
    """A function: what a program says on stderr, without what a library may say."""
    return lambda complaints: re.sub("|".join(NOISE), "", complaints)


@pytest.fixture
def refused(study):
    """The packages and modules that a pasted script must not import.

    That is the whole study, unless its own library is a part of it.
    """
    package, folder = study.package.__name__, study.folder
    libraries = {name for name in study.entry.libraries if (folder / name).exists()}
    inside = {path.stem for path in folder.iterdir() if not path.stem.startswith("_")}
    own = [f"{package}.{name}" for name in sorted(inside - libraries)]
    return ["concurrency_study", *(own if libraries else [package])]
