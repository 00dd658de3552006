"""Answers to each question about concurrency, and the suite that proves them.

`concurrency_study.topics` holds the questions, `concurrency_study.worlds` the places
where answers run in virtual time, `concurrency_study.plugin` the pytest fixtures.

The names below are those for tests, and for programs without pytest. Each is imported
when it is first used, so this package imports neither pytest nor any library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .anywhere import in_world, virtual_time
    from .available import make_world
    from .trace import Actor, Event, Recorder, Trace
    from .world import (
        CANCELLED,
        Deadlock,
        Job,
        LostError,
        NotCovered,
        StillAlive,
        TimeLimit,
        World,
    )

__all__ = [
    "CANCELLED",
    "Actor",
    "Deadlock",
    "Event",
    "Job",
    "LostError",
    "NotCovered",
    "Recorder",
    "StillAlive",
    "TimeLimit",
    "Trace",
    "World",
    "in_world",
    "make_world",
    "virtual_time",
]

_MODULES = {
    "Actor": "trace",
    "Event": "trace",
    "Recorder": "trace",
    "Trace": "trace",
    "in_world": "anywhere",
    "make_world": "available",
    "virtual_time": "anywhere",
}
"""The module of each name; the others are in ``world``."""


def __getattr__(name: str) -> Any:
    """Import a name of `__all__` when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_MODULES.get(name, 'world')}", __name__)
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
