"""Looks at a thread from outside: can it move by itself?"""

from __future__ import annotations

import _thread
import enum
import os
import sys
import threading
import time
from io import FileIO
from types import FrameType
from typing import Any

from ...collector import without_collector
from ...world.unpatched import unpatched

_threading: Any = threading

# Real time, whatever a run replaces. This module is loaded before the first run.
_sleep = unpatched(time, "sleep")
real_time = time.monotonic
real_lock = unpatched(_thread, "allocate_lock")
start_new_thread = unpatched(_thread, "start_new_thread")
real_time_ns = time.time_ns
time_process = time.process_time


def really_sleep(seconds: float) -> None:
    """Sleep in real time, also in a test that runs in a world.

    (It is a function, because a run would replace another name of `time.sleep`.)
    """
    _sleep(seconds)


class State(enum.Enum):
    """The state of a thread, as the operating system sees it."""

    RUNS = "runs"
    SLEEPS = "sleeps"
    """It waits for time to pass or for input: nothing else has to move."""
    WAITS = "waits"
    """It waits for another thread of this process, without a timeout."""
    ENDED = "has ended"


_FUTEX = {"x86_64": "202", "aarch64": "98"}.get(os.uname().machine, "")
_WAITING = {0, 9}
"""FUTEX_WAIT and FUTEX_WAIT_BITSET, without flags: see futex(2)."""


def state_of(native: int) -> State:
    """Return the state of a thread of this process, by its native identifier.

    Linux tells the system call in which a thread is, with its arguments: see proc(5),
    ``/proc/pid/syscall``. Elsewhere the answer is SLEEPS.
    """
    words = _system_call(native).split()
    if not words:
        return State.SLEEPS
    if words[0] == "running":
        return State.RUNS
    if words[0] == "ended":
        return State.ENDED
    if words[0] != _FUTEX:
        return State.SLEEPS
    operation, timeout = int(words[2], 16) & 0x7F, int(words[4], 16)
    return State.WAITS if operation in _WAITING and not timeout else State.SLEEPS


def worked(native: int) -> float:
    """Return the seconds of processor time of a thread; elsewhere, of the process."""
    try:
        return int(_read(f"/proc/self/task/{native}/schedstat").split()[0]) / 1e9
    except (OSError, IndexError, ValueError):
        return time_process()


def _system_call(native: int) -> str:
    try:
        return _read(f"/proc/self/task/{native}/syscall")
    except (FileNotFoundError, ProcessLookupError):
        ended = os.path.exists("/proc/self/task")
        return "ended" if ended else ""
    except OSError:
        return ""


def content(path: str) -> bytes:
    """Return the bytes of a file, also while a test has replaced ``open`` or a codec.

    Raises:
        OSError: The file cannot be read.
    """
    with FileIO(path) as file:
        return file.readall() or b""


def _read(path: str) -> str:
    return content(path).decode()


class Strangers:
    """The threads that were started outside of a run."""

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    def found(self, managed: set[int]) -> list[tuple[threading.Thread, FrameType]]:
        """Return the strangers that may act on a run, with the frames they are in."""
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        listed: list[tuple[threading.Thread, FrameType]] = []
        alive: list[threading.Thread] = list(_threading._active.values())
        for one in alive:
            frame = frames.get(one.ident or 0)
            if frame is None or one.ident in managed or one.native_id is None:
                continue
            if not _is_of_a_tool(frame) and not _is_idle(frame):
                listed.append((one, frame))
        return listed

    def moves(self, native: int) -> bool:
        """Return whether a thread runs, or has moved since the last call."""
        call = _system_call(native)
        seen = self._seen.get(native)
        self._seen[native] = call
        if call.startswith("running"):
            return True
        return seen is not None and seen != call


_TOOLS = ("execnet", "xdist", "pytest_timeout", "pydevd", "debugpy", "coverage")
_TOOL_FILES = tuple(f"{os.sep}{name}" for name in _TOOLS)


def _is_idle(frame: FrameType) -> bool:
    """Return whether a worker thread of trio waits for a call, with a timeout."""
    path = frame.f_code.co_filename
    return frame.f_code.co_name == "_work" and path.endswith("_thread_cache.py")


def _is_of_a_tool(frame: FrameType) -> bool:
    """Return whether a thread belongs to a tool that runs tests."""
    paths = [each.f_code.co_filename for each in outwards(frame)]
    return any(name in path for path in paths for name in _TOOL_FILES)


def outwards(frame: FrameType | None) -> list[FrameType]:
    """Return a frame and those that have called it.

    If the collector let the thread of these frames run, a frame might end and its
    memory be used again. ``f_back`` would return an object of any kind, or the
    interpreter would crash.
    """
    frames: list[FrameType] = []
    with without_collector():
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
    return frames
