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
    "one who gives up cancels the future": (
        _WAIT,
        _AWAIT.format(future="future", error="TimeoutError"),
    ),
    "a timeout of the job looks like giving up": (
        _WAIT,
        _AWAIT.format(future="asyncio.shield(future)", error="TimeoutError"),
    ),
    "patience counts from the beginning": (
        "timeout=patience)",
        "timeout=patience and patience - comes)",
    ),
    "no patience means for ever": ("timeout=patience)", "timeout=patience or None)"),
    "giving up counts as being served": (
        "            report(name, GAVE_UP)\n",
        "            served.append(name)\n            report(name, GAVE_UP)\n",
    ),
    "an error that nobody was given is lost": (
        " and not served and ",
        " and False and ",
    ),
    "an error is raised although it was given": (" and not served and ", " and "),
    "an error is replaced": (
        "future.set_exception(error)\n",
        "future.set_exception(type(error)(*error.args))\n",
    ),
    "a false value is taken for none": (
        "report(name, future.result() if error is None else error)",
        "report(name, (future.result() if error is None else error) or None)",
    ),
    "the job is left behind": (_SETTLE, "asyncio.ensure_future(settle())"),
    "an error that counts as false is mistaken for none": (
        "report(name, future.result() if error is None else error)",
        "report(name, error if error else None)",
    ),
}
