"""Tasks: start them, cancel one, and learn what became of each.

An error in a group cancels the siblings, so each task keeps its error to itself, unless
the whole group is being cancelled. A cancellation ends a scope, so each job has a scope
of its own. The checkpoint raises if all jobs have swallowed a cancellation from
outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from concurrency_study.topics.tasks import (
    CANCELLED,
    EXAMPLE,
    RAISED,
    RETURNED,
    check,
)

from .. import run
from ..kernel import (
    Cancelled,
    CancelScope,
    Group,
    Wait,
    checkpoint,
    current_task,
    move_on_after,
    open_group,
    sleep,
)


def tasks(
    jobs: Mapping[str, Callable[[], Wait[object]]],
    doomed: str | None,
    after: float,
    report: Callable[..., object],
) -> Wait[None]:
    check(jobs, doomed, after, report)
    outcomes: dict[str, tuple[object, ...]] = dict.fromkeys(jobs, (CANCELLED,))
    scopes = {name: CancelScope() for name in jobs}

    # 1. A task remembers how its job ended.
    def remember(name: str, job: Callable[[], Wait[object]]) -> Wait[None]:
        try:
            with scopes[name]:
                outcomes[name] = (RETURNED, (yield from job()))
        except Cancelled:
            pass  # the checkpoint below raises that of the caller
        except Exception as error:
            if current_task().doomed:
                raise
            outcomes[name] = (RAISED, error)

    # 2. Start every job.
    def start(group: Group) -> Wait[None]:
        running = {name: group.spawn(remember, name, jobs[name]) for name in jobs}

        # 3. Cancel the chosen one, if it still runs by then.
        if doomed is not None:
            with move_on_after(after):
                yield from running[doomed].join()
            scopes[doomed].cancel()

    # 4. Wait for all; one job's error does not disturb the others.
    yield from open_group(start)
    if current_task().doomed:
        yield from checkpoint()

    # 5. Report what became of each, in order.
    for name in jobs:
        report(name, *outcomes[name])


def quick() -> Wait[int]:
    yield from sleep(0.1)
    return 1


def clumsy() -> Wait[float]:
    yield from sleep(0.2)
    return 1 / 0


def sleepyhead() -> Wait[None]:
    yield from sleep(3600)


if __name__ == "__main__":
    jobs = {"quick": quick, "clumsy": clumsy, "sleepyhead": sleepyhead}
    run(tasks, jobs, *EXAMPLE, print)
