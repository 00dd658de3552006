"""The scale of time: a position for each instant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ..reports import Story
from .lanes import last_instant

_WORTH_A_CUT = 0.25
"""The share of the time that may be left after a cut, at most."""


class Scale:
    """A time axis between two positions. A long time without events is cut out."""

    def __init__(
        self, stories: Sequence[Story], left: float, right: float, cut: float = 70
    ) -> None:
        self.span = max(map(last_instant, stories), default=0)
        at = {event.at for story in stories for event in story.events}
        at |= {story.cancelled for story in stories if story.cancelled is not None}
        found = sorted({0.0, self.span, *at, *(story.seconds for story in stories)})
        self.gap = max(
            pairwise(found), key=lambda two: two[1] - two[0], default=(0.0, 0.0)
        )
        # The longest time without events is cut out if it takes up most of the axis.
        rest = self.gap[0] + (self.span - self.gap[1])
        self.cut = cut if 0 < rest < self.span * _WORTH_A_CUT else 0
        """The width of the cut; 0 if nothing is cut out."""
        if not self.cut:
            self.gap = self.span, self.span
            rest = self.span
        shown = right - left - self.cut
        self.left, self.pixels = left, shown / rest if rest else 0

    def x(self, at: float) -> float:
        """Return the position of an instant."""
        low, high = self.gap
        part = (at - low) / (high - low) if high > low else 0
        return (
            self.left
            + (min(at, low) + max(at - high, 0)) * self.pixels
            + min(max(part, 0), 1) * self.cut
        )

    def ticks(self, most: int = 7) -> list[float]:
        """Return about ``most`` round instants. After a cut they count from its end."""
        low, high = self.gap
        if not self.cut:
            return _ticks(low, most)
        rest = self.span - high
        part = low / (low + rest)
        before, after = (max(1, round(most * share)) for share in (part, 1 - part))
        return [*_ticks(low, before), *(high + at for at in _ticks(rest, after))]


def _ticks(span: float, most: int) -> list[float]:
    """Return round instants from 0 to ``span``, ``most`` or a few more at most."""
    if not span:
        return [0]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.999)
    return [n * step for n in range(int(span / step * 1.000001) + 1)]
