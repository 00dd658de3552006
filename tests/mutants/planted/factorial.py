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
    "each step is said after its pause": (
        _STEP,
        "            await asyncio.sleep(1)\n            say(number, step)\n",
    ),
    "numbers run in turn": (
        _GROUP,
        "    return [await multiply(number) for number in numbers]\n",
    ),
    "there is no pause after the last step": (
        "await asyncio.sleep(1)",
        "await asyncio.sleep(1 if step < number else 0)",
    ),
    "products are floats": ("product = 1", "product = 1.0"),
    "results come in order of completion": (
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
    "an error is raised only after the rest has ended": (
        _GROUP,
        """\
    jobs = list(map(asyncio.ensure_future, map(multiply, numbers)))
    await asyncio.gather(*jobs, return_exceptions=True)
""",
    ),
    "a bad number is refused only when its turn comes": (
        "numbers = check(numbers, say)",
        "numbers = list(numbers)",
    ),
}
