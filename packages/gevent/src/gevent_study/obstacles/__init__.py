"""The obstacle course in gevent: eleven races of HTTP requests, on real sockets.

Read in this order: `race` in `gevent_study.use_cases`; `fetch`, one request on
a socket of gevent; `course`, the eleven obstacles. To run them:

    python -m gevent_study.obstacles
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
