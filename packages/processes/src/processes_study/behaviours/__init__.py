"""Answers to the behaviour questions, measured on processes, pools and pipes.

A pool pickles what it is to call, by name, so it gets functions of the standard library
here. A `Process` that is forked gets its target as it is, so its target may be a nested
function. No platform forks by default since Python 3.14. With the other start methods,
targets have to be at the top of a module.
"""
