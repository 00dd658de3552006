"""The obstacle course in asyncio: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `asyncio_study.use_cases`; `fetch`, one request
on a stream of asyncio; `course`, the eleven.

    python -m asyncio_study.obstacles

runs them.
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
