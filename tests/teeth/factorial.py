"""Mistakes in `factorial` that its suite must notice: (old text, new text)."""

_STEP = """\
            say(number, step)
            await asyncio.sleep(1)
"""
_GROUP = """\
    async with asyncio.TaskGroup() as group:
        jobs = [group.create_task(multiply(number)) for number in numbers]
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
    "begins at one": ("range(2, number + 1)", "range(1, number + 1)"),
    "does not wait for the last step": (
        "await asyncio.sleep(1)",
        "await asyncio.sleep(1 if step < number else 0)",
    ),
    "holds up everybody": (
        "await asyncio.sleep(1)",
        "__import__('time').sleep(1)",
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
    "an error leaves the rest running": (
        _GROUP,
        "    return await asyncio.gather(*map(multiply, numbers))\n",
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
