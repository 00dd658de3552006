"""The command that serves until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import get_args

from .client import COMMAND, LISTENING, Framing
from .courses import Referee
from .files import allow_open_files
from .rules import MANY

SPARE = 1000
"""Files that should be allowed beside the connections of obstacle 3."""
LEAST = 100
"""Files that must be allowed beside the connections of obstacle 3."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {COMMAND}",
        description="Run the referee of the obstacle course of eleven races.",
        epilog="GET / lists the pages. GET /stats returns the counts. Ctrl-C ends it.",
    )
    add = parser.add_argument
    add(
        "--port",
        type=_number(int, 0, 65535),
        default=8080,
        help="the port on 127.0.0.1, or 0 for any free port (default: %(default)s)",
    )
    add(
        "--unit",
        type=_number(float, 1e-3, 1e3),
        default=1.0,
        metavar="SECONDS",
        help="the real duration of one second of the rules (default: %(default)g)",
    )
    add(
        "--many",
        type=_number(int, 1, 1_000_000),
        default=MANY,
        metavar="N",
        help="the number of requests that race at obstacle 3 (default: %(default)d)",
    )
    add(
        "--framing",
        choices=get_args(Framing),
        default="length",
        help="how to mark the end of an answer: by a Content-Length, by chunks, by the "
        "end of the connection, or by each in turn (default: %(default)s)",
    )
    add(
        "--until-eof",
        action="store_true",
        help="end when the standard input ends",
    )
    options = parser.parse_args()
    sys.exit(_run(**vars(options)))


def _number(
    kind: Callable[[str], float], least: float, most: float
) -> Callable[[str], float]:
    """Return a function that reads such a number from the command line."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not in {least:g} ... {most:g}")
        return value

    return number


def _run(
    port: int,
    unit: float,
    many: int,
    framing: Framing,
    until_eof: bool,
) -> int:
    """Serve, and return the exit status."""
    try:
        import asyncio

        from ..server import FRAMINGS, Server
    except ModuleNotFoundError as error:
        if error.name != "h11":
            raise
        print(
            "h11 is not installed; the extra http has it: pip install './shared[http]' "
            "in a clone, or pip install h11",
            file=sys.stderr,
        )
        return 1
    if problem := allow_open_files(many + SPARE, many + LEAST):
        fewer = f", or race fewer than {many} requests at obstacle 3 (--many)"
        print(f"{problem}{fewer * (many > 1)}", file=sys.stderr)
        return 1

    def ready(url: str) -> None:
        print(f"{LISTENING}{url}", flush=True)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        referee = Referee(loop.call_later, unit=unit, many=many)
        framings = FRAMINGS if framing == "mixed" else (framing,)
        await Server(referee, *framings).serve(port, ready, until_eof=until_eof)

    try:
        asyncio.run(serve())
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        print(f"cannot listen on port {port}: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    main()
