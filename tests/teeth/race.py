"""Mistakes in `race` that its suite must notice: (old text, new text)."""

_KEEP = "            failures[number] = error\n"
_CANCEL = """\
                for other in attempts:
                    if other is not attempts[number]:
                        other.cancel()
"""
_GROUP = """\
    async with asyncio.TaskGroup() as group:
        attempts = [
            group.create_task(attempt(number, function))
            for number, function in enumerate(functions)
        ]
"""

MISTAKES = {
    "the first to end wins, even if it failed": (
        _KEEP,
        _KEEP + "            raise\n",
    ),
    "losers are left to run to their end": (_CANCEL, ""),
    "losers are cancelled and not waited for": (
        _GROUP,
        """\
    attempts = [
        asyncio.create_task(attempt(number, function))
        for number, function in enumerate(functions)
    ]
    while not successes and len(failures) < len(attempts):
        await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)
        attempts = [one for one in attempts if not one.done()] or attempts
""",
    ),
    "wait leaves the losers running": (
        _GROUP,
        """\
    pending = [asyncio.ensure_future(function()) for function in functions]
    while pending and not successes:
        done, pending = await asyncio.wait(
            pending, return_when=asyncio.FIRST_COMPLETED
        )
        for one in done:
            if one.exception() is None:
                successes.append(one.result())
            else:
                failures[len(failures)] = one.exception()
    if successes:
        failures.clear()
    attempts = []
""",
    ),
    "what a loser raises is news, even if it is no cleanup": (
        " and not of_cleanup(error, asyncio.CancelledError)",
        " and False",
    ),
    "one after the other": (
        _GROUP,
        """\
    for number, function in enumerate(functions):
        attempts = [asyncio.current_task()] * len(functions)
        await attempt(number, function)
        if successes:
            break
""",
    ),
    "the loser that ends last wins": (
        "    return successes[0]",
        "    return successes[-1]",
    ),
    "None is no success": (
        "        else:\n            if len(successes) == 1:\n",
        "        else:\n"
        "            if successes[-1] is None:\n"
        "                successes.pop()\n"
        "            elif len(successes) == 1:\n",
    ),
    "failures come in the order of failing": (
        "for number in sorted(failures)]",
        "for number in failures]",
    ),
    "only the last failure reaches the caller": (
        "[failures[number] for number in sorted(failures)]",
        "[*failures.values()][-1:]",
    ),
    "an error of a cleanup is lost": (
        "if failures or not successes:",
        "if not successes:",
    ),
    "old failures are news after all": ("                failures.clear()\n", ""),
    "cancelled from outside, an error of a cleanup is lost": (
        "if attempts[number].cancelling() and not successes:",
        "if False:",
    ),
    "an error cancels again those who clean up": (
        "if attempts[number].cancelling() and not successes:",
        "if attempts[number].cancelling():",
    ),
    "a late result cancels again those who clean up": (
        "            if len(successes) == 1:\n",
        "            if successes:\n",
    ),
    "what is no Exception is a failure like others": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "nobody may win": (
        "    functions = check(functions)",
        "    functions = [*functions]",
    ),
}
