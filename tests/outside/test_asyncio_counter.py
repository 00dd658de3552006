"""A counter that loses a visit in some orders of its tasks, as in the README.

Run it with ``pytest --world asyncio``: it passes. With ``--schedules 1000`` it fails.
"""

import asyncio

import pytest


async def test_two_visits_are_counted(world):
    visits = 0

    async def visit(pause):
        nonlocal visits
        await asyncio.sleep(pause)
        seen = visits
        await asyncio.sleep(0)  # here another task may run
        visits = seen + 1

    async with asyncio.TaskGroup() as group:
        group.create_task(visit(0.1))
        group.create_task(visit(0.2))
    assert visits == 2


def test_a_search_finds_the_order_that_loses_a_visit(world):
    with pytest.raises(AssertionError) as raised:
        world.explore(test_two_visits_are_counted, world)
    (note,) = raised.value.__notes__
    assert "was held, and the clock went 0.1 s ahead" in note
