"""The obstacle course in gevent: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `gevent_study.use_cases`; `fetch`, one request
on a socket of gevent; `course`, the eleven.

    python -m gevent_study.obstacles

runs them.
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
