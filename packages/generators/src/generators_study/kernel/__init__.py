"""An event loop for raw generators, in six files.

Three principles:

1. **A task is a generator, and what it yields is the place where it waits**: any
   container with ``append`` and ``remove``. The kernel puts the task into it. The wait
   ends when the task moves from there to the ready queue. There is no other wait.
2. **Nothing outlives its block.** A group does not end before its children. The first
   child that fails cancels the others. Every error reaches the block that opened the
   group.
3. **Cancellation is a state, not an event** (level-triggered, as in Trio). In a
   cancelled scope every wait raises `Cancelled`, until the scope is left. A shield
   keeps the cancellation out of a block.

Read the files in this order: `tasks`, generators and where they wait; `loop`, the
heart; `scopes`, cancellation; `groups`, blocks that wait for their tasks; `places`, the
things to wait for; `outside`, descriptors, threads and sockets.

An operation that need not wait does not let other tasks run. `checkpoint` does. Times
are seconds on the clock of ``time.monotonic``.
"""

from .groups import Group as Group
from .groups import open_group as open_group
from .loop import Kernel as Kernel
from .loop import checkpoint as checkpoint
from .loop import run as run
from .loop import sleep as sleep
from .loop import sleep_forever as sleep_forever
from .loop import sleep_until as sleep_until
from .outside import Busy as Busy
from .outside import Socket as Socket
from .outside import connect as connect
from .outside import in_thread as in_thread
from .outside import listen as listen
from .outside import wait_readable as wait_readable
from .outside import wait_writable as wait_writable
from .places import Channel as Channel
from .places import Closed as Closed
from .places import Event as Event
from .places import Future as Future
from .places import Lock as Lock
from .places import Semaphore as Semaphore
from .scopes import Cancelled as Cancelled
from .scopes import CancelScope as CancelScope
from .scopes import Deadlock as Deadlock
from .scopes import current_kernel as current_kernel
from .scopes import current_task as current_task
from .scopes import fail_after as fail_after
from .scopes import move_on_after as move_on_after
from .tasks import Place as Place
from .tasks import Task as Task
from .tasks import TaskCancelled as TaskCancelled
from .tasks import Wait as Wait
