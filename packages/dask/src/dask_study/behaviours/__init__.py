"""Answers to the behaviour questions, measured on a cluster of dask.distributed.

In virtual time, a cluster is up, and its client is the default one. `get_client`
returns it. A function that needs another cluster makes a `LocalCluster` of its own.
Functions, arguments and results are pickled, so a call cannot append to a list of its
caller. It tells what has happened by its result, or by an `Event`, `Queue` or
`Variable`, which live in the scheduler.
"""
