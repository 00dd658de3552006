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
    "the resource is closed only if use succeeds": (
        _FINALLY,
        "    except ArithmeticError:\n        raise\n    else:\n        # 3.",
    ),
    "the resource is not closed if use is cancelled": (
        "        result = await use(handle)\n",
        "        result = await use(handle)\n"
        "    except asyncio.CancelledError:\n"
        "        close = lambda _: asyncio.sleep(0)\n"
        "        raise\n",
    ),
    "a resource that failed to open is closed": (
        _OPEN,
        "    handle = None\n    try:\n        handle = await open_it()\n",
    ),
    "a falsy handle is not closed": (
        _FINALLY,
        "    finally:\n      if handle:\n        # 3.",
    ),
    "a shielded open is left running": (
        "await open_it()",
        "await asyncio.shield(open_it())",
    ),
    "an open in its own task is left running": (
        "    handle = await open_it()\n",
        "    opening = asyncio.ensure_future(open_it())\n"
        "    await asyncio.wait([opening])\n"
        "    handle = opening.result()\n",
    ),
    "close can be cancelled": (_CLOSE, "        await close(handle)\n"),
    "close is shielded but not awaited": (
        _CLOSE,
        "        await asyncio.shield(close(handle))\n",
    ),
    "close is not awaited": (
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
    "the resource is closed twice if use fails": (
        "        result = await use(handle)\n",
        "        result = await use(handle)\n"
        "    except Exception:\n"
        "        await close(handle)\n"
        "        raise\n",
    ),
    "a cancellation during close is lost": ("raise cancelled", "pass"),
    "a cancellation hides the error of use": (
        _TAKE,
        "        if cancelled:\n            raise cancelled\n" + _TAKE,
    ),
    "bad input is not checked first": ("    check(open_it, use, close)\n", ""),
}
