"""Follow: say every line that is added to a file, as tail -f does.

``until`` blocks, so it needs a thread of its own. Its end is an event, and a wait for
that event with a timeout is the pause between two looks.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable

from concurrency_study.topics.follow import EXAMPLE, POLL, Tail, check

from .. import run
from ..group import ThreadGroup

DIFFERS = {
    "a new file under the name": "`follow` stays with the open "
    "file, as tail -f does; `follow_name.py` follows the name"
}


def follow(
    path: str | os.PathLike[str],
    say: Callable[[str], object],
    until: Callable[[threading.Event], object],
) -> None:
    check(path, say, until)
    ended = threading.Event()

    def end() -> None:
        try:
            until(group.stop)
        finally:
            ended.set()

    # 1. Open the file, at its end.
    with Tail(path) as tail:
        with ThreadGroup() as group:
            group.start(end)

            # 2. Look, say what is new, wait, look again.
            while not ended.is_set():
                for line in tail.read():
                    say(line)
                ended.wait(POLL)

        # 3. Stop when `until` returns, after one last look.
        for line in tail.read():
            say(line)


def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:

        def write(stop: threading.Event) -> None:
            for line in EXAMPLE:
                stop.wait(2 * POLL)
                print(line, file=log, flush=True)

        follow(log.name, print, until=write)


if __name__ == "__main__":
    run(main)
