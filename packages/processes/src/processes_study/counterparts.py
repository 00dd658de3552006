"""Names for processes that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import multiprocessing
import os
import signal
import threading
import time


def current() -> str:
    """Learn that this is the main process, which has no parent."""
    is_main = multiprocessing.current_process().name == "MainProcess"
    return "works" if is_main and multiprocessing.parent_process() is None else "fails"


def raise_in() -> str:
    """Raise an exception in a process, here in this one, by a signal."""

    def handler(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(10)
    except InterruptedError:
        return "works"
    finally:
        signal.signal(signal.SIGUSR1, before)
    return "fails"


def barrier() -> str:
    """Wait for another one, which is a thread here and could be a process."""
    both = multiprocessing.Barrier(2)
    thread = threading.Thread(target=both.wait)
    thread.start()
    both.wait(timeout=10)
    thread.join()
    return "fails" if both.broken else "works"
