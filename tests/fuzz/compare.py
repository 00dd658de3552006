"""Compare the kernel with trio: both must write the same history of a program.

**What is compared.** Every entry of the history (virtual instant, task, what happened)
in its order, and the outcome of the run. Entries tell how each wait ended, how each
task and group ended (a tree of errors, or the value), which scopes caught their
cancellation, and whether a task was cancelled when it checked.

**Why that is fair.** trio promises no order among the tasks that are ready at the same
instant. Therefore the kernel runs first, and trio is made to follow the kernel's order
(`on_trio`). A difference means that no schedule of trio leads to the kernel's history.
This includes the weaker rule that the two agree on everything on which all schedules
of trio agree. Only the choice of the next ready task is free. It may hold a task back
for longer than trio's own batches do, but not past its instant: virtual time moves when
no task is ready, in both libraries.

**What differs by design** and is excluded:

- An operation that need not wait is not a checkpoint in the kernel. On trio the
  program uses the ``_nowait`` form of the operation first.
- trio keeps `Cancelled` beside the errors of a group. The kernel keeps only the
  errors. Trees of errors are compared without it. ``cancelled_caught`` is compared only
  if no error leaves the scope.
- trio cancels the scope of a nursery in which a child was cancelled from outside.
  ``cancel_called`` is compared for scopes, not for groups.
- The kernel wakes a sleeper when its instant comes. A cancellation later in the same
  instant reaches its next wait. ``trio.sleep`` is a scope with a deadline, so that such
  a cancellation still reaches it. On trio the program sleeps in a plain wait that the
  clock ends.
- A checkpoint is the same case: the kernel wakes the task when it polls for timers and
  descriptors, which no entry shows. If a task is cancelled while it is at a checkpoint,
  the kernel may raise `Cancelled` there or at the next wait, and trio does the same.
- trio closes a nursery when its last child ends. The kernel closes a group when its
  block runs again. The program spawns nothing into a group between these two.
- A shield that is raised in a scope that is already cancelled takes back a
  cancellation that some task may be raising. If that `Cancelled` then leaves a nursery,
  trio cancels the nursery and ends there. The program raises a shield in a cancelled
  scope only from within, for its last operations.
- The kernel reports a deadlock. trio waits for ever. Each program runs under a
  deadline, and so does everything that a shield may protect.
"""

from __future__ import annotations

from itertools import zip_longest

from on_kernel import OnKernel
from on_trio import OnTrio
from play import Play, tell


class Difference(AssertionError):
    """The kernel and trio write different histories."""


def play(library, program):
    """Return the history of a program and its outcome."""
    played = Play(library)
    try:
        library.run(played.main, program)
    except BaseException as error:
        return played.history, tell(error)
    return played.history, "no error"


def compare(program):
    """Return the history of a program, on which the kernel and trio agree.

    Raises:
        Difference: if they do not.
    """
    history, outcome = play(OnKernel(), program)
    followed, expected = play(OnTrio(history), program)
    for number, (mine, its) in enumerate(zip_longest(history, followed)):
        if mine != its:
            raise Difference(report(program, history[:number], mine, its))
    if outcome != expected:
        raise Difference(report(program, history, outcome, expected))
    return history


def report(program, agreed, mine, its):
    """Describe a difference and the history before it."""
    return "\n".join(
        [
            "The kernel and trio differ about this program:",
            f"  {program!r}",
            "They agree on this:",
            *map(line, agreed),
            f"Then the kernel has: {mine!r}",
            f"       but trio has: {its!r}",
        ]
    )


def line(entry):
    """Format an entry of a history."""
    instant, task, *what = entry
    return f"  {instant:6g} s  {task:>4}  " + " ".join(map(str, what))
