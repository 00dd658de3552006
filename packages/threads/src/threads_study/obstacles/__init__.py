"""The obstacle course in threads: eleven races of HTTP requests, on real sockets.

Read in this order: `race` in `threads_study.use_cases`; `fetch`, one request on
a blocking socket; `course`, the eleven obstacles. To run them:

    python -m threads_study.obstacles
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
