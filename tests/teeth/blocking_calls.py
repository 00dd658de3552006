"""Mistakes in `blocking_calls` that its suite must notice: (old text, new text)."""

_CALL = "loop.run_in_executor(pool, function, item)"
_BEAT = "            beat()\n            await asyncio.sleep(EVERY)\n"
_CANCELLED = "            except asyncio.CancelledError:\n"
_RETURN = "return [results[index] for index in range(len(inputs))]"

MISTAKES = {
    "the default pool is too small": (_CALL, "asyncio.to_thread(function, item)"),
    "calls block the loop": (
        _CALL,
        "asyncio.ensure_future(asyncio.sleep(0, function(item)))",
    ),
    "one worker too few": ("min(limit, len(inputs))", "max(limit - 1, 1)"),
    "a worker for every input": (
        "range(min(limit, len(inputs)))",
        "inputs",
    ),
    "results come in order of completion": (_RETURN, "return list(results.values())"),
    "the heart beats before it pauses": (
        _BEAT,
        "            await asyncio.sleep(EVERY)\n            beat()\n",
    ),
    "the heart is waited for": (
        "            beating.cancel()\n",
        "            await asyncio.sleep(EVERY)\n            beating.cancel()\n",
    ),
    "an error is swallowed": (
        _CANCELLED,
        "            except ValueError as error:\n"
        "                results[-1] = error\n" + _CANCELLED,
    ),
    "after an error one more call is started": (
        _CANCELLED,
        "            except ValueError:\n"
        "                for _, item in waiting:\n"
        "                    more = loop.run_in_executor(pool, function, item)\n"
        "                    await asyncio.wait([more])\n"
        "                    break\n"
        "                raise\n" + _CANCELLED,
    ),
}
