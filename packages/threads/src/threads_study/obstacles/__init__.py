"""The obstacle course in threads: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `threads_study.use_cases`; `fetch`, one request
on a blocking socket; `course`, the eleven.

    python -m threads_study.obstacles

runs them.
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
