"""Mistakes in `sync_vs_async` that its suite must notice: (old text, new text)."""

_GROUP = """\
    async with asyncio.TaskGroup() as group:
        jobs = [start(group, requested(function, item)) for item in inputs]
"""
_RETURN = "Comparison(in_turn, side_by_side, middle - begin, end - middle)"

MISTAKES = {
    "both ways run in turn": (
        _GROUP,
        """\
    jobs = []
    for item in inputs:
        async with asyncio.TaskGroup() as group:
            jobs.append(group.create_task(function(item)))
""",
    ),
    "both ways run side by side": (
        "    in_turn = [await function(item) for item in inputs]\n",
        "    in_turn = await asyncio.gather(*map(function, inputs))\n",
    ),
    "the second way uses the results of the first": (
        "side_by_side = [job.result() for job in jobs]",
        "side_by_side = in_turn",
    ),
    "the second time includes the first": (
        _RETURN,
        "Comparison(in_turn, side_by_side, middle - begin, end - begin)",
    ),
    "only thirty-two calls run at a time": (
        _GROUP,
        """\
    seats = asyncio.Semaphore(32)

    async def seated(item):
        async with seats:
            return await function(item)

    async with asyncio.TaskGroup() as group:
        jobs = [group.create_task(seated(item)) for item in inputs]
""",
    ),
    "an error leaves the rest running": (
        _GROUP,
        "    jobs = list(map(asyncio.ensure_future, map(function, inputs)))\n"
        "    await asyncio.gather(*jobs)\n",
    ),
    "the first way uses up an iterator": (
        "    inputs = check(function, inputs)\n",
        "    check(function, ())\n",
    ),
    "a non-callable is refused too late": (
        "check(function, inputs)",
        "list(inputs)",
    ),
}
