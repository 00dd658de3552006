"""asyncio-eager: the same code as asyncio's; a task runs at once, until it first waits.

Whoever only lets others run, or has no need to wait, is done before ``create_task``
returns: that is another promise, and part of why it is faster.
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
