"""Follow: say every line that is added to a file, as tail -f does.

`asyncio.wait` with a timeout is both the pause between two looks and the end of the
loop. Unlike ``wait_for`` it leaves the task alone when the time is up. The loop's own
thread reads the file: a regular file is always ready.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine
from typing import Any

from concurrency_study.topics.follow import EXAMPLE, POLL, Tail, check

from .. import run
from ..groups import requested

DIFFERS = {
    "a new file under the name": "`follow` stays with the open "
    "file, as tail -f does; `follow_name.py` follows the name"
}


async def follow(
    path: str | os.PathLike[str],
    say: Callable[[str], object],
    until: Callable[[], Coroutine[Any, Any, object]],
) -> None:
    check(path, say, until)

    # 1. Open the file, at its end.
    with Tail(path) as tail:
        async with asyncio.TaskGroup() as group:
            end = group.create_task(requested(until))

            # 2. Look, say what is new, wait, look again.
            while not end.done():
                for line in tail.read():
                    say(line)
                await asyncio.wait([end], timeout=POLL)

        # 3. Stop when `until` returns, after one last look.
        for line in tail.read():
            say(line)


async def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:

        async def write() -> None:
            for line in EXAMPLE:
                await asyncio.sleep(2 * POLL)
                print(line, file=log, flush=True)

        await follow(log.name, print, until=write)


if __name__ == "__main__":
    run(main)
