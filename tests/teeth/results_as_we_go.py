"""Mistakes in `results_as_we_go` that its suite must notice: (old text, new text)."""

_START = """\
        for item in inputs:
            group.create_task(job(item))
"""
_HAND_OVER = """\
        for _ in inputs:
            handle(await results.get())
"""

MISTAKES = {
    "hands over when all are done": (
        _HAND_OVER,
        "        for result in [await results.get() for _ in inputs]:\n"
        "            handle(result)\n",
    ),
    "polls for results": (
        "            handle(await results.get())\n",
        "            while results.empty():\n"
        "                await asyncio.sleep(0.3)\n"
        "            handle(results.get_nowait())\n",
    ),
    "the jobs themselves hand over": (
        "results.put_nowait(await function(item))",
        "results.put_nowait(handle(await function(item)))",
    ),
    "another thread hands over": (
        "            handle(await results.get())\n",
        "            await asyncio.to_thread(handle, await results.get())\n",
    ),
    "thirty-two at a time": (
        _START,
        """\
        seats = asyncio.Semaphore(32)

        async def seated(item):
            async with seats:
                await job(item)

        for item in inputs:
            group.create_task(seated(item))
""",
    ),
    "None is no result": (
        "            handle(await results.get())\n",
        "            result = await results.get()\n"
        "            if result is not None:\n"
        "                handle(result)\n",
    ),
    "hands over what is ready though a call has failed": (
        "        results.put_nowait(await function(item))\n",
        """\
        try:
            results.put_nowait(await function(item))
        except Exception as error:
            results.put_nowait(error)
            raise
""",
    ),
    "as_completed leaves the rest running": (
        "    async with asyncio.TaskGroup() as group:\n",
        """\
    for one in asyncio.as_completed([function(item) for item in inputs]):
        handle(await one)
    inputs = []
    async with asyncio.TaskGroup() as group:
""",
    ),
}
