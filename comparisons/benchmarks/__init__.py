"""The contestants of the bench: the same work, each in the idiom of its library.

All files hold functions of the same names, so that a diff shows only the idiom:
``diff asyncio.py trio.py``. A function does its work ``times`` times with ``size``
tasks (or connections, or jobs), and ``watch`` runs while the work counts. A suffix, as
in ``ping_pong_future``, names one of several idioms for the same work.
``concurrency_comparisons.bench.contestants`` says what else the bench reads in a file.
"""
