"""Mistakes in `blocking_calls` that its suite must notice: (old text, new text)."""

_CALL = "loop.run_in_executor(pool, function, item)"
_BEAT = "            beat()\n            await asyncio.sleep(EVERY)\n"
_AFTER = """\
                await asyncio.wait([thread])
                thread.result()  # an error is not lost, even if it comes late
                raise
"""
_RETURN = "return [results[index] for index in range(len(inputs))]"

MISTAKES = {
    "the default pool is too small": (_CALL, "asyncio.to_thread(function, item)"),
    "calls block the loop": (
        "                results[index] = await asyncio.shield(thread)\n",
        "                results[index] = function(item)\n",
    ),
    "one worker too few": ("min(limit, len(inputs))", "max(limit - 1, 1)"),
    "no limit": (
        "range(min(limit, len(inputs)))",
        "inputs",
    ),
    "results come in order of completion": (_RETURN, "return list(results.values())"),
    "the heart beats before it pauses": (
        _BEAT,
        "            await asyncio.sleep(EVERY)\n            beat()\n",
    ),
    "the heart beats too slowly": (_BEAT, _BEAT.replace("EVERY", "2 * EVERY")),
    "the heart beats once": (_BEAT, _BEAT.replace("EVERY", "3600")),
    "the heart is waited for": ("            beating.cancel()\n", "            await asyncio.sleep(EVERY)\n            beating.cancel()\n"),
    "what cannot be interrupted is left to itself": (_AFTER, "                raise\n"),
    "an error stops nobody": (
        "            except asyncio.CancelledError:\n",
        "            except ValueError as error:\n"
        "                results[-1] = error\n"
        "            except asyncio.CancelledError:\n",
    ),
}
