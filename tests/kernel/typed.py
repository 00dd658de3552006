"""Mistakes that pyright must report; checked by `nox -s types`, never run.

Every ``ignore`` names an expected error. One that is not needed is an error itself.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true, reportUnusedCallResult=true
# pyright: reportUnusedVariable=false

from __future__ import annotations

from typing import assert_type

from generators_study.kernel import (
    Channel,
    Group,
    Task,
    Wait,
    in_thread,
    open_group,
    run,
    sleep,
)


def number(text: str, base: int = 10) -> Wait[int]:
    yield from sleep(0)
    return int(text, base)


def plain(text: str) -> int:
    return int(text)


def right(group: Group) -> Wait[int]:
    task = group.spawn(number, "1")
    _ = assert_type(task, Task[int])
    _ = assert_type(group.spawn(number, "1", 8), Task[int])
    _ = assert_type(task.result, int)
    channel: Channel[str] = Channel()
    _ = assert_type(group.spawn(channel.get), Task[str])
    _ = assert_type(group.spawn(open_group, right), Task[int])
    _ = assert_type((yield from task.join()), int)
    _ = assert_type((yield from in_thread(plain, "1")), int)
    any_task: list[Task] = [task]
    return len(any_task)


_ = assert_type(run(number, "1"), int)
_ = assert_type(run(open_group, right), int)


def missing_argument(group: Group) -> None:
    _ = group.spawn(number)  # pyright: ignore[reportArgumentType]
    _ = run(number)  # pyright: ignore[reportArgumentType]
    _ = run(open_group)  # pyright: ignore


def wrong_argument(group: Group, channel: Channel[int]) -> None:
    _ = group.spawn(number, 1)  # pyright: ignore[reportArgumentType]
    _ = group.spawn(channel.put, "1")  # pyright: ignore[reportArgumentType]
    _ = run(number, 1)  # pyright: ignore[reportArgumentType]


def plain_function(group: Group) -> None:
    _ = group.spawn(plain, "1")  # pyright: ignore
    _ = run(plain, "1")  # pyright: ignore


def wrong_result(group: Group) -> Wait[None]:
    task = group.spawn(number, "1")
    _one: str = task.result  # pyright: ignore[reportAssignmentType]
    _two: str = yield from task.join()  # pyright: ignore[reportAssignmentType]
    _three: Task[str] = task  # pyright: ignore[reportAssignmentType]


def forgotten_yield_from(group: Group) -> Wait[None]:
    task = group.spawn(number, "1")
    _one: int = number("1")  # pyright: ignore[reportAssignmentType]
    _two: int = task.join()  # pyright: ignore[reportAssignmentType]
    # A statement without `yield from` needs the setting at the top of this file.
    sleep(1)  # pyright: ignore[reportUnusedCallResult]
    yield from sleep(1)
