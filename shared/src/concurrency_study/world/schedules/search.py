"""Runs a program under many schedules, and shrinks the first one that fails."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from random import Random

from ..errors import NotCovered, TimeLimit
from .schedule import (
    MOST,
    POINTS,
    SLACK,
    WIDTH,
    Again,
    Choice,
    Schedule,
    Script,
    Strategy,
    choices_of,
    token,
)
from .strategies import KINDS, Bounded, Seen

REPLAYS = 50
"""Runs that may be made to shrink a failure."""

LONGEST = 80
"""Characters that a token may have."""

Run = Callable[[Schedule], object]
"""Runs the program once under a schedule; raises what the program raises."""


@dataclass
class Explored:
    """The end of a search that has found no failure."""

    schedules: int
    """The number of runs."""
    different: int
    """The number of different schedules among them: some are drawn twice."""
    complete: bool
    """True if these are all schedules that the program has."""
    depth: int
    """All schedules with up to this number of choices were among them."""
    cut: str
    """The limit that has ended the search; empty if it is complete."""
    narrow: bool = False
    """True if the limits of choices were reached (`MOST` and `WIDTH`)."""
    refused: list[str] = field(default_factory=list[str])
    """The messages of runs that the world could not carry to their end."""
    waits: int = 0
    """The caller was cancelled in each of its first waits, up to this one."""

    def __str__(self) -> str:
        ran = f"{self.schedules:,} schedule{'s' * (self.schedules != 1)} explored"
        if self.different < self.schedules:
            ran += f" ({self.different:,} different)"
        lines = [f"{ran}, none failed."]
        if self.complete and not self.refused:
            lines.append(
                "The program has no other."
                if self.schedules == 1
                else "These are all that the program has."
            )
        elif self.depth:
            holds = f"{self.depth} choice{'s' * (self.depth != 1)}"
            lines.append(f"All with up to {holds} against the usual order are in it.")
        if self.waits:
            lines.append(
                "The caller was cancelled in its first wait."
                if self.waits == 1
                else f"The caller was cancelled in each of its {self.waits:,} waits."
            )
        if self.cut:
            lines.append(f"The search ended at {self.cut}.")
        if self.narrow:
            lines.append(
                f"In each, the first {MOST:,} choices were made, each among the first "
                f"{WIDTH} actors that were ready, and threads were preempted before "
                f"the first {POINTS:,} instructions."
            )
        if self.refused:
            lines.append(
                f"{len(self.refused):,} could not be run to the end: {self.refused[0]}"
            )
        return " ".join(lines)


def explore(
    run: Run,
    *,
    schedules: int = 1000,
    seconds: float | None = None,
    seed: int = 0,
    slack: float = SLACK,
    replay: str = "",
    cancel: bool = False,
) -> Explored:
    """Run a program under many schedules; raise its first failure, shrunk.

    Args:
        run: Runs the program once under a `Schedule`.
        schedules: The number of schedules, at most.
        seconds: The processor time after which no schedule begins. None: no limit.
        seed: Another seed, another sample.
        slack: Seconds by which timers may fire early in one run, as if the actors that
            are ready had taken that long.
        replay: The token of a failure: only that schedule runs.
        cancel: Cancel the caller as well: first in each of its waits in the usual
            order, then in a random one of most other schedules.

    Raises:
        ValueError: The token is not valid, or a number is out of its range.
        BaseException: The error of the program, with a note that tells the schedule.
    """
    __tracebackhide__ = True
    if schedules < 1:
        raise ValueError(f"schedules is a positive number, not {schedules!r}")
    if not 0 <= slack <= SLACK:
        raise ValueError(f"slack is a number from 0 to {SLACK:g}, not {slack!r}")
    search = Search(run, seed, slack, cancel=cancel)
    return search.again(replay) if replay else search.all(schedules, seconds)


class Search:
    """The search for a schedule that fails."""

    def __init__(
        self, run: Run, seed: int, slack: float, *, cancel: bool = False
    ) -> None:
        self._run, self._seed, self._slack = run, seed, slack
        self._sweeps = cancel
        """True while the caller is cancelled in one wait after the other."""
        self._waits = 0
        self._bounded = Bounded()
        self._refused: list[str] = []
        self._ran = 0
        self._different: set[tuple[Choice, ...]] = set()
        self._narrow = False
        self._seen = Seen(0, {})

    def all(self, schedules: int, seconds: float | None) -> Explored:
        """Run up to that many schedules."""
        __tracebackhide__ = True
        began, cut = time.process_time(), ""
        while not self._bounded.done:
            if self._ran >= schedules:
                cut = f"its limit of {schedules:,} schedules"
                break
            if seconds is not None and time.process_time() - began > seconds:
                cut = f"its limit of {seconds:g} s"
                break
            self._ran += 1
            number = self._ran
            if self._sweeps and number > 1:
                self._sweep(number)
                continue
            script = self._bounded.script() if number % 3 == 1 else None
            if self._bounded.done:
                break
            wait = 0 if script else self._wait_drawn(number)
            schedule, error = self.once(script or self._drawn(number), wait)
            self._narrow = self._narrow or schedule.cut
            self._different.add(tuple(schedule.choices))
            if script is not None:
                self._bounded.ran(schedule, script)
            if number == 1:
                self._seen = Seen(schedule.taken, schedule.lengths)
                if error is not None:
                    raise error
                # No two actors were ready at one time.
                if not schedule.options and not self._sweeps:
                    whole = not self._narrow
                    return Explored(1, 1, whole, depth=0, cut="", narrow=not whole)
            elif error is not None:
                self._fail(schedule, error, number)
        return Explored(
            self._ran - (not cut),
            len(self._different),
            complete=not (cut or self._narrow or self._bounded.dropped or self._waits),
            depth=0 if self._narrow else max(self._bounded.depth - 1, 0),
            cut=cut,
            narrow=self._narrow,
            refused=self._refused,
            waits=self._waits,
        )

    def _sweep(self, number: int) -> None:
        """Cancel the caller in its next wait, in the usual order of the actors."""
        __tracebackhide__ = True
        schedule, error = self.once(Script(), number - 1)
        if error is not None:
            self._fail(schedule, error, number)
        if schedule.cancelled:
            self._waits = number - 1
        else:
            self._sweeps = False

    def _wait_drawn(self, number: int) -> int:
        """Return the wait in which a random schedule cancels the caller, or 0."""
        if not self._waits:
            return 0
        return Random(f"{self._seed} {number} wait").randint(0, self._waits)

    def again(self, text: str) -> Explored:
        """Run the schedule of a token."""
        __tracebackhide__ = True
        given = re.fullmatch(r"(?:c(\d+)\.)?(.*)", text)
        assert given
        wait, choices = int(given[1] or 0), given[2]
        drawn = re.fullmatch(r"~(\d+)\.(-?\d+)", choices)
        if drawn:
            usual, _ = self.once(Script(), telling=True)
            self._seen = Seen(usual.taken, usual.lengths)
            self._seed = int(drawn[2])
            strategy = self._drawn(int(drawn[1]))
        else:
            strategy = Script(choices_of(choices))
            self.once(Script(), telling=True)
        schedule, error = self.once(strategy, wait, telling=True)
        changed = ""
        if isinstance(strategy, Script) and schedule.choices != [*strategy.choices]:
            changed = "it is of another program than this: not all its choices exist"
        if error is not None:
            error.add_note(_told(schedule, text, ""))
            if changed:
                error.add_note(f"About the token: {changed}")
            raise error
        cut = "the only one asked for" + (f"; {changed}" if changed else "")
        return Explored(1, 1, complete=False, depth=0, cut=cut)

    def once(
        self, strategy: Strategy, wait: int = 0, *, telling: bool = False
    ) -> tuple[Schedule, BaseException | None]:
        """Run one schedule, and return it with the error of the program."""
        __tracebackhide__ = True
        schedule = Schedule(strategy, self._slack, wait, telling=telling)
        try:
            self._run(schedule)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except NotCovered:
            raise
        except TimeLimit as error:
            if isinstance(strategy, Script) and not strategy.choices:
                raise
            self._refused.append(str(error).splitlines()[0])
        except BaseException as error:
            if _is_of_pytest(error):
                raise
            return schedule, error
        return schedule, None

    def _drawn(self, number: int) -> Strategy:
        kind, timed = KINDS[number % len(KINDS)]
        return kind(Random(f"{self._seed} {number}"), self._seen, timed=timed)

    def _fail(self, schedule: Schedule, error: BaseException, number: int) -> None:
        """Raise the failure, with as few choices as can be found."""
        __tracebackhide__ = True
        wait = schedule.cancel_at_wait if schedule.cancelled else 0
        choices, wait = self._shrunk(schedule, wait, type(error))
        self.once(Script(), telling=True)  # for a picture beside that of the failure
        again, same = self.once(Script(choices), wait, telling=True)
        found = f"schedule {number:,} failed"
        if type(same) is type(error):
            cancels = f"c{wait}." if wait else ""
            text = cancels + token(choices)
            if len(text) > LONGEST:
                text = f"{cancels}~{number}.{self._seed}"
            assert same is not None
            same.add_note(_told(again, text, found))
            raise same
        error.add_note(
            f"{found}, and not when it ran again: something outside of the world's "
            "control decides, such as the order of a set, or random numbers"
        )
        raise error

    def _shrunk(
        self, found: Schedule, wait: int, kind: type[BaseException]
    ) -> tuple[tuple[Choice, ...], int]:
        """Return fewer choices that lead to an error of this kind, if there are any.

        The second value is the wait in which the caller is cancelled, if it has to be.
        """
        left, best = REPLAYS, found

        def fails(strategy: Strategy) -> bool:
            """Return whether it fails as well, with fewer choices."""
            nonlocal left, best
            left -= 1
            schedule, error = self.once(strategy, wait)
            better = type(error) is kind and len(schedule.holds) < len(best.holds)
            best = schedule if better else best
            return better

        if wait:
            left -= 1
            if type(self.once(Script(tuple(best.choices)))[1]) is kind:
                wait = 0
        size = (len(best.holds) + 1) // 2
        while size and left:
            at, removed = 0, False
            while at < len(best.holds) and left:
                if fails(Again(best.holds[:at] + best.holds[at + size :])):
                    removed = True
                else:
                    at += size
            size = size // 2 if size > 1 else int(removed)
        # One hold may do what several did, a little earlier or later.
        for hold in [*best.holds]:
            for steps in (0, 1, -1, 2, -2):
                if len(best.holds) > 1 and left:
                    fails(Again([hold._replace(steps=hold.steps + steps)]))
        for at in range(len(best.choices)):
            if at < len(best.choices) and left:
                fails(Script((*best.choices[:at], *best.choices[at + 1 :])))
        return tuple(best.choices), wait


def _is_of_pytest(error: BaseException) -> bool:
    """Return whether it does something else than fail the test: it skips it, say."""
    kind = type(error)
    return kind.__module__ == "_pytest.outcomes" and kind.__name__ != "Failed"


def _told(schedule: Schedule, text: str, found: str) -> str:
    """Return the schedule for a reader."""
    steps, spent = schedule.steps, schedule.spent
    lines: list[str] = []
    held = 0
    for (name, ran), several in groupby(steps, key=lambda step: (step.held, step.ran)):
        same = [*several]
        held += 1
        if not ran:
            ahead = sum(step.ahead for step in same)
            lines.append(
                f"  {held}. {name}\n     was held, and the clock went {ahead:g} s ahead"
            )
            continue
        times = f", {len(same)} times" if len(same) > 1 else ""
        before = f" before it {same[0].before}" if same[0].before else ""
        lines.append(
            f"  {held}. {name}\n"
            f"     was held{before}, and ahead of it ran{times}\n     {ran}"
        )
        meanwhile = next((step.meanwhile for step in same if step.meanwhile), "")
        if meanwhile:
            lines.append(f"     Meanwhile, {meanwhile}.")
    begin = f"{found}, with {held} hold{'s' * (held != 1)}:" if found else "Schedule:"
    needs = "It needs this order only."
    if spent:
        needs = f"It needs this order, and {spent / 1e9:g} s more than usual for it."
    if not steps:
        lines, needs = [], "It needs the usual order only."
    if schedule.cancelled:
        needs += f" The caller was cancelled in its wait {schedule.cancel_at_wait}."
    if any(step.free for step in steps):
        needs += (
            " CPython with a GIL does not switch threads at each of these places; a "
            "free-threaded build does."
        )
    return "\n".join([begin, *lines, needs, f"Replay it: {text}"])
