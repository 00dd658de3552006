"""What asyncio does when tasks fail."""

import asyncio


async def one_of_three_fails_gather():
    ended = []

    async def sibling():
        await asyncio.sleep(2)
        ended.append("sibling")

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    try:
        await asyncio.gather(sibling(), failing(), sibling())
    except ValueError:
        await asyncio.sleep(5)
    return "no" if ended else "yes"


async def one_of_three_fails_task_group():
    ended = []

    async def sibling():
        await asyncio.sleep(2)
        ended.append("sibling")

    async def failing():
        await asyncio.sleep(1)
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(sibling())
            group.create_task(failing())
            group.create_task(sibling())
    except* ValueError:
        await asyncio.sleep(5)
    return "no" if ended else "yes"
