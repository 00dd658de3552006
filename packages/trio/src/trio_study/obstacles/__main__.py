"""``python -m trio_study.obstacles [URL]``; ``--help`` says more."""

from __future__ import annotations

import sys

from concurrency_study.topics.fetching.front import main

from .. import run
from . import OBSTACLES

if __name__ == "__main__":
    sys.exit(main(f"{__package__}", OBSTACLES, run))
