"""Names for threads that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import queue
import signal
import threading


def signals() -> str:
    """Wait for a signal, in the main thread."""
    came = threading.Event()

    def handler(*_: object) -> None:
        came.set()

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        signal.raise_signal(signal.SIGUSR1)
        return "works" if came.wait(10) else "fails"
    finally:
        signal.signal(signal.SIGUSR1, before)


def unhandled() -> str:
    """Learn of the error of a thread."""
    errors: list[BaseException | None] = []
    before = threading.excepthook
    threading.excepthook = lambda failed: errors.append(failed.exc_value)
    try:
        thread = threading.Thread(target=int, args=("no number",))
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    return "works" if isinstance(errors[0], ValueError) else "fails"


def priority() -> str:
    """Take the smallest item first, or the last one."""
    smallest, last = queue.PriorityQueue[int](), queue.LifoQueue[int]()
    for each in (smallest, last):
        for item in (2, 1, 3):
            each.put(item)
    return "works" if (smallest.get(), last.get()) == (1, 3) else "fails"
