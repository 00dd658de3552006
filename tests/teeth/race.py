"""Mistakes in `race` that its suite must notice: (old text, new text)."""

_KEEP = "            failures[number] = error\n"
_WON = "            if not cancelling():\n                raise Won\n"
_START = """\
            for number, function in enumerate(functions):
                start(group, attempt(number, function))
"""
_GROUP = (
    """\
    try:
        async with asyncio.TaskGroup() as group:
"""
    + _START
    + """\
    except* Won:
        pass
"""
)

MISTAKES = {
    "the first to end wins, even if it failed": (
        _KEEP,
        _KEEP + "            raise\n",
    ),
    "losers are left to run to their end": (_WON, "            pass\n"),
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
    for one in attempts:
        one.cancel()
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
""",
    ),
    "a failure after the win is raised, even if it is not of a cleanup": (
        " and of_cleanup(error, asyncio.CancelledError)",
        "",
    ),
    "one after the other": (
        _START,
        """\
            for number, function in enumerate(functions):
                await attempt(number, function)
""",
    ),
    "the loser that ends last wins": (
        "    return successes[0]",
        "    return successes[-1]",
    ),
    "None is not a success": (
        "        else:\n            if not cancelling():\n",
        "        else:\n"
        "            if successes[-1] is None:\n"
        "                successes.pop()\n"
        "            elif not cancelling():\n",
    ),
    "failures come in the order of failing": (
        "for number in sorted(failures)]",
        "for number in failures]",
    ),
    "only the last failure reaches the caller": (
        "[failures[number] for number in sorted(failures)]",
        "[*failures.values()][-1:]",
    ),
    "an error of a cleanup is lost": ("if cancelling() and of_cleanup(", "if 0 and ("),
    "a late result takes a cancellation from outside for its own win": (
        _WON,
        "            raise Won\n",
    ),
    "a second cancellation cuts a cleanup short": (
        _WON,
        """\
            for other in asyncio.all_tasks() - {asyncio.current_task()}:
                if "attempt" in repr(other.get_coro()):
                    other.cancel()
""",
    ),
    "an unrequested cancellation is ignored": (
        "await requested(function)",
        "await function()",
    ),
    "an unrequested cancellation is a failure like others": (
        "        except Unrequested:\n            raise\n",
        "",
    ),
    "a BaseException is a failure like others": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "there may be no function": (
        "    functions = check(functions)",
        "    functions = [*functions]",
    ),
}
