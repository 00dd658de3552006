"""Names of asyncio that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import asyncio
import signal


def runner() -> str:
    """Call into one loop twice."""
    queue = asyncio.Queue[str]()
    with asyncio.Runner() as runner:
        runner.run(queue.put("works"))
        return runner.run(queue.get())


async def signals() -> str:
    """Wait for a signal."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, came.set)
    try:
        signal.raise_signal(signal.SIGUSR1)
        await came.wait()
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
    return "works"


async def all_tasks() -> str:
    """Find a task that waits."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0))
        found = task in asyncio.all_tasks()
    return "works" if found else "fails"


async def uncancel() -> str:
    """Swallow a cancellation on purpose, and use a TaskGroup after that."""

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.sleep(0, "works"))
        return task.result()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    return await task


async def barrier() -> str:
    """Let three tasks meet."""
    barrier = asyncio.Barrier(3)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(barrier.wait()) for _ in range(3)]
    return "works" if {task.result() for task in tasks} == {0, 1, 2} else "fails"


async def would_block() -> str:
    """Put into a full queue, and take from an empty one."""
    queue = asyncio.Queue[str](1)
    try:
        queue.put_nowait("item")
        queue.put_nowait("another")
    except asyncio.QueueFull:
        queue.get_nowait()
    try:
        return queue.get_nowait()
    except asyncio.QueueEmpty:
        return "works"


async def priority() -> str:
    """Take the smallest item first, or the last one."""
    smallest, last = asyncio.PriorityQueue[int](), asyncio.LifoQueue[int]()
    for queue in (smallest, last):
        for item in (2, 1, 3):
            await queue.put(item)
    first = (await smallest.get(), await last.get())
    return "works" if first == (1, 3) else "fails"
