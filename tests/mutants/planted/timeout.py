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
    "only the inner deadline counts": (
        _OUTER,
        "async with asyncio.timeout(outer if outer < inner else None):",
    ),
    "the inner deadline also covers the fallback": (
        _INSTEAD,
        "async with asyncio.timeout(inner):\n"
        "                    outcome = INNER, await carried(instead)",
    ),
    "every timeout is reported as the inner one": (
        _OVER,
        _OVER.replace("OUTER", "INNER"),
    ),
    "every timeout is reported as the outer one": (_INSTEAD, "return OUTER, None"),
    "a TimeoutError of a job is mistaken for a deadline": (
        _CARRY,
        "        except ZeroDivisionError:\n",
    ),
    "a TimeoutError after the deadline is mistaken for the deadline": (
        _CARRY,
        "        except TimeoutError as error:\n"
        "            if asyncio.current_task().cancelling():\n"
        "                raise\n"
        "            own_error = error\n",
    ),
    "a TimeoutError of a job is lost": (
        "        raise own_error\n",
        "        pass\n",
    ),
    "any error is mistaken for a deadline": (
        _OVER,
        _OVER.replace("TimeoutError", "Exception"),
    ),
    "any cancellation is mistaken for a deadline": (
        _OVER,
        _OVER.replace("TimeoutError", "(TimeoutError, asyncio.CancelledError)"),
    ),
    "a job past its deadline is not awaited": (
        _JOB,
        "outcome = DONE, await asyncio.shield(asyncio.ensure_future(carried(job)))",
    ),
    "asyncio.wait returns and leaves the job running": (
        _JOB,
        "running = asyncio.ensure_future(carried(job))\n"
        "                    await asyncio.wait([running], timeout=inner)\n"
        "                    if not running.done():\n"
        "                        raise TimeoutError\n"
        "                    outcome = DONE, running.result()",
    ),
    "a job that returns after its deadline counts as cancelled": (
        _JOB,
        _JOB + "\n                    if asyncio.current_task().cancelling():\n"
        "                        raise asyncio.CancelledError",
    ),
    "an inner deadline of zero is ignored": (
        _INNER,
        "async with asyncio.timeout(inner or None):",
    ),
    "an outer deadline of zero starts no job": (
        "    try:\n        # 2.",
        "    if not outer:\n        return OUTER, None\n    try:\n        # 2.",
    ),
    "None is not a result": (
        "    return outcome\n",
        "    return outcome if outcome[1] is not None else (OUTER, None)\n",
    ),
    "bad input is not checked first": ("    check(job, instead, outer, inner)\n", ""),
}
