"""The obstacle course in anyio: eleven races of HTTP requests, on real sockets.

Read in this order: `race` in `anyio_study.use_cases`; `fetch`, one request on
a stream of anyio; `course`, the eleven obstacles. To run them:

    python -m anyio_study.obstacles
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
