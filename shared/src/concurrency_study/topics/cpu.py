"""CPU-bound work: compute on all cores, and be able to stop.

For programs that compute in Python (parse, compress, simulate) and want each core of
the machine to do a share of it.

    cpu(function, inputs, workers)

- ``function`` is an ordinary function that computes, in every study. Where a worker is
  a process, the function is pickled by its name, and inputs, results and errors are
  copies. So it is defined at the top of a module, and a script has a main guard. A
  large input may block the caller's loop until its worker has started and taken it.
- At most ``workers`` calls run at a time, and no fewer while there are inputs left.
  They start in input order.
- Returns the results in input order. Example: four calls that compute for 1 s each,
  with 2 workers on two free cores, take 2 s and the time in which the workers start.
- After an error of a call no further call starts. The calls that run are stopped at
  once, in the middle of their computation, and the error reaches the caller.
- Cancelled from outside, also by Ctrl-C, it stops the calls that run likewise.
- A worker that crashes (a segmentation fault, the system's out-of-memory killer) raises
  an error that says so, and stops the rest. No call is repeated.
- Nothing is left: no thread, no worker process, no pipe. The resource tracker, a
  process that `multiprocessing` starts once in a program, does not count.
- No inputs: returns [] at once.
- Raises ValueError if there are fewer workers than 1, before anything starts.

The calls really compute, in processes that no world can put into virtual time. So this
topic runs in real time, and has no timeline.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from . import Input, Probe, need_callable, need_iterable, need_whole
from .signals import leave_ctrl_c

NEIGHBOURS = ("blocking_calls", "results_at_end")
NATIVE = ("function",)
"""The callables of the caller, as answers name them."""
STEPS = (
    "A worker: compute for one input after the other.",
    "Stop a worker in the middle of its computation.",
    "Run the workers side by side; the first error stops the rest.",
    "Return the results in input order.",
)

EXAMPLE = ([120_000, 130_000, 140_000, 150_000], 2)
"""Limits below which prime numbers are counted, and the number of workers."""
PRINTS = ("[11301, 12159, 13010, 13848]",)

JOBS = 0
"""Native jobs that run side by side in a call."""


class WorkerDied(RuntimeError):
    """A worker process has ended in the middle of a call. The call is not repeated."""

    def __init__(self, exitcode: int | None) -> None:
        super().__init__(exitcode)
        self.exitcode = exitcode

    def __str__(self) -> str:
        return (
            f"a worker process died in the middle of a call, exit code {self.exitcode}"
        )


class Pipe(Protocol):
    """An end of a pipe between two processes, as `multiprocessing.Pipe` makes it."""

    def send(self, obj: Any, /) -> None: ...
    def recv(self) -> Any: ...


def primes(limit: int) -> int:
    """Count the prime numbers below a limit, by trial division: work for a core."""
    count = 0
    for number in range(2, limit):
        divisor = 2
        while divisor * divisor <= number and number % divisor:
            divisor += 1
        count += divisor * divisor > number
    return count


def serve(function: Callable[[Any], Any], pipe: Pipe) -> None:
    """Make calls in a worker process, until the other end of the pipe is closed.

    The answer to an input is a pair: the result, and the error or None. An error loses
    its traceback on the way, so that travels as a note.
    """
    leave_ctrl_c()
    with contextlib.suppress(EOFError):
        while True:
            item = pipe.recv()
            try:
                pipe.send((function(item), None))
            except BaseException as error:  # also if the result cannot be pickled
                error.add_note(traceback.format_exc())
                pipe.send((None, error))


def probe(means: Probe) -> tuple[Any, ...]:
    """Return the arguments of a call for the common questions."""
    return primes, [10, 20, 30], 2


def check(
    function: Callable[[Input], Any], inputs: Iterable[Input], workers: int
) -> list[Input]:
    """Return the inputs as a list; raise TypeError or ValueError for bad arguments."""
    need_callable(function=function)
    need_whole(1, workers=workers)
    return need_iterable("inputs", inputs)
