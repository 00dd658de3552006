"""Mistakes in `chaining` that its suite must notice: (old text, new text)."""

_CALL = "    result = await compute(x, y)"

MISTAKES = {
    "x and y are swapped": ("await compute(x, y)", "await compute(y, x)"),
    "compute begins before anything is said": (
        "    say(before(x, y))\n",
        "    early = asyncio.ensure_future(compute(x, y))\n"
        "    await asyncio.sleep(0)\n"
        "    say(before(x, y))\n",
    ),
    "everything is said at the end": (
        "    say(after(x, y, result))",
        "    say(after(x, y, result))\n    say(before(x, y))",
    ),
    "it does not wait for its result": (
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
    "something more is said after an error": (
        _CALL,
        """\
    result = "nothing"
    try:
        result = await compute(x, y)
    finally:
        say(after(x, y, result))
""",
    ),
    "cancelled from outside it leaves compute running": (
        _CALL,
        "    result = await asyncio.shield(compute(x, y))",
    ),
    "None is no result": (
        "    say(after(x, y, result))",
        "    if result is not None:\n        say(after(x, y, result))",
    ),
    "compute holds up everybody": (
        _CALL,
        "    result = await compute(x, y)\n    __import__('time').sleep(1)",
    ),
    "bad input is noticed too late": ("    check(compute, say)\n", ""),
}
