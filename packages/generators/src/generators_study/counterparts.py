"""Names for generators that no answer and no question uses, each at work.

`counterparts.toml` beside this file lists the names for each purpose. A function is
named after its purpose, and returns "works".
"""

import signal

from .kernel import (
    Event,
    Group,
    Wait,
    checkpoint,
    current_kernel,
    open_group,
    sleep_forever,
)


def signals() -> Wait[str]:
    """Wait for a signal."""
    came, running = Event(), current_kernel()

    def handler(*_: object) -> None:
        running.call_soon_threadsafe(came.set)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        signal.raise_signal(signal.SIGUSR1)
        yield from came.wait()
    finally:
        signal.signal(signal.SIGUSR1, before)
    return "works"


def all_tasks() -> Wait[str]:
    """Find a task that waits."""

    def body(group: Group) -> Wait[str]:
        task = group.spawn(sleep_forever)
        yield from checkpoint()
        found = task in current_kernel().tasks()
        group.cancel()
        return "works" if found else "fails"

    return (yield from open_group(body))
