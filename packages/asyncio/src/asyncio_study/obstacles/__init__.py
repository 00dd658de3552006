"""The obstacle course in asyncio: eleven races of HTTP requests, on real sockets.

Read in this order: `race` in `asyncio_study.use_cases`; `fetch`, one request on
a socket of the loop; `course`, the eleven obstacles. To run them:

    python -m asyncio_study.obstacles
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
