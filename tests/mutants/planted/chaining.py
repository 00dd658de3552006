"""Mistakes in `chaining` that its suite must notice: (old text, new text)."""

_CALL = "    result = await compute(x, y)"

MISTAKES = {
    "x and y are swapped": (
        "result = await compute(x, y)",
        "result = await compute(y, x)",
    ),
    "compute starts before the first line is said": (
        "    say(before(x, y))\n",
        "    early = asyncio.ensure_future(compute(x, y))\n"
        "    await asyncio.sleep(0)\n"
        "    say(before(x, y))\n",
    ),
    "the answer does not wait for the result": (
        _CALL,
        "    task = asyncio.ensure_future(compute(x, y))\n"
        "    await asyncio.sleep(1)\n"
        "    result = task.result()",
    ),
    "an error is said instead of raised": (
        _CALL,
        """\
    try:
        result = await compute(x, y)
    except Exception as error:
        result = error
""",
    ),
    "an error is replaced": (
        _CALL,
        """\
    try:
        result = await compute(x, y)
    except Exception as error:
        raise type(error)(*error.args) from error
""",
    ),
    "a cancellation from outside leaves compute running": (
        _CALL,
        "    result = await asyncio.shield(compute(x, y))",
    ),
    "None is not a result": (
        "    say(after(x, y, result))",
        "    if result is not None:\n        say(after(x, y, result))",
    ),
    "bad input is not checked first": ("    check(compute, say)\n", ""),
}
