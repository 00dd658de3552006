"""The obstacle course in trio: eleven races of HTTP requests, on real sockets.

Read in this order: `race` in `trio_study.use_cases`; `fetch`, one request on
a stream of trio; `course`, the eleven obstacles. To run them:

    python -m trio_study.obstacles
"""

from __future__ import annotations

from .course import OBSTACLES

__all__ = ("OBSTACLES",)
