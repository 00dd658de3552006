"""Names of AnyIO that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import signal

import anyio
import anyio.from_thread
import anyio.lowlevel


def runner() -> str:
    """Call into one loop twice, from a thread that has none."""
    with anyio.from_thread.start_blocking_portal() as portal:
        event = portal.call(anyio.Event)
        portal.call(event.set)
        return "works" if event.is_set() else "fails"


async def signals() -> str:
    """Wait for a signal."""
    with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
        signal.raise_signal(signal.SIGUSR1)
        async for number in signals:
            return "works" if number == signal.SIGUSR1 else "fails"
    return "fails"


async def current() -> str:
    """Compare the tasks of a caller and of its child."""
    seen: list[anyio.TaskInfo] = []

    async def child() -> None:
        seen.append(anyio.get_current_task())

    async with anyio.create_task_group() as group:
        group.start_soon(child)
    mine = anyio.get_current_task()
    return "works" if [each.parent_id for each in seen] == [mine.id] else "fails"


async def all_tasks() -> str:
    """Find a task that waits."""
    names: list[str | None] = []
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep_forever, name="sleeper")
        await anyio.lowlevel.checkpoint()
        names += [task.name for task in anyio.get_running_tasks()]
        group.cancel_scope.cancel()
    return "works" if "sleeper" in names else "fails"


async def deadline() -> str:
    """Wait until an instant, with an error and without one."""
    now = anyio.current_time()
    with anyio.move_on_at(now + 0.01):
        await anyio.sleep_forever()
    try:
        with anyio.fail_at(now + 0.02):
            await anyio.sleep_forever()
    except TimeoutError:
        return "works"
    return "fails"
