"""Follow: say every line that is added to a file, as tail -f does.

`move_on_after` around the wait for an event is both the pause between two looks and the
end of the loop. A regular file is always ready, so no selector could report when to
look.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

from concurrency_study.topics.follow import EXAMPLE, POLL, Tail, check

from .. import run
from ..kernel import Event, Group, Wait, move_on_after, open_group, sleep

DIFFERS = {
    "a new file under the name": "`follow` stays with the open "
    "file, as tail -f does; `follow_name.py` follows the name"
}


def follow(
    path: str | os.PathLike[str],
    say: Callable[[str], object],
    until: Callable[[], Wait[object]],
) -> Wait[None]:
    check(path, say, until)

    # 1. Open the file, at its end.
    with Tail(path) as tail:
        ended = Event()

        def wait_for_end() -> Wait[None]:
            yield from until()
            ended.set()

        # 2. Look, say what is new, wait, look again.
        def look(group: Group) -> Wait[None]:
            group.spawn(wait_for_end)
            while not ended.is_set():
                for line in tail.read():
                    say(line)
                with move_on_after(POLL):
                    yield from ended.wait()

        yield from open_group(look)

        # 3. Stop when `until` returns, after one last look.
        for line in tail.read():
            say(line)


def main() -> Wait[None]:
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:

        def write() -> Wait[None]:
            for line in EXAMPLE:
                yield from sleep(2 * POLL)
                print(line, file=log, flush=True)

        yield from follow(log.name, print, until=write)


if __name__ == "__main__":
    run(main)
