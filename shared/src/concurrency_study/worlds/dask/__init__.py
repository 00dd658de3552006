"""Dask in virtual time: a whole cluster, in the process of the test.

It is the threads world, in which a ``LocalCluster`` of ``dask.distributed`` runs:
scheduler, worker and client, over TCP, in threads of the run. Selectors, locks, sleeps
and clocks of these threads are virtual already. A run begins at instant 0 with a
cluster that is up, and a client that is the default one. When the answer has returned,
the cluster is closed.

Messages of the cluster take no time. Three things see to that:

- Dask sends messages in batches, one in 2 or 10 ms. In a run, it sends each at once.
- Its periodic callbacks do not run: heartbeats, work stealing, profiles, looks at
  memory and idleness. Nothing of a run needs them, and a sleep of an hour would be
  interrupted by thousands of them.
- A thread that waits for the cluster, by ``result`` or ``as_completed``, would look
  every 10 s or 0.1 s whether that has come. Here it waits until it is woken.

So the only timers are those of the code under test. A run in which nothing can move is
a `Deadlock`, as in the threads world.

Jobs, arguments and results are pickled, as on a real cluster. A list that a job appends
to is its own. One thing differs from reality: an error that comes home from a job is
the same object again. So a test can say which error it expects.

Not covered:

- A nanny, worker processes and adaptive scaling: they raise `NotCovered`.
- Work stealing, and all else that periodic callbacks do.
- The time that messages take on a network.
"""

from .world import DaskJob, DaskWorld

__all__ = ["DaskJob", "DaskWorld"]
