"""Mistakes in `timeout` that its suite must notice: (old text, new text)."""

_INNER = "async with asyncio.timeout(inner):"
_OUTER = "async with asyncio.timeout(outer):"
_JOB = "outcome = DONE, await carried(job)"
_INSTEAD = "outcome = INNER, await carried(instead)"
_CARRY = "        except TimeoutError as error:\n            own_error = error\n"
_OVER = """\
    except TimeoutError:
        return OUTER, None
"""

MISTAKES = {
    "there is no inner deadline": (_INNER, "async with asyncio.timeout(None):"),
    "there is no outer deadline": (_OUTER, "async with asyncio.timeout(None):"),
    "the inner deadline is all that counts": (
        _OUTER,
        "async with asyncio.timeout(outer if outer < inner else None):",
    ),
    "the inner deadline counts for what is done instead": (
        _INSTEAD,
        "async with asyncio.timeout(inner):\n"
        "                    outcome = INNER, await carried(instead)",
    ),
    "the inner one is blamed for all": (_OVER, _OVER.replace("OUTER", "INNER")),
    "the outer one is blamed for all": (_INSTEAD, "return OUTER, None"),
    "a TimeoutError of their own is taken for a deadline": (
        _CARRY,
        "        except ZeroDivisionError:\n",
    ),
    "a TimeoutError is the deadline's if that has passed": (
        _CARRY,
        "        except TimeoutError as error:\n"
        "            if asyncio.current_task().cancelling():\n"
        "                raise\n"
        "            own_error = error\n",
    ),
    "a TimeoutError of their own is lost": (
        "        raise own_error\n",
        "        pass\n",
    ),
    "any error is taken for a deadline": (
        _OVER,
        _OVER.replace("TimeoutError", "Exception"),
    ),
    "any cancellation is taken for a deadline": (
        _OVER,
        _OVER.replace("TimeoutError", "(TimeoutError, asyncio.CancelledError)"),
    ),
    "what is cut is not waited for": (
        _JOB,
        "outcome = DONE, await asyncio.shield(asyncio.ensure_future(carried(job)))",
    ),
    "wait returns and leaves the job running": (
        _JOB,
        "running = asyncio.ensure_future(carried(job))\n"
        "                    await asyncio.wait([running], timeout=inner)\n"
        "                    if not running.done():\n"
        "                        raise TimeoutError\n"
        "                    outcome = DONE, running.result()",
    ),
    "what is cut counts as cut though it returns": (
        _JOB,
        _JOB + "\n                    if asyncio.current_task().cancelling():\n"
        "                        raise asyncio.CancelledError",
    ),
    "no time is no deadline": (_INNER, "async with asyncio.timeout(inner or None):"),
    "no time is no time to begin": (
        "    try:\n        # 2.",
        "    if not outer:\n        return OUTER, None\n    try:\n        # 2.",
    ),
    "None is no result": (
        "    return outcome\n",
        "    return outcome if outcome[1] is not None else (OUTER, None)\n",
    ),
    "bad input is noticed too late": ("    check(job, instead, outer, inner)\n", ""),
}
