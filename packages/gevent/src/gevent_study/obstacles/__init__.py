"""The obstacle course in gevent: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `gevent_study.use_cases`; `fetch`, one request on
a socket of gevent; `course`, the eleven. ``python -m gevent_study.obstacles`` runs
them.
"""

from __future__ import annotations

from .course import (
    obstacle_1,
    obstacle_2,
    obstacle_3,
    obstacle_4,
    obstacle_5,
    obstacle_6,
    obstacle_7,
    obstacle_8,
    obstacle_9,
    obstacle_10,
    obstacle_11,
)

OBSTACLES = (
    *(obstacle_1, obstacle_2, obstacle_3, obstacle_4, obstacle_5, obstacle_6),
    *(obstacle_7, obstacle_8, obstacle_9, obstacle_10, obstacle_11),
)

__all__ = ("OBSTACLES",)
