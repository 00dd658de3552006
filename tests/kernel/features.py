"""The cost of each feature of the kernel, for a switch and for the life of a task.

    python tests/kernel/features.py

The script runs the kernel unchanged and then without one feature at a time, in turns.
It removes a feature by replacing text of the kernel, and fails if that text has
changed. Figures are the best of many rounds, in nanoseconds.
"""

from __future__ import annotations

import inspect
import platform
import textwrap
import time
from contextlib import contextmanager

from generators_study.kernel import (
    Group,
    Kernel,
    current_kernel,
    groups,
    loop,
    open_group,
    run,
)

TASKS, SWITCHES, SPAWNS, ROUNDS = 100, 200_000, 20_000, 15
PARTS = {
    "loop": (Kernel, "_steps", loop),
    "turns": (Kernel, "_loop", loop),
    "spawn": (Group, "spawn", groups),
}
"""The functions whose text is changed: their class, name and module."""

CONTEXT = (("loop", "task.context.run(step, task.generator)", "step(task.generator)"),)
DOOMED = (("loop", "if task._scope.doomed and place is not task._scope:", "if False:"),)
PLACE = (("loop", "task.place = place\n", "pass\n"),)
BOUND = (("turns", "islice(walk, turn)", "walk"),)
AT_A_SWITCH = {
    "as it is": (),
    "without context variables for each task": CONTEXT,
    "without level-triggered cancellation": DOOMED,
    "without being taken out of a place": PLACE,
    "without a look around in a long turn": BOUND,
    "without all of these": (*CONTEXT, *DOOMED, *PLACE, *BOUND),
}

NO_COPY = (*CONTEXT, ("spawn", "= copy_context()", "= True"))
COUNTED = (
    ("spawn", "task.previous = last = self.last\n", "last = None\n"),
    ("spawn", "self.last = task\n", "self.last = (self.last or 0) + 1\n"),
    ("loop", "previous = task.previous\n", "previous = None\n"),
    (
        "loop",
        "if group.last is not task:",
        "group.last = group.last - 1 or None\n        if group.last is not None:",
    ),
    ("loop", "following = task.next\n", "following = task\n"),
)
UNJOINED = (("loop", "if group.joiners is not None:", "if False:"),)
UNCHECKED = (
    ("spawn", "if ready is None:", "if False:"),
    ("spawn", "if type(generator) is not GeneratorType:", "if False:"),
)
IN_A_LIFE = {
    "as it is": (),
    "without context variables for each task": NO_COPY,
    "without level-triggered cancellation": DOOMED,
    "without knowing the tasks of a group, but their number": COUNTED,
    "without joining": UNJOINED,
    "without refusing what cannot become a task": UNCHECKED,
    "without all of these": (
        *(*NO_COPY, *DOOMED, *COUNTED, *UNJOINED, *UNCHECKED, *PLACE, *BOUND),
    ),
}


@contextmanager
def changed(changes):
    """Replace parts of the kernel's text for the duration of the block."""
    kept = {part: getattr(of, name) for part, (of, name, _) in PARTS.items()}
    try:
        for part, (of, name, module) in PARTS.items():
            text = textwrap.dedent(inspect.getsource(kept[part]))
            for _, old, new in (change for change in changes if change[0] == part):
                assert text.count(old) == 1, f"{name} does not hold {old!r} once"
                text = text.replace(old, new)
            made: dict[str, object] = {}
            exec(text, vars(module), made)
            setattr(of, name, made[name])
        yield
    finally:
        for part, (of, name, _) in PARTS.items():
            setattr(of, name, kept[part])


def turns(times: int):
    ready = current_kernel().ready
    for _ in range(times):
        yield ready


def nothing():
    return
    yield


def switching() -> float:
    """Return the nanoseconds for one switch."""
    begin = time.perf_counter()
    run(
        open_group,
        lambda group: [group.spawn(turns, SWITCHES // TASKS) for _ in range(TASKS)],
    )
    return (time.perf_counter() - begin) / SWITCHES * 1e9


def living() -> float:
    """Return the nanoseconds for one task, from spawn to end."""

    def body(group):
        for _ in range(SPAWNS):
            group.spawn(nothing)

    begin = time.perf_counter()
    run(open_group, body)
    return (time.perf_counter() - begin) / SPAWNS * 1e9


def main() -> None:
    print(f"CPython {platform.python_version()}")
    for what, measure, features in (
        (f"A switch, {TASKS} tasks", switching, AT_A_SWITCH),
        (f"A task from spawn to end, {SPAWNS:,} at once", living, IN_A_LIFE),
    ):
        best = dict.fromkeys(features, float("inf"))
        for _ in range(ROUNDS):
            for name, changes in features.items():
                with changed(changes):
                    best[name] = min(best[name], measure())
        print(f"\n{what}")
        for name, nanoseconds in best.items():
            print(f"{nanoseconds:6.0f} ns  {name}")


if __name__ == "__main__":
    main()
