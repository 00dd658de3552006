"""Mistakes in `tasks` that its suite must notice: (old text, new text)."""

_CANCEL = """\
            await asyncio.wait([running[doomed]], timeout=after)
            requests[doomed] += running[doomed].cancel()
"""

MISTAKES = {
    "the answer waits for the cancellation after all jobs have ended": (
        _CANCEL,
        "            await asyncio.sleep(after)\n"
        "            requests[doomed] += running[doomed].cancel()\n",
    ),
    "the cancelled job is left running": (
        "cancelled_once(job()) if",
        "asyncio.shield(job()) if",
    ),
    "a second cancellation interrupts the cleanup": (
        "cancelled_once(job()) if name == doomed else job()",
        "job()",
    ),
    "the error of a cleanup is lost": (
        "            if cancelling() > requests[name]:\n                raise\n",
        "",
    ),
    "a cancelled job is reported as failed": (
        "except Exception as error:",
        "except BaseException as error:",
    ),
    "an error stops the others": (
        "            outcomes[name] = (RAISED, error)\n",
        "            outcomes[name] = (RAISED, error)\n            raise\n",
    ),
    "the chosen job is always reported as cancelled": (
        "        report(name, *outcomes[name])",
        "        report(name, *((CANCELLED,) if name == doomed else outcomes[name]))",
    ),
    "a returned error is reported as raised": (
        "        report(name, *outcomes[name])",
        "        how, *what = outcomes[name]\n"
        "        how = RAISED if isinstance((what or [0])[0], Exception) else how\n"
        "        report(name, how, *what)",
    ),
    "a cancellation from outside does not stop the report": (
        "    # 2. Start every job.\n    async with asyncio.TaskGroup() as group:\n",
        """\
    class Deaf(asyncio.TaskGroup):
        async def __aexit__(self, *error):
            with __import__("contextlib").suppress(asyncio.CancelledError):
                await super().__aexit__(*error)

    async with Deaf() as group:
""",
    ),
    "bad input is not checked first": ("check(jobs, doomed, after, report)", "pass"),
}
