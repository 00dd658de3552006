"""Mistakes in `hedge` that its suite must notice: (old text, new text)."""

_KEEP = "            failures[number] = error\n"
_WON = "            if not cancelling():\n                raise Won\n"
_WAIT = "                await asyncio.wait(attempts, timeout=after)\n"

MISTAKES = {
    "the first to end wins, even if it failed": (
        _KEEP,
        _KEEP + "            raise\n",
    ),
    "losers are left to run to their end": (_WON, "            pass\n"),
    "all start at once": (_WAIT, ""),
    "an attempt that is late is given up": (
        _WAIT,
        _WAIT + "                attempts[-1].cancel()\n",
    ),
    "one starts as soon as any has failed": (
        _WAIT,
        "                begun = [one for one in attempts if not one.done()]\n"
        "                first = asyncio.FIRST_COMPLETED\n"
        "                await asyncio.wait(begun, timeout=after, return_when=first)\n",
    ),
    "one starts only when the last one has failed": (
        _WAIT,
        "                await asyncio.wait(attempts[-1:], timeout=after)\n",
    ),
    "one starts only when it is time": (
        _WAIT,
        "                await asyncio.sleep(after)\n",
    ),
    "one starts at the ticks of a clock": (
        _WAIT,
        "                loop = asyncio.get_running_loop()\n"
        "                left = after - loop.time() % (after or 1) if after else 0\n"
        "                await asyncio.wait(attempts, timeout=left)\n",
    ),
    "one more than most": ("len(attempts) < most", "len(attempts) <= most"),
    "numbers begin with one": ("function(number)", "function(number + 1)"),
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
    "a BaseException is a failure like others": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "bad input is noticed too late": ("    check(function, after, most)\n", ""),
}
