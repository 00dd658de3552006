"""Threads in virtual time: ordinary threads, of which exactly one at a time may run.

That thread holds the **baton**. It passes the baton on when it waits: for a lock, a
sleep, another thread, a descriptor. When no thread can run, input that is already there
comes first. Then the clock jumps to the next timer. If there is neither, the run fails
with `Deadlock`.

While a world runs, everything that threads wait with is replaced: locks, the start and
the end of threads, ``time.*``, ``SimpleQueue``, ``select`` and ``selectors``,
``os.read`` and ``os.write``, the blocking methods of sockets, also with TLS. They are also replaced
where a module imported them by name. Condition, Event, Queue, Future,
ThreadPoolExecutor and Timer are the standard library's own code on top. Threads that
the world did not start do not see the replacements.

Without a seed the order is first come, first served, and the same in every run. With a
seed, the next thread is chosen at random and may be preempted at each lock operation.
The same seed gives the same run again.

Not covered:

- ``Lock``, ``SimpleQueue`` and ``ThreadPoolExecutor`` objects made before the run: a
  thread that waits for one really blocks, and keeps the baton. (Event, Condition,
  Semaphore and Queue objects may be made before, if no thread sleeps while it holds
  their lock.)
- The module ``_thread`` itself. ``time.sleep`` and such that a closure or a default
  argument has captured since a module was last loaded.
- Other calls that really block: ``input``, opening a FIFO, reading a pipe by a file
  object, ``flock``, locks of multiprocessing, reading one `World.source` from two
  threads. Virtual time does not pass meanwhile.
- Subprocesses, ``fork`` and multiprocessing: they raise `NotCovered`.
- Computing takes no time. A thread that waits by computing alone never passes the
  baton. It fails the run after `machine.SPIN` seconds of CPU time.
"""

from .outside import really_sleep
from .world import ThreadsJob, ThreadsWorld

__all__ = ["ThreadsJob", "ThreadsWorld", "really_sleep"]
