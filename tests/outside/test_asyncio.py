"""A foreign project's code and tests: only concurrency-study is installed.

Run it with ``pytest --world asyncio``.
"""

import asyncio


async def first(*functions):
    """Return the first result and leave no task behind: the code under test."""
    tasks = [asyncio.create_task(function()) for function in functions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_the_first_wins_and_the_other_is_cancelled(world, trace):
    @world.job
    async def quick(w):
        await w.sleep(2)
        return "quick"

    @world.job
    async def slow(w):
        await w.sleep(3600)

    assert world.run(first, slow, quick) == "quick"
    assert world.returned_at == 2
    assert trace.when("cancelled") == [(2, "slow()")]


def test_a_timeout_takes_both_with_it(world):
    async def impatient():
        async with asyncio.timeout(1.5):
            await first(lambda: asyncio.sleep(60))

    with world.raises(TimeoutError):
        world.run(impatient)
    assert world.returned_at == 1.5
