"""The contestants of the bench: the same work, each in the idiom of its library.

All hold functions of the same names, so that a diff shows the idiom and nothing else:
``diff asyncio.py trio.py``. A function does its work ``times`` times with ``size``
tasks (or what else there are many of), and ``watch`` runs while it counts. One whose
name goes on, as in ``ping_pong_future``, is one of several idioms for the same. What
else the bench reads of a file is told by ``concurrency_comparisons.bench.contestants``.
"""
