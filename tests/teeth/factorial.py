"""Mistakes in `factorial` that its suite must notice: (old text, new text)."""

_STEP = """\
            say(number, step)
            await asyncio.sleep(1)
"""
_GROUP = """\
    async with asyncio.TaskGroup() as group:
        jobs = [start(group, multiply(number)) for number in numbers]
"""

MISTAKES = {
    "says each step after its second": (
        _STEP,
        "            await asyncio.sleep(1)\n            say(number, step)\n",
    ),
    "one number after the other": (
        _GROUP,
        "    return [await multiply(number) for number in numbers]\n",
    ),
    "does not wait for the last step": (
        "await asyncio.sleep(1)",
        "await asyncio.sleep(1 if step < number else 0)",
    ),
    "takes a float for large numbers": ("product = 1", "product = 1.0"),
    "in order of completion": (
        _GROUP,
        """\
    jobs = []
    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(multiply(number)).add_done_callback(jobs.append)
""",
    ),
    "equal numbers share a task": (
        "for number in numbers]",
        "for number in dict.fromkeys(numbers)]",
    ),
    "an error waits for the rest": (
        _GROUP,
        """\
    jobs = list(map(asyncio.ensure_future, map(multiply, numbers)))
    await asyncio.gather(*jobs, return_exceptions=True)
""",
    ),
    "refuses a bad number when its turn comes": (
        "numbers = check(numbers, say)",
        "numbers = list(numbers)",
    ),
}
