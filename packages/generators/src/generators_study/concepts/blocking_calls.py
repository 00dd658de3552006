"""Blocking calls: run functions that block, and keep the heart beating.

`in_thread` runs the call in a worker thread, which wakes the kernel through a socket
when the call has ended. A thread cannot be interrupted: a task that is cancelled waits
for its thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from concurrency_study.topics import Input, Result
from concurrency_study.topics.blocking_calls import EVERY, EXAMPLE, check

from .. import run
from ..kernel import Group, Semaphore, Task, Wait, in_thread, open_group, sleep


def blocking_calls(
    function: Callable[[Input], Result],
    inputs: Iterable[Input],
    beat: Callable[[], object],
    limit: int,
) -> Wait[list[Result]]:
    inputs = check(function, inputs, beat, limit)
    turns = Semaphore(limit)

    # 1. The heart: beat, wait, beat again.
    def heart() -> Wait[None]:
        while True:
            beat()
            yield from sleep(EVERY)

    # 2. Run each call in a thread, at most `limit` at a time.
    def call(item: Input) -> Wait[Result]:
        yield from turns.acquire()
        try:
            return (yield from in_thread(function, item))
        finally:
            turns.release()

    def start(group_of_calls: Group) -> list[Task]:
        return [group_of_calls.spawn(call, item) for item in inputs]

    # 3. Wait for all calls; the heart stops after the last.
    def beside_the_heart(group: Group) -> Wait[list[Task]]:
        group.spawn(heart)
        calls = yield from open_group(start)
        group.cancel()
        return calls

    # 4. Return the results in input order.
    ended = yield from open_group(beside_the_heart)
    return [task.result for task in ended]


def block(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


if __name__ == "__main__":
    seconds, limit = EXAMPLE
    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))
