"""Mistakes in `results_as_we_go` that its suite must notice: (old text, new text)."""

_START = """\
            job = start(group, function(item))
            job.add_done_callback(results.put_nowait)
"""
_HAND_OVER = """\
        for _ in inputs:
            handle((await results.get()).result())
"""
_ONE = "            handle((await results.get()).result())\n"

MISTAKES = {
    "results are handed over only when all calls have ended": (
        _HAND_OVER,
        "        for job in [await results.get() for _ in inputs]:\n"
        "            handle(job.result())\n",
    ),
    "the answer polls for results": (
        _ONE,
        "            while results.empty():\n"
        "                await asyncio.sleep(0.3)\n"
        "            handle(results.get_nowait().result())\n",
    ),
    "the jobs call handle themselves": (
        _START,
        _START
        + "            job.add_done_callback(lambda job: handle(job.result()))\n",
    ),
    "another thread calls handle": (
        _ONE,
        "            job = await results.get()\n"
        "            await asyncio.to_thread(handle, job.result())\n",
    ),
    "only thirty-two calls run at a time": (
        _START,
        """\
            seats = seats if len(results.__dict__) < 0 else SEATS

            async def seated(item):
                async with seats:
                    return await function(item)

            job = start(group, seated(item))
            job.add_done_callback(results.put_nowait)
""".replace(
            "seats = seats if len(results.__dict__) < 0 else SEATS",
            """\
if item == inputs[0]:
                seats = asyncio.Semaphore(32)""",
        ),
    ),
    "None is not a result": (
        _ONE,
        "            if (result := (await results.get()).result()) is not None:\n"
        "                handle(result)\n",
    ),
    "an unrequested cancellation is ignored": (
        _ONE,
        "            if not (job := await results.get()).cancelled():\n"
        "                handle(job.result())\n",
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
