"""Mistakes in `futures` that its suite must notice: (old text, new text)."""

_WAIT = """\
        done, _ = await asyncio.wait([future], timeout=patience)
        if not done:
            report(name, GAVE_UP)
        else:
            served.append(name)
            error = future.exception()
            report(name, future.result() if error is None else error)
"""
_AWAIT = """\
        try:
            value = await asyncio.wait_for({future}, patience)
        except {error}:
            report(name, GAVE_UP)
        except Exception as error:
            served.append(name)
            report(name, error)
        else:
            served.append(name)
            report(name, value)
"""
_SETTLE = "start(group, settle())"

MISTAKES = {
    "a reader that gives up cancels the future": (
        _WAIT,
        _AWAIT.format(future="future", error="TimeoutError"),
    ),
    "a TimeoutError of the job makes readers give up": (
        _WAIT,
        _AWAIT.format(future="asyncio.shield(future)", error="TimeoutError"),
    ),
    "patience counts from the start of the call": (
        "timeout=patience)",
        "timeout=patience and patience - comes)",
    ),
    "zero patience means to wait for ever": (
        "timeout=patience)",
        "timeout=patience or None)",
    ),
    "a reader that gives up counts as served": (
        "            report(name, GAVE_UP)\n",
        "            served.append(name)\n            report(name, GAVE_UP)\n",
    ),
    "an error that no reader gets is lost": (
        " and not served and ",
        " and False and ",
    ),
    "an error that a reader got is raised as well": (" and not served and ", " and "),
    "an error is replaced": (
        "future.set_exception(error)\n",
        "future.set_exception(type(error)(*error.args))\n",
    ),
    "a falsy value is mistaken for none": (
        "report(name, future.result() if error is None else error)",
        "report(name, (future.result() if error is None else error) or None)",
    ),
    "the job is left running": (_SETTLE, "asyncio.ensure_future(settle())"),
    "a falsy error is mistaken for none": (
        "report(name, future.result() if error is None else error)",
        "report(name, error if error else None)",
    ),
}
