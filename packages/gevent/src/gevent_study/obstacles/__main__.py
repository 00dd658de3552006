"""``python -m gevent_study.obstacles [URL]``; ``--help`` says more."""

from __future__ import annotations

import sys

import gevent
from concurrency_study.topics.fetching.front import main

from .. import run
from . import OBSTACLES

if __name__ == "__main__":
    gevent.get_hub().NOT_ERROR += (KeyboardInterrupt,)  # else the hub prints it
    sys.exit(main(f"{__package__}", OBSTACLES, run))
