"""Mistakes in `results_at_end` that its suite must notice: (old text, new text)."""

_GROUP = """\
    async with asyncio.TaskGroup() as group:
        jobs = [start(group, requested(function, item)) for item in inputs]
"""

MISTAKES = {
    "calls run in turn": (
        "jobs = [start(group, requested(function, item)) for item in inputs]",
        "jobs = [group.create_task(function(item)) for item in inputs[:0]]\n"
        "        return [await function(item) for item in inputs]",
    ),
    "calls are made before their tasks": (
        "jobs = [start(group, requested(function, item)) for item in inputs]",
        "calls = [function(item) for item in inputs]\n"
        "        jobs = [start(group, requested(lambda c=c: c)) for c in calls]",
    ),
    "only a hundred calls run at a time": (
        _GROUP,
        """\
    jobs = []
    for i in range(0, len(inputs), 100):
        async with asyncio.TaskGroup() as group:
            jobs += [group.create_task(function(x)) for x in inputs[i : i + 100]]
""",
    ),
    "gather leaves the rest running": (
        _GROUP,
        "    return await asyncio.gather(*map(function, inputs))\n",
    ),
    "a returned error is raised": (
        "    return [job.result() for job in jobs]",
        "    for job in jobs:\n"
        "        if isinstance(job.result(), Exception):\n"
        "            raise job.result()\n"
        "    return [job.result() for job in jobs]",
    ),
    "an error is raised only after all calls have ended": (
        _GROUP,
        """\
    jobs = list(map(asyncio.ensure_future, map(function, inputs)))
    try:
        await asyncio.gather(*jobs, return_exceptions=True)
    finally:
        for job in jobs:
            job.cancel()
""",
    ),
    "the error of the cleanup replaces the first": (
        _GROUP,
        """\
    jobs = list(map(asyncio.ensure_future, map(function, inputs)))
    try:
        await asyncio.gather(*jobs)
    finally:
        for job in jobs:
            job.cancel()
        for ended in await asyncio.gather(*jobs, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
""",
    ),
    "results come in order of completion": (
        _GROUP,
        """\
    jobs = []
    async with asyncio.TaskGroup() as group:
        for item in inputs:
            group.create_task(function(item)).add_done_callback(jobs.append)
""",
    ),
    "equal inputs share a call": (
        "    return [job.result() for job in jobs]",
        "    by_input = dict(zip(inputs, jobs, strict=True))\n"
        "    return [by_input[item].result() for item in inputs]",
    ),
}
