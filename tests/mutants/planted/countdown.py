"""Mistakes in `countdown` that its suite must notice: (old text, new text)."""

_SLEEP = "                await asyncio.sleep(1)\n"
_IF = "            if number > 1:\n" + _SLEEP
_SAY = "            say(name, number)\n"
_GROUP = """\
    async with asyncio.TaskGroup() as group:
        for name, n in counters:
            start(group, count(name, n))
"""

MISTAKES = {
    "a counter waits after its last number": ("if number > 1:", "if True:"),
    "a counter waits before its first number": (
        _SAY + _IF,
        "            await asyncio.sleep(1)\n" + _SAY,
    ),
    "counters run in turn": (
        "start(group, count(name, n))",
        "await count(name, n)",
    ),
    "a counter also says zero": ("range(n, 0, -1)", "range(n, -1, -1)"),
    "counters with the same name replace each other": (
        "in counters:",
        "in dict(counters).items():",
    ),
    "the loop is blocked": (
        "                await asyncio.sleep(1)\n",
        "                import time\n\n                time.sleep(1)\n",
    ),
    "an error of say stops one counter only": (
        _GROUP,
        "    done = await asyncio.gather(\n"
        "        *(count(name, n) for name, n in counters), return_exceptions=True\n"
        "    )\n"
        "    for error in done:\n"
        "        if error is not None:\n"
        "            raise error\n",
    ),
    "an error of say leaves the others running": (
        _GROUP,
        "    await asyncio.gather(*(count(name, n) for name, n in counters))\n",
    ),
    "counters are not cancelled": (
        "start(group, count(name, n))",
        "group.create_task(asyncio.wait([asyncio.ensure_future(count(name, n))]))",
    ),
}
