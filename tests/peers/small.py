"""Two small correct programs, on which the speed of a search is measured."""

from __future__ import annotations

import asyncio
from threading import Lock, Thread

WORKERS = 3
ROUNDS = 2


async def tasks() -> None:
    """Count under a lock, in tasks."""
    hits: dict[str, int] = {"page": 0}
    lock = asyncio.Lock()

    async def count() -> None:
        for _ in range(ROUNDS):
            async with lock:
                before = hits["page"]
                await asyncio.sleep(0)
                hits["page"] = before + 1

    async with asyncio.TaskGroup() as group:
        for number in range(WORKERS):
            group.create_task(count(), name=f"{number}")
    assert hits["page"] == WORKERS * ROUNDS


def threads() -> None:
    """Count under a lock, in threads."""
    hits: dict[str, int] = {"page": 0}
    lock = Lock()

    def count() -> None:
        for _ in range(ROUNDS):
            with lock:
                hits["page"] += 1

    workers = [Thread(target=count, name=f"{number}") for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert hits["page"] == WORKERS * ROUNDS
