"""Mistakes in `tasks` that its suite must notice: (old text, new text)."""

_CANCEL = """\
            await asyncio.wait([running[doomed]], timeout=after)
            requests[doomed] += running[doomed].cancel()
"""

MISTAKES = {
    "it waits for the cancellation though all have ended": (
        _CANCEL,
        "            await asyncio.sleep(after)\n"
        "            requests[doomed] += running[doomed].cancel()\n",
    ),
    "the cancellation is not waited for": (
        "cancelled_once(job()) if",
        "asyncio.shield(job()) if",
    ),
    "a second cancellation cuts the cleanup short": (
        "cancelled_once(job()) if name == doomed else job()",
        "job()",
    ),
    "the error of a cleanup is lost with the report": (
        "            if cancelling() > requests[name]:\n                raise\n",
        "",
    ),
    "a cancelled job has failed": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "an error stops the others": (
        "            outcomes[name] = (RAISED, error)\n",
        "            outcomes[name] = (RAISED, error)\n            raise\n",
    ),
    "whoever was doomed is reported as cancelled": (
        "        report(name, *outcomes[name])",
        "        report(name, *((CANCELLED,) if name == doomed else outcomes[name]))",
    ),
    "a returned error was raised": (
        "        report(name, *outcomes[name])",
        "        how, *what = outcomes[name]\n"
        "        how = RAISED if isinstance((what or [0])[0], Exception) else how\n"
        "        report(name, how, *what)",
    ),
    "cancelled from outside it reports": (
        "    # 2. Start every job.\n    async with asyncio.TaskGroup() as group:\n",
        """\
    class Deaf(asyncio.TaskGroup):
        async def __aexit__(self, *error):
            with __import__("contextlib").suppress(asyncio.CancelledError):
                await super().__aexit__(*error)

    async with Deaf() as group:
""",
    ),
    "bad input is noticed too late": ("check(jobs, doomed, after, report)", "pass"),
}
