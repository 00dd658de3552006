"""Processes in virtual time: the threads world, in every process of a run.

The process of the test is the **root**. Its threads run as in the threads world. Each
process that they start gets a machine of its own, whose clock is that of the root. So
``time.sleep``, every clock, locks of threads, pipes and queues of
``multiprocessing`` and ``ProcessPoolExecutor`` take virtual time, in all processes
alike.

The clock jumps when no process can move: no thread of the root is ready, none of its
descriptors has input, and the kernel says twice in a row that every other process of
the run sleeps (see `concurrency_study.worlds.processes.quiet`). It jumps to the first
timer of any process.

Processes run side by side for real. So two things of one instant, in two processes,
happen in either order.

Jobs travel by value: functions, closures and classes of a test are pickled by
cloudpickle. A job gets copies, as every argument does that is sent to a process. A list
that a job appends to is its own. One thing differs from reality: an error that a test
has made, and that comes home from a process, is the same object again. So a test can
say which error it expects.

SIGTERM ends a process as it does outside of a run, unless the process handles it. In
the root, it cancels the answer. A process that outlives the one that has started it
lives on until the end of the run.

Not covered:

- Start methods other than ``fork``: during a run, ``multiprocessing`` uses that one.
- ``os.fork`` itself, and subprocesses: they raise `NotCovered`.
- Waits in a process that end by themselves in real time, in code that is not replaced.
- Timeouts of the locks, semaphores, conditions and events of ``multiprocessing``: a
  wait with one raises `NotCovered`. (Those of its pipes and queues are virtual.)
- Systems other than Linux: only Linux tells that another process sleeps.
"""

from .world import ProcessesJob, ProcessesWorld

__all__ = ["ProcessesJob", "ProcessesWorld"]
