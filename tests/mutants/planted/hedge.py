"""Mistakes in `hedge` that its suite must notice: (old text, new text)."""

_KEEP = "            failures[number] = error\n"
_WON = "            if not cancelling():\n                raise Won\n"
_WAIT = "                await asyncio.wait(attempts, timeout=after)\n"

MISTAKES = {
    "the first to end wins, even if it failed": (
        _KEEP,
        _KEEP + "            raise\n",
    ),
    "losers are not cancelled": (_WON, "            pass\n"),
    "all attempts start at once": (_WAIT, ""),
    "a late attempt is cancelled": (
        _WAIT,
        _WAIT + "                attempts[-1].cancel()\n",
    ),
    "an attempt starts as soon as any other fails": (
        _WAIT,
        "                begun = [one for one in attempts if not one.done()]\n"
        "                first = asyncio.FIRST_COMPLETED\n"
        "                await asyncio.wait(begun, timeout=after, return_when=first)\n",
    ),
    "an attempt starts only when the last one fails": (
        _WAIT,
        "                await asyncio.wait(attempts[-1:], timeout=after)\n",
    ),
    "an attempt starts only after the delay": (
        _WAIT,
        "                await asyncio.sleep(after)\n",
    ),
    "attempts start at the ticks of a clock": (
        _WAIT,
        "                loop = asyncio.get_running_loop()\n"
        "                left = after - loop.time() % (after or 1) if after else 0\n"
        "                await asyncio.wait(attempts, timeout=left)\n",
    ),
    "there is one attempt too many": ("len(attempts) < most", "len(attempts) <= most"),
    "attempt numbers begin with one": (
        "requested(function, number)",
        "requested(function, number + 1)",
    ),
    "the loser that ends last wins": (
        "    return successes[0]",
        "    return successes[-1]",
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
    "an unrequested cancellation is ignored": (
        "await requested(function, number)",
        "await function(number)",
    ),
    "a BaseException counts as an ordinary failure": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "bad input is not checked first": ("    check(function, after, most)\n", ""),
}
