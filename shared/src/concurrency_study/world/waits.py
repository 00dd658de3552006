"""Finds where an actor waits: the line of the user's code, and the call in it."""

from __future__ import annotations

import linecache
import os
import sysconfig
from types import FrameType
from typing import Any

LIBRARIES: set[str] = set()
"""The installed packages that no deadlock is blamed on; worlds add their own."""


def waits_at(frames: list[FrameType]) -> str:
    """Return where an actor waits: the line of the user's code, and the call in it.

    ``frames`` go from the outermost to the innermost.
    """
    if not frames:
        return "nowhere"
    own = [f for f in frames if not _is_library(f.f_code.co_filename)]
    frame = (own or frames)[-1]
    path = frame.f_code.co_filename
    line: int = frame.f_lineno or 0  # pyright: ignore - None at some instructions
    source = linecache.getline(path, line).strip()
    inner = frames[-1].f_code
    called = f", in {inner.co_qualname}" if own and inner is not frame.f_code else ""
    return f"{os.path.basename(path)}:{line}: {source}{called}"


def coroutine_frames(coroutine: Any) -> list[FrameType]:
    """Return the frames of a suspended coroutine or generator, outermost first."""
    frames: list[FrameType] = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(
            coroutine, "gi_frame", None
        )
        if frame is not None:
            frames.append(frame)
        coroutine = getattr(coroutine, "cr_await", None) or getattr(
            coroutine, "gi_yieldfrom", None
        )
    return frames


def is_of_libraries(frame: FrameType | None) -> bool:
    """Return whether a stack, from its innermost frame, has no code of the user's."""
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith((*_INSTALLED, _STDLIB, _OURS, "<frozen")):
            return False
        frame = frame.f_back
    return True


def is_of_user(path: str) -> bool:
    """Return whether a file belongs to the code under test, and not to a library."""
    if path.startswith(_OURS):
        return path.startswith(_OURS + "topics")
    if _KERNEL in path:
        return False
    return not path.startswith((*_INSTALLED, _STDLIB, "<frozen"))


_KERNEL = os.path.join("generators_study", "kernel", "")
"""The folder of the generators' event loop, which is a library for their answers."""


_STDLIB = sysconfig.get_path("stdlib") + os.sep
_INSTALLED = (
    sysconfig.get_path("purelib") + os.sep,
    sysconfig.get_path("platlib") + os.sep,
)
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def _is_library(path: str) -> bool:
    for folder in _INSTALLED:
        if path.startswith(folder):
            return path.removeprefix(folder).split(os.sep)[0] in LIBRARIES
    if path.startswith(_OURS):
        return not path.startswith(_OURS + "topics")
    return path.startswith((_STDLIB, "<frozen"))
