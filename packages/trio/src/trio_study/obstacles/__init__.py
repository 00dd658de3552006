"""The obstacle course in trio: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `trio_study.use_cases`; `fetch`, one request
on a stream of trio; `course`, the eleven.

    python -m trio_study.obstacles

runs them.
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
