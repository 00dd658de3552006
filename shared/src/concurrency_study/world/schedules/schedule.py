"""The choices of one run: which of the actors that are ready runs next."""

from __future__ import annotations

import base64
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from .code import Access

CLOCK = -1
"""The choice that the clock goes ahead to the next timer, while actors are ready."""

SLACK = 1.0
"""Seconds by which the clock may go ahead in one run, in all."""

MOST = 5_000
"""Choices of a run. After them the order is the usual one."""

POINTS = 20_000
"""Instructions of a run before which a thread may be preempted."""

WIDTH = 32
"""Of more actors that are ready, only the first ones are considered."""

FAIR = 300
"""Points in a row at which one actor may be preferred to others that are ready.

A loop that polls without a wait, such as ``while not done: await sleep(0)``, would
otherwise never let the actor run that ends it. No scheduler is as unfair as that.
"""


class Strategy(Protocol):
    """A way to choose."""

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return the index of the lane that runs next, or `CLOCK` if that is allowed.

        Args:
            lanes: Those that are ready. The first is next in the usual order.
            clock: Whether the clock may go ahead.
            point: The number of choices before this one.
            step: The number of steps that all lanes have taken before this one.
            own: The number of those that the first lane has taken.
        """
        ...


class Choice(NamedTuple):
    """A choice that is not the usual one: at a point, the index of the chosen lane."""

    point: int
    chosen: int


class Hold(NamedTuple):
    """A choice by what it does, so that it keeps its sense if others are left out."""

    held: int
    """The number of the lane that was next."""
    steps: int
    """The steps that this lane had taken."""
    ran: int
    """The number of the lane that ran ahead of it, or `CLOCK`."""


@dataclass
class Step:
    """A choice for a reader: the actor that was held, and the one that ran ahead."""

    held: str
    ran: str
    """Empty if the clock went ahead."""
    ahead: float = 0.0
    """The seconds by which the clock went ahead."""
    free: bool = False
    """True if only an interpreter without a GIL may switch threads there."""
    before: str = ""
    """The access that the held actor was about to make, if that is known."""
    meanwhile: str = ""
    """An access of another actor to the same thing, while it was held."""
    sure: int = 0
    """The likelihood that these two conflict, as a rank; 0 if they do not."""


@dataclass
class Schedule:
    """The choices of one run. The world asks it before each step of an actor."""

    strategy: Strategy
    slack: float = SLACK
    cancel_at_wait: int = 0
    """The wait of the caller in which it is cancelled, counted from 1; 0: in none."""
    cancelled: bool = False
    """True if it has waited so often, and was cancelled."""
    on: bool = False
    """True while the answer runs. Set-up and tear-down have the usual order."""
    telling: bool = False
    """True if the choices are to be described in `steps`."""
    taken: int = 0
    """The number of steps of all lanes."""
    noted: Callable[[Any, Step], None] = lambda lane, step: None
    """Called with the lane that is held, and its step, if `telling`."""
    cut: bool = False
    """True if a limit, `MOST` or `WIDTH`, has kept a choice from being made."""
    spent: int = 0
    """The nanoseconds by which the clock went ahead."""
    points: int = 0
    """The number of instructions before which a thread could be preempted."""

    def __post_init__(self) -> None:
        self.choices: list[Choice] = []
        self.holds: list[Hold] = []
        """The same choices, by what they do."""
        self.options: list[int] = []
        """The number of lanes at each point, negative if the clock could go ahead."""
        self.lengths: dict[int, int] = {}
        """The number of steps of each lane."""
        self.steps: list[Step] = []
        """The choices for a reader, if `telling`."""
        # By identity. An entry goes when its lane does: another may get its place.
        self._numbers: dict[int, int] = {}
        self._references: list[object] = []
        self._last, self._row = 0, 0
        self._count = 0
        self._next: dict[object, Access | None] = {}
        """The access that each lane is about to make, if `telling`."""
        self._held: list[tuple[object, Step, Access]] = []
        """Lanes that were held before an access."""

    def left(self) -> int:
        """Return the nanoseconds by which the clock may still go ahead."""
        return round(self.slack * 1e9) - self.spent

    def number(self, lane: object) -> int:
        """Return the number of a lane; they are counted as they first appear."""
        place = id(lane)
        known = self._numbers.get(place)
        if known is None:
            known = self._numbers[place] = self._count
            self._count += 1
            forget = self._numbers.pop
            try:
                kept: object = weakref.ref(lane, lambda _: forget(place, None))
            except TypeError:
                kept = lane
            self._references.append(kept)
        return known

    def pick(
        self,
        lanes: Sequence[object],
        describe: Callable[[Any], str],
        ahead: int | None = None,
        *,
        free: bool = False,
    ) -> int:
        """Return the index of the lane that runs next, or `CLOCK`.

        Args:
            lanes: Those that are ready, in the usual order, up to `WIDTH` of them.
            describe: Returns the name of a lane's actor and where it is.
            ahead: The nanoseconds to the next timer, if the clock may go there.
            free: True if only an interpreter without a GIL may switch threads there.
        """
        clock = ahead is not None
        if len(lanes) == 1 and not clock:
            self.took(lanes[0])
            return 0
        known = self._numbers
        numbers = [
            known[id(lane)] if id(lane) in known else self.number(lane)
            for lane in lanes
        ]
        point = len(self.options)
        own = self.lengths.get(numbers[0], 0)
        index = self.strategy.pick(numbers, clock, point, self.taken, own)
        if index >= len(numbers) or (index == CLOCK and not clock):
            index = 0
        if point >= MOST:
            index, self.on, self.cut = 0, False, True
        if index != CLOCK:
            if numbers[index] != self._last:
                self._last, self._row = numbers[index], 0
            elif len(numbers) > 1:
                index = self._fair(index, numbers)
            self._took(numbers[index])
        self.options.append(-len(lanes) if clock else len(lanes))
        if index:
            self.choices.append(Choice(point, index))
            ran = CLOCK if index == CLOCK else numbers[index]
            self.holds.append(Hold(numbers[0], own, ran))
            if self.telling:
                held = describe(lanes[0])
                ran = describe(lanes[index]) if index != CLOCK else ""
                step = Step(held, ran, (ahead or 0) / 1e9, free)
                self.steps.append(step)
                if access := self._next.get(lanes[0]):
                    step.before = str(access)
                    self._held.append((lanes[0], step, access))
                self.noted(lanes[0], step)
        if index == CLOCK:
            assert ahead is not None
            self.spent += ahead
        return index

    def is_about_to(self, lane: object, access: Access | None) -> None:
        """Note what a lane accesses next, unless it is held before."""
        self._next[lane] = access

    def does(self, lane: object, access: Access | None, name: str) -> None:
        """Note that a lane makes an access, and whether one that is held waits for it.

        Args:
            lane: It is not held any more.
            access: What it accesses, if that is known.
            name: The name of its actor.
        """
        self._next.pop(lane, None)
        self._held = [each for each in self._held if each[0] is not lane]
        if access is None:
            return
        for _, step, pending in self._held:
            sure = pending.conflicts(access)
            if sure > step.sure:
                step.sure, step.meanwhile = sure, f"{name} {access}"

    def took(self, lane: object) -> None:
        """Note a step of a lane."""
        self._took(self.number(lane))

    def _took(self, number: int) -> None:
        self.taken += 1
        self.lengths[number] = self.lengths.get(number, 0) + 1

    def _fair(self, index: int, numbers: Sequence[int]) -> int:
        """Return the index, or that of another lane if this one had too many turns."""
        self._row += 1
        if self._row >= FAIR:
            index = (index + 1) % len(numbers)
            self._last, self._row = numbers[index], 0
        return index


@dataclass(frozen=True)
class Script:
    """The strategy that repeats choices; elsewhere the order is the usual one."""

    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_point", {c.point: c.chosen for c in self.choices})

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return the index that was chosen at this point."""
        by_point: dict[int, int] = vars(self)["_by_point"]
        return by_point.get(point, 0)


class Again:
    """The strategy that makes some holds again, wherever they come."""

    def __init__(self, holds: Iterable[Hold]) -> None:
        self._left = Counter(holds)

    def pick(
        self, lanes: Sequence[int], clock: bool, point: int, step: int, own: int
    ) -> int:
        """Return the index of the lane that ran ahead of the first one."""
        for index in (*range(1, len(lanes)), CLOCK):
            hold = Hold(lanes[0], own, CLOCK if index == CLOCK else lanes[index])
            if self._left[hold] > 0:
                self._left[hold] -= 1
                return index
        return 0


def token(choices: Iterable[Choice]) -> str:
    """Return a text without spaces from which `choices_of` makes the choices again."""
    data = bytearray()
    before = 0
    for choice in choices:
        for number in (choice.point - before, choice.chosen + 1):
            while number > 127:
                data.append(128 | number & 127)
                number >>= 7
            data.append(number)
        before = choice.point
    return base64.urlsafe_b64encode(bytes(data)).decode().rstrip("=") or "-"


def choices_of(text: str) -> tuple[Choice, ...]:
    """Return the choices of a token.

    Raises:
        ValueError: The text was not made by `token`.
    """
    if text == "-":
        return ()
    wrong = f"{text!r} is not the token of a schedule"
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError as error:
        raise ValueError(wrong) from error
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) % 2 or not numbers:
        raise ValueError(wrong)
    found: list[Choice] = []
    point = 0
    for gap, index in zip(numbers[::2], numbers[1::2], strict=True):
        point += gap
        found.append(Choice(point, index - 1))
    return tuple(found)
