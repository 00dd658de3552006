"""An event loop for raw generators, in five short files.

Three principles:

1. **A task is a generator, and what it yields is the place where it waits**: any
   container with ``append`` and ``remove``. The kernel puts the task in; whoever ends
   the waiting puts all that is in it on the ready list. Nothing else is a wait.
2. **Nothing outlives its block.** A group does not end before its children; the first
   child that fails cancels the others; every error reaches whoever opened the group.
3. **Cancellation is a state, not an event** (level-triggered, as in Trio): in a
   cancelled scope every wait raises `Cancelled`, until the scope is left; a shield
   keeps it out for a while.

To read in this order: `loop`, the heart; `scopes` and `groups`, who may cancel whom and
who waits for whom; `places`, what one can wait for; `outside`, descriptors, threads and
sockets.

An operation that need not wait does not let others run; `checkpoint` does. Times are
seconds on the clock of ``time.monotonic``.
"""

from .groups import Group, open_group
from .loop import (
    Kernel,
    Place,
    Task,
    TaskCancelled,
    Wait,
    checkpoint,
    run,
    sleep,
    sleep_forever,
    sleep_until,
)
from .outside import (
    Busy,
    Socket,
    connect,
    in_thread,
    listen,
    wait_readable,
    wait_writable,
)
from .places import Channel, Closed, Event, Future, Lock, Semaphore
from .scopes import (
    Cancelled,
    CancelScope,
    Deadlock,
    _running,  # pyright: ignore[reportPrivateUsage]
    current_kernel,
    current_task,
    fail_after,
    move_on_after,
)

__all__ = (
    "Busy",
    "CancelScope",
    "Cancelled",
    "Channel",
    "Closed",
    "Deadlock",
    "Event",
    "Future",
    "Group",
    "Kernel",
    "Lock",
    "Place",
    "Semaphore",
    "Socket",
    "Task",
    "TaskCancelled",
    "Wait",
    "_running",
    "checkpoint",
    "connect",
    "current_kernel",
    "current_task",
    "fail_after",
    "in_thread",
    "listen",
    "move_on_after",
    "open_group",
    "run",
    "sleep",
    "sleep_forever",
    "sleep_until",
    "wait_readable",
    "wait_writable",
)
