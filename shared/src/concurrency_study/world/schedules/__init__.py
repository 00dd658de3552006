"""Schedules: a program is run in many orders, and an order that fails is shrunk.

A test that passes one interleaving proves one interleaving. A world knows which of its
actors are ready, so it can run them in other orders than the usual one: see
`World.explore` and ``pytest --schedules``.
"""

from .schedule import (
    CLOCK,
    MOST,
    POINTS,
    SLACK,
    WIDTH,
    Choice,
    Schedule,
    Script,
    Step,
    Strategy,
)
from .search import Explored, Search, explore

__all__ = [
    "CLOCK",
    "MOST",
    "POINTS",
    "SLACK",
    "WIDTH",
    "Choice",
    "Explored",
    "Schedule",
    "Script",
    "Search",
    "Step",
    "Strategy",
    "explore",
]
