"""Follow: say every line that is added to a file, as tail -f does.

When ``until`` returns, its task cancels the scope of the nursery, and so the loop that
looks. A disk may be slow, so a thread reads the file. A read that has begun runs to its
end, even when cancelled, and loses nothing.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable

import trio
from concurrency_study.topics.follow import EXAMPLE, POLL, Tail, check

from .. import run
from ..requested import requested

DIFFERS = {
    "a new file under the name": "`follow` stays with the open "
    "file, as tail -f does; `follow_name.py` follows the name"
}


async def follow(
    path: str | os.PathLike[str],
    say: Callable[[str], object],
    until: Callable[[], Awaitable[object]],
) -> None:
    check(path, say, until)

    # 1. Open the file, at its end.
    with await trio.to_thread.run_sync(Tail, path) as tail:

        async def look() -> None:
            for line in await trio.to_thread.run_sync(tail.read):
                say(line)

        # 2. Look, say what is new, wait, look again.
        async def keep_looking() -> None:
            while True:
                await look()
                await trio.sleep(POLL)

        # 3. Stop when `until` returns, after one last look.
        async def watch() -> None:
            await requested(until)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await keep_looking()
        await look()


async def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".log") as log:

        async def write() -> None:
            for line in EXAMPLE:
                await trio.sleep(2 * POLL)
                print(line, file=log, flush=True)

        await follow(log.name, print, until=write)


if __name__ == "__main__":
    run(main)
