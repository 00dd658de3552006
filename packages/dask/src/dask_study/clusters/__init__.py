"""Programs that start a cluster which people have, and print its address.

An answer runs on it when that address follows ``--scheduler``. Every machine needs the
same Python, the same version of `distributed`, and this package: a function of a module
travels as its name.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Generator
from typing import Any

THREADS = 20
"""The threads of a worker: a call takes one also while it waits."""


def options(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the command line with what all these programs accept."""
    title = (doc or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument(
        "--threads",
        type=int,
        default=THREADS,
        help=f"threads of each worker, and so its calls at once; by default {THREADS}",
    )
    return parser


@contextlib.contextmanager
def ended_by_signal() -> Generator[None]:
    """Let Ctrl-C and SIGTERM end the block without an error."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def hold(cluster: Any) -> None:
    """Print the address of a cluster, and keep it until Ctrl-C or SIGTERM."""
    print(cluster.scheduler_address, flush=True)
    threading.Event().wait()
