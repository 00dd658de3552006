"""The obstacle course in generators: eleven races of HTTP requests, on real sockets.

Read in this order: `race` in `generators_study.use_cases`; `fetch`, one request on
a socket of the kernel; `course`, the eleven obstacles. To run them:

    python -m generators_study.obstacles
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
