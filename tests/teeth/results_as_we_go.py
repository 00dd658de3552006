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
    "hands over in input order": (
        _START + "\n        # 3. Hand over each result as it comes.\n" + _HAND_OVER,
        "        jobs = [group.create_task(function(item)) for item in inputs]\n"
        "        for one in jobs:\n"
        "            handle(await one)\n",
    ),
    "looks for results once a second": (
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
    "equal inputs share a call": (
        "        for item in inputs:\n",
        "        inputs = set(inputs)\n        for item in inputs:\n",
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
    "an error of handle is swallowed": (
        "            handle(await results.get())\n",
        "            result = await results.get()\n"
        "            with __import__('contextlib').suppress(Exception):\n"
        "                handle(result)\n",
    ),
    "an error of a call is swallowed": (
        "        results.put_nowait(await function(item))\n",
        """\
        try:
            results.put_nowait(await function(item))
        except Exception:
            results.put_nowait(None)
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
    "bad input is noticed too late": (
        "inputs = check(function, inputs, handle)",
        "inputs = list(inputs)",
    ),
}
