"""Names of trio that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import signal

import trio


async def signals() -> str:
    """Wait for a signal."""
    with trio.open_signal_receiver(signal.SIGUSR1) as signals:
        signal.raise_signal(signal.SIGUSR1)
        async for number in signals:
            return "works" if number == signal.SIGUSR1 else "fails"
    return "fails"


async def all_tasks() -> str:
    """Find a task that waits, from the root of the tree."""

    def below(task: trio.lowlevel.Task) -> list[str]:
        children = [c for nursery in task.child_nurseries for c in nursery.child_tasks]
        return [task.name, *(name for child in children for name in below(child))]

    root = trio.lowlevel.current_root_task()
    assert root is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever, name="sleeper")
        found = "sleeper" in below(root)
        nursery.cancel_scope.cancel()
    return "works" if found else "fails"


async def deadline() -> str:
    """Wait until an instant, with an error and without one."""
    now = trio.current_time()
    with trio.move_on_at(now + 0.01):
        await trio.sleep_forever()
    try:
        with trio.fail_at(now + 0.02):
            await trio.sleep_forever()
    except trio.TooSlowError:
        return "works"
    return "fails"
