"""asyncio-eager: the same code as asyncio's; a task runs at once, until it first waits.

A task that never suspends is done before ``create_task`` returns. That is another
promise than asyncio's, and part of why it is faster.
"""

from __future__ import annotations

import asyncio

from .asyncio import *  # noqa: F403

PYTHON = (3, 12)


def run(function, *args):
    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await function(*args)

    return asyncio.run(main())
