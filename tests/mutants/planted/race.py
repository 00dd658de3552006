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
    "losers are not cancelled": (_WON, "            pass\n"),
    "losers are cancelled but not awaited": (
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
    "asyncio.wait leaves the losers running": (
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
    "a failure after the win is raised even if no cleanup raised it": (
        " and of_cleanup(error, asyncio.CancelledError)",
        "",
    ),
    "functions run in turn": (
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
    "a late result hides a cancellation from outside": (
        _WON,
        "            raise Won\n",
    ),
    "a second cancellation interrupts a cleanup": (
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
    "an unrequested cancellation counts as an ordinary failure": (
        "        except Unrequested:\n            raise\n",
        "",
    ),
    "a BaseException counts as an ordinary failure": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "an empty list of functions is accepted": (
        "    functions = check(functions)",
        "    functions = [*functions]",
    ),
}
