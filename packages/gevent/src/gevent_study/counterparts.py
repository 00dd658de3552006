"""Names of gevent that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import signal
import threading

import gevent
import gevent.util
from gevent.event import Event
from gevent.pool import Group
from gevent.queue import LifoQueue, PriorityQueue


def signals() -> str:
    """Wait for a signal."""
    came = Event()
    handler = gevent.signal_handler(signal.SIGUSR1, came.set)
    try:
        signal.raise_signal(signal.SIGUSR1)
        return "works" if came.wait(timeout=10) else "fails"
    finally:
        handler.cancel()


def all_tasks() -> str:
    """Find a greenlet that waits."""

    def sleeper() -> None:
        gevent.sleep(60)

    group = Group()
    group.spawn(sleeper)
    gevent.sleep(0)
    forest = [tree.format() for tree in gevent.util.GreenletTree.forest()]
    group.kill()
    return "works" if "sleeper" in "".join(forest) else "fails"


def priority() -> str:
    """Take the smallest item first, or the last one."""
    smallest, last = PriorityQueue[int](), LifoQueue[int]()
    for queue in (smallest, last):
        for item in (2, 1, 3):
            queue.put(item)
    return "works" if (smallest.get(), last.get()) == (1, 3) else "fails"


def call_soon() -> str:
    """Set an event from a thread, while the hub has nothing else to wait for."""
    came, hub = Event(), gevent.get_hub()
    waits = hub.loop.async_()
    waits.start(came.set)  # without a watcher, the hub would end at once
    thread = threading.Thread(target=hub.loop.run_callback_threadsafe, args=(came.set,))
    try:
        thread.start()
        return "works" if came.wait(timeout=10) else "fails"
    finally:
        thread.join()
        waits.stop()
        waits.close()
