"""Answers to the behaviour questions, measured on processes, pools and pipes.

A pool pickles what it is to call, by name, so it gets functions of the standard
library here. A `Process` that is forked gets its target as it is, so that its functions
may be nested. Where processes are spawned, they have to be at the top of a module.
"""
