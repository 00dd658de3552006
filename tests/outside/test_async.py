"""A foreign project's async tests: only concurrency-study is installed.

Run it with ``pytest --world asyncio``.
"""

import asyncio

import pytest


@pytest.fixture
async def queue(world):
    """A queue that a task fills every minute."""

    async def fill():
        for number in range(60):
            await asyncio.sleep(60)
            await queue.put(number)

    queue = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(fill())
        yield queue


async def test_an_item_comes_every_minute(world, queue):
    assert [await queue.get() for _ in range(3)] == [0, 1, 2]
    assert world.now() == 180


async def test_a_timeout_is_exact(world, queue):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(59):
            await queue.get()
    assert asyncio.get_running_loop().time() == 59


@pytest.mark.leftovers("allow")
async def test_a_background_task_may_live_on(world):
    world.task = asyncio.create_task(asyncio.sleep(3600))
    await asyncio.sleep(1)


def test_a_plain_test_beside_them(world):
    assert world.run(asyncio.sleep, 3600, result="slept") == "slept"
