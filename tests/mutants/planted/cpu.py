"""Mistakes in `cpu` that its suite must notice: (old text, new text)."""

_CALL = "results[index] = await call(process, pipe, item)"
_STOP = "    process.kill()\n    process.join()  # at once: SIGKILL cannot be put off\n"
_RAISE = "    if error is not None:\n        raise error\n"
_DIED = "        stop(process)\n        raise WorkerDied(process.exitcode) from None\n"
_RETURN = "return [results[index] for index in range(len(inputs))]"
_WAITING = "    waiting = enumerate(inputs)\n"
_RANGE = "range(min(workers, len(inputs)))"

MISTAKES = {
    "the call computes in the loop": (
        _CALL,
        "results[index] = await asyncio.sleep(0, function(item))",
    ),
    "the wait for a result blocks the loop": (
        "        await readable(pipe)\n",
        "",
    ),
    "there is one worker only": (_RANGE, "range(min(1, len(inputs)))"),
    "every input gets a worker": (_RANGE, "inputs"),
    "there are as many workers as are asked for": (_RANGE, "range(workers)"),
    "results come in order of completion": (_RETURN, "return list(results.values())"),
    "calls start in reverse order": (
        _WAITING,
        "    waiting = iter(list(enumerate(inputs))[::-1])\n",
    ),
    "an error is swallowed": (_RAISE, ""),
    "an error loses its notes": (
        _RAISE,
        "    if error is not None:\n        raise type(error)(*error.args)\n",
    ),
    "a worker is left behind": (
        "                    stop(process)\n                process.close()\n",
        "                    pass\n",
    ),
    "a worker that is stopped computes to its end": (
        _STOP,
        "    process.join()\n",
    ),
    "a zombie is left behind": (_STOP, "    process.kill()\n"),
    "a dead worker is taken for a result": (_DIED, "        return None\n"),
    "the pipe outlives the worker": (
        "                theirs.close()  # the pipe is to end when the process does\n",
        "                pass\n",
    ),
    "workers are not counted before they start": (
        "    inputs = check(function, inputs, workers)\n",
        "    inputs = check(function, inputs, max(workers, 1))\n",
    ),
}
