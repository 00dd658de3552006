"""The obstacle course in anyio: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `anyio_study.use_cases`; `fetch`, one request
on a stream of anyio; `course`, the eleven.

    python -m anyio_study.obstacles

runs them.
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
