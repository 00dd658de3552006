"""Hedge: ask once more when the answer is late; the first one counts.

The event says that all attempts so far have failed. The wait for it ends after
``after`` seconds at the latest. A success cancels the whole nursery, and so this wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from concurrency_study.topics import Result, Unrequested
from concurrency_study.topics.hedge import EXAMPLE, FAILED, SECONDS, check
from concurrency_study.topics.race import of_cleanup

from .. import run
from ..requested import cancelled, requested


async def hedge(
    function: Callable[[int], Awaitable[Result]], after: float, most: int
) -> Result:
    check(function, after, most)
    successes: list[Result] = []
    failures: dict[int, Exception] = {}
    started = 0

    # 1. The first to succeed wins and stops the others; a failure is kept.
    async def attempt(number: int) -> None:
        try:
            successes.append(await requested(function, number))
        except Unrequested:
            raise
        except Exception as error:
            if cancelled() and of_cleanup(error, trio.Cancelled):
                raise
            failures[number] = error
            if len(failures) == started:
                all_failed.set()
        else:
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        # 2. Start the next one when it is time, or when all so far have failed.
        while started < most:
            all_failed = trio.Event()
            nursery.start_soon(attempt, started)
            started += 1
            with trio.move_on_after(after):
                await all_failed.wait()

        # 3. Wait for all. Those that were stopped clean up first.

    # 4. Return what the winner has; if there is none, raise all failures in order.
    if not successes:
        raise ExceptionGroup(FAILED, [failures[number] for number in sorted(failures)])
    return successes[0]


async def ask(number: int) -> str:
    await trio.sleep(SECONDS[number])
    return f"answered by attempt {number}"


if __name__ == "__main__":
    print(run(hedge, ask, *EXAMPLE))
