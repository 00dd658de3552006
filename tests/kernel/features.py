"""What each feature of the kernel's loop costs at a switch.

    python tests/kernel/features.py

The loop of the kernel is run as it is, and again without one feature at a time, in
turns. What is left out is found in the kernel's own text, so this fails when the text
has changed. Figures are the best of many rounds, in nanoseconds a switch.
"""

from __future__ import annotations

import inspect
import platform
import textwrap
import time

from generators_study.kernel import Kernel, current_kernel, loop, open_group, run

TASKS, SWITCHES, ROUNDS = 100, 200_000, 15
CONTEXT = ("task.context.run(step, task.generator)", "step(task.generator)")
DOOMED = ("if task.doomed:", "if False:")
PLACE = ("task.place = place\n", "pass\n")
CURRENT = (
    ("self.current = task\n", "pass\n"),
    ("self.current = None\n", "self.current = main\n"),
    ("ready, step, turn =", "self.current = main; ready, step, turn ="),
)
BOUND = ("islice(walk, turn)", "walk")
WITHOUT = {
    "as it is": (),
    "without context variables for each task": (CONTEXT,),
    "without level-triggered cancellation": (DOOMED,),
    "without being taken out of a place": (PLACE,),
    "without current_task()": CURRENT,
    "without a look around in a long turn": (BOUND,),
    "without all of these": (CONTEXT, DOOMED, PLACE, *CURRENT, BOUND),
}


def changed(changes: tuple[tuple[str, str], ...]):
    """The kernel's loop with its text changed."""
    text = textwrap.dedent(inspect.getsource(Kernel._loop))
    for old, new in changes:
        assert text.count(old) == 1, f"the loop does not hold {old!r} once"
        text = text.replace(old, new)
    names: dict[str, object] = {}
    exec(text, vars(loop), names)
    return names["_loop"]


def turns(times: int):
    ready = current_kernel().ready
    for _ in range(times):
        yield ready


def measure() -> float:
    """Nanoseconds a switch."""
    begin = time.perf_counter()
    run(
        open_group,
        lambda group: [group.spawn(turns, SWITCHES // TASKS) for _ in range(TASKS)],
    )
    return (time.perf_counter() - begin) / SWITCHES * 1e9


def main() -> None:
    loops = {name: changed(changes) for name, changes in WITHOUT.items()}
    best = dict.fromkeys(loops, float("inf"))
    kept = Kernel._loop
    try:
        for _ in range(ROUNDS):
            for name, changed_loop in loops.items():
                Kernel._loop = changed_loop
                best[name] = min(best[name], measure())
    finally:
        Kernel._loop = kept
    print(f"CPython {platform.python_version()}, {TASKS} tasks")
    for name, nanoseconds in best.items():
        print(f"{nanoseconds:6.1f} ns  {name}")


if __name__ == "__main__":
    main()
