"""Loopback servers that judge clients on real sockets, each in a process of its own.

`racer` is the referee of the obstacle course. Tests start it by the fixture ``racer``,
people by ``python -m concurrency_study.referees.racer``. A referee needs h11, which the
extra ``http`` installs: ``pip install './shared[http]'``.
"""
