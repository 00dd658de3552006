"""Mistakes in `resource` that its suite must notice: (old text, new text)."""

_OPEN = "    handle = await open_it()\n    try:\n"
_FINALLY = "    finally:\n        # 3."
_CLOSE = """\
        closing = asyncio.create_task(close(handle))
        while not closing.done():
            try:
                await asyncio.wait([closing])
            except asyncio.CancelledError as error:
                cancelled = error
        closing.result()
"""
_TAKE = "        closing.result()\n"

MISTAKES = {
    "it is closed only if all went well": (
        _FINALLY,
        "    except ArithmeticError:\n        raise\n    else:\n        # 3.",
    ),
    "it is not closed if use is cancelled": (
        "        result = await use(handle)\n",
        "        result = await use(handle)\n"
        "    except asyncio.CancelledError:\n"
        "        close = lambda _: asyncio.sleep(0)\n"
        "        raise\n",
    ),
    "what was not opened is closed": (
        _OPEN,
        "    handle = None\n    try:\n        handle = await open_it()\n",
    ),
    "what is false is no handle": (
        _FINALLY,
        "    finally:\n      if handle:\n        # 3.",
    ),
    "a shielded open is forgotten": (
        "await open_it()",
        "await asyncio.shield(open_it())",
    ),
    "the open of a task that is cancelled is forgotten": (
        "    handle = await open_it()\n",
        "    opening = asyncio.ensure_future(open_it())\n"
        "    await asyncio.wait([opening])\n"
        "    handle = opening.result()\n",
    ),
    "close can be cancelled": (_CLOSE, "        await close(handle)\n"),
    "close is shielded and not waited for": (
        _CLOSE,
        "        await asyncio.shield(close(handle))\n",
    ),
    "close is not waited for": (
        _CLOSE,
        "        asyncio.create_task(close(handle))\n",
    ),
    "an error of close is lost": (_TAKE, "        closing.exception()\n"),
    "an error of use is lost": (
        "        result = await use(handle)\n",
        "        result = await use(handle)\n"
        "    except Exception:\n"
        "        result = None\n",
    ),
    "it is closed twice if use fails": (
        "        result = await use(handle)\n",
        "        result = await use(handle)\n"
        "    except Exception:\n"
        "        await close(handle)\n"
        "        raise\n",
    ),
    "a cancellation during closing is lost": ("raise cancelled", "pass"),
    "a cancellation hides the error of use": (
        _TAKE,
        "        if cancelled:\n            raise cancelled\n" + _TAKE,
    ),
    "bad input is noticed too late": ("    check(open_it, use, close)\n", ""),
}
