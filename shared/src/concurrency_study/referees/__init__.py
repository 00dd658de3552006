"""Loopback servers that judge what real sockets do, each in a process of its own.

`racer` is the referee of the obstacle course. The fixture `racer` starts it for tests,
``python -m concurrency_study.referees.racer`` for people. A referee needs h11, which
comes with the extra ``http``: ``pip install './shared[http]'``.
"""
