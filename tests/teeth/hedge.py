"""Mistakes in `hedge` that its suite must notice: (old text, new text)."""

_KEEP = "            failures[number] = error\n"
_CANCEL = """\
                for other in attempts:
                    if other is not attempts[number]:
                        other.cancel()
"""
_WHILE = "        while len(attempts) < most and not successes:\n"
_WAIT = "            await asyncio.wait(attempts, timeout=after)\n"

MISTAKES = {
    "the first to end wins, even if it failed": (
        _KEEP,
        _KEEP + "            raise\n",
    ),
    "losers are left to run to their end": (_CANCEL, ""),
    "all start at once": (_WAIT, ""),
    "whoever is late is given up": (
        _WAIT,
        _WAIT + "            attempts[-1].cancel()\n",
    ),
    "one starts as soon as any has failed": (
        _WAIT,
        "            begun = [one for one in attempts if not one.done()]\n"
        "            await asyncio.wait(\n"
        "                begun, timeout=after, return_when=asyncio.FIRST_COMPLETED\n"
        "            )\n",
    ),
    "one starts only when the last one has failed": (
        _WAIT,
        "            await asyncio.wait(attempts[-1:], timeout=after)\n",
    ),
    "one starts only when it is time": (
        _WAIT,
        "            await asyncio.sleep(after)\n",
    ),
    "one starts at the ticks of a clock": (
        _WAIT,
        "            loop = asyncio.get_running_loop()\n"
        "            left = after - loop.time() % (after or 1) if after else 0\n"
        "            await asyncio.wait(attempts, timeout=left)\n",
    ),
    "one more than most": ("len(attempts) < most", "len(attempts) <= most"),
    "one starts while the losers clean up": (
        _WHILE,
        "        while len(attempts) < most and not (\n"
        "            successes and all(one.done() for one in attempts)\n"
        "        ):\n",
    ),
    "numbers begin with one": (
        "await function(number)",
        "await function(number + 1)",
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
    "an error of a cleanup is lost": (
        "if failures or not successes:",
        "if not successes:",
    ),
    "old failures are news after all": ("                failures.clear()\n", ""),
    "cancelled from outside, an error of a cleanup is lost": (
        "if attempts[number].cancelling() and not successes:",
        "if False:",
    ),
    "what is no Exception is a failure like others": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "bad input is noticed too late": ("    check(function, after, most)\n", ""),
}
