"""Mistakes in `blocking_calls` that its suite must notice: (old text, new text)."""

_CHECK = "    inputs = check(function, inputs, beat, limit)\n"
_CALL = "loop.run_in_executor(pool, call, item)"
_BEAT = "            await asyncio.sleep(EVERY)\n            beat()\n"
_RESULT = "            results[index] = await to_the_end(thread)\n"
_STOP = "        except StopIteration as error:\n"
_LATE = "    result = thread.result()  # an error is not lost, even if it comes late\n"
_RETURN = "return [results[index] for index in range(len(inputs))]"
_RUN = '    print(run(blocking_calls, block, seconds, lambda: print("beat"), limit))\n'

MISTAKES = {
    "the default pool is too small": (_CALL, "loop.run_in_executor(None, call, item)"),
    "calls block the loop": (
        _CALL,
        "asyncio.ensure_future(asyncio.sleep(0, call(item)))",
    ),
    "there is one worker too few": ("min(limit, len(inputs))", "max(limit - 1, 1)"),
    "every input gets a worker": (
        "range(min(limit, len(inputs)))",
        "inputs",
    ),
    "results come in order of completion": (_RETURN, "return list(results.values())"),
    "the heart beats before it pauses": (
        "    beat()\n\n    async def",
        "    async def",
    ),
    "the heart beats at multiples of its pause": (
        _BEAT,
        "            beats = round(loop.time() / EVERY, 3) // 1 + 1\n"
        "            await asyncio.sleep(beats * EVERY - loop.time())\n"
        "            beat()\n",
    ),
    "the heart beats by the wall clock": (
        _BEAT,
        "            due = time.time() + EVERY\n"
        "            while time.time() < due:\n"
        "                await asyncio.sleep(EVERY)\n"
        "            beat()\n",
    ),
    "the heart beats before the input is checked": (
        _CHECK,
        "    try:\n"
        "        inputs = check(function, inputs, beat, limit)\n"
        "    except ValueError:\n"
        "        beat()\n"
        "        raise\n",
    ),
    "the answer waits for the next beat before it returns": (
        "            beating.cancel()\n",
        "            await asyncio.sleep(EVERY)\n            beating.cancel()\n",
    ),
    "an error is swallowed": (
        _STOP,
        "        except ValueError as error:\n            return error\n" + _STOP,
    ),
    "a call that raises StopIteration returns None": (
        '            raise RuntimeError(f"a call raised {error!r}") from error\n',
        "            return None\n",
    ),
    "a cancellation that a thread raises counts as requested": (
        "            raise Unrequested from error\n",
        "            raise\n",
    ),
    "a BaseException is a result": (
        _STOP,
        "        except GeneratorExit as error:\n            return error\n" + _STOP,
    ),
    "one more call starts after an error": (
        _RESULT,
        "            try:\n"
        "    " + _RESULT + "            except ValueError:\n"
        "                for _, item in waiting:\n"
        "                    await loop.run_in_executor(pool, function, item)\n"
        "                    break\n"
        "                raise\n",
    ),
    "an error after a cancellation is lost": (
        _LATE,
        "    if cancelled is not None:\n        raise cancelled\n" + _LATE,
    ),
    "a cancellation is swallowed": (
        "    if cancelled is not None:\n        raise cancelled\n",
        "",
    ),
    "Ctrl-C is swallowed": (
        _RUN,
        "    try:\n    " + _RUN + "    except KeyboardInterrupt:\n        pass\n",
    ),
}
