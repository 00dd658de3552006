"""The worlds: one way to write a test for every paradigm.

A world runs code that waits (sleeps, joins, reads queues) in **virtual time**. As soon
as everything waits, the clock jumps to the next instant at which something runs. The
code under test is not changed and sees no clock object. It calls ``asyncio.sleep``,
``trio.sleep``, ``gevent.sleep`` or ``time.sleep`` as usual.
"""

from .base import CANCELLED, LEFTOVERS, World, driven
from .errors import (
    FINDINGS,
    Deadlock,
    LostError,
    NotCovered,
    Raised,
    StillAlive,
    TimeLimit,
    Unwind,
    alive_line,
    all_within,
    broken_code,
    leaves,
)
from .job import Job
from .loop import WORKER, LoopWorld
from .waits import coroutine_frames, is_of_libraries, waits_at

__all__ = [
    "CANCELLED",
    "FINDINGS",
    "LEFTOVERS",
    "WORKER",
    "Deadlock",
    "Job",
    "LoopWorld",
    "LostError",
    "NotCovered",
    "Raised",
    "StillAlive",
    "TimeLimit",
    "Unwind",
    "World",
    "alive_line",
    "all_within",
    "broken_code",
    "coroutine_frames",
    "driven",
    "is_of_libraries",
    "leaves",
    "waits_at",
]
