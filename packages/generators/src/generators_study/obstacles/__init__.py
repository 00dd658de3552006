"""The obstacle course in generators: eleven races of HTTP requests, on real sockets.

To read in this order: `race`, of `generators_study.use_cases`; `fetch`, one request
on the kernel's sockets; `course`, the eleven.

    python -m generators_study.obstacles

runs them.
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
