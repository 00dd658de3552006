"""Follow: say every line that is added to a file, as tail -f does.

``join`` with a timeout is both the pause between two looks and the end of the loop. It
leaves the greenlet alone when the time is up, and does not raise its error. The group
does. Reading the file blocks the loop: a regular file is always ready.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

import gevent
from concurrency_study.topics.follow import EXAMPLE, POLL, Tail, check

from .. import run
from ..group import GreenletGroup

DIFFERS = {
    "a new file under the name": "`follow` stays with the open "
    "file, as tail -f does; `follow_name.py` follows the name"
}


def follow(
    path: str | os.PathLike[str],
    say: Callable[[str], object],
    until: Callable[[], object],
) -> None:
    check(path, say, until)

    # 1. Open the file, at its end.
    with Tail(path) as tail:
        with GreenletGroup() as group:
            end = group.spawn(until)

            # 2. Look, say what is new, wait, look again.
            while not end.ready():
                for line in tail.read():
                    say(line)
                end.join(timeout=POLL)

        # 3. Stop when `until` returns, after one last look.
        for line in tail.read():
            say(line)


def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:

        def write() -> None:
            for line in EXAMPLE:
                gevent.sleep(2 * POLL)
                print(line, file=log, flush=True)

        follow(log.name, print, until=write)


if __name__ == "__main__":
    run(main)
