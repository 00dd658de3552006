"""Threads in virtual time: ordinary threads, of which exactly one at a time may run.

That thread holds the **baton**. It passes the baton on when it waits: for a lock, a
sleep, another thread, a descriptor. When no thread can run, input that is already there
comes first. Then the clock jumps to the next timer. If there is neither, the run fails
with `Deadlock`.

While a run is active, every clock and everything that threads wait with is replaced:
locks, the start and the end of threads, ``time.*``, ``datetime.now``, ``SimpleQueue``,
``select`` and ``selectors``, ``os.read`` and ``os.write``, the blocking methods of
sockets (also with TLS), alarms and signals of the process to itself. They are also
replaced where modules, classes, partials and default arguments hold them. Condition,
Event, Queue, Future, ThreadPoolExecutor and Timer are the standard library's own code
on top. A mock that was in place before the run stays. Threads that the run did not
start do not see the replacements.

A lock, a queue or a pool from before the run works as well. A thread that waits for one
really blocks. A watchdog sees that within some tenths of a second, and passes the baton
on in its place. Virtual time does not pass while a thread of the run really blocks in
input, or while a thread that was started before the run computes. One that sleeps is
waited for only if the run has no timer of its own: a wait with a timeout does not wait
for it. With a connection to another process, time passes as it does in reality.

Without a seed the order is first come, first served, and the same in every run. With a
seed, the next thread is chosen at random and may be preempted at each lock operation.
The same seed gives the same run again.

Not covered:

- Calls that really wait and are not replaced: ``input``, opening a FIFO, ``flock``,
  reading a pipe by a file object, reading one `World.source` from two threads. Virtual
  time does not pass meanwhile. A run in which nothing else can move fails after some
  seconds, and names the line.
- Subprocesses, ``fork``, multiprocessing, ``sigwait`` and ``pause``: they raise
  `NotCovered`.
- The module ``_thread`` itself, and code in C that reads a clock. ``time.sleep`` and
  such that code has captured since a module was last loaded, other than by a name of a
  module.
- Computing takes no time. A thread that waits by computing alone never passes the
  baton. It fails the run after `machine.SPIN` seconds of CPU time, and after a second
  in a loop that changes nothing: ``while not event.is_set(): pass``. A loop that looks
  at a lock or a queue of the run sees time pass to the next timer, and so does one that
  reads a clock between ``sleep(0)`` and ``sleep(0)``.
- Only Linux tells whether a thread waits for another thread. Elsewhere a run with locks
  from before it may be refused.
"""

from .outside import really_sleep
from .world import ThreadsJob, ThreadsWorld

__all__ = ["ThreadsJob", "ThreadsWorld", "really_sleep"]
