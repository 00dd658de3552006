"""Mistakes in `periodic` that its suite must notice: (old text, new text)."""

_WAIT = "        await asyncio.sleep(start + i * every - now())\n"
_TICK = "        await tick(i)\n"

MISTAKES = {
    "an overrun delays all later ticks": (
        _WAIT,
        "        await asyncio.sleep(start - now())\n        start = now() + every\n",
    ),
    "an overrun skips ticks": (
        _WAIT,
        "        if i and now() > start + i * every:\n            continue\n" + _WAIT,
    ),
    "ticks overlap": (
        "    for i in range(times):\n",
        "    tasks = []\n"
        "    for i in range(times):\n"
        "        if i:\n"
        "            await asyncio.sleep(start + i * every - now())\n"
        "        tasks.append(asyncio.ensure_future(tick(i)))\n"
        "    await asyncio.gather(*tasks)\n"
        "    for i in ():\n",
    ),
    "time counts from the start of the loop": ("start = now()", "start = 0.0"),
    "the answer waits once more at the end": (
        _TICK,
        _TICK + "    await asyncio.sleep(start + times * every - now())\n",
    ),
    "an error of a tick is swallowed": (
        _TICK,
        "        await asyncio.gather(tick(i), return_exceptions=True)\n",
    ),
    "the running tick is not cancelled": (
        "await tick(i)",
        "await asyncio.shield(tick(i))",
    ),
    "bad input is not checked first": ("check(tick, every, times)", "pass"),
}
