"""Statistics of a ratio that was measured several times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A measured median, and the interval that holds the true one."""

    middle: float
    low: float
    high: float
    confidence: float
    """The probability that such an interval holds the true median. It is less than
    `CONFIDENCE` if there are fewer than six values, as even their extremes lie too
    close together."""

    @property
    def undecided(self) -> bool:
        """True if the interval spans 1, so that either may be the faster one."""
        return self.low <= 1 <= self.high


def interval(values: Iterable[float]) -> Interval:
    """Return the median of independent values, with its interval by order statistics.

    The k-th smallest and the k-th largest of n values enclose the median unless fewer
    than k of the n values fall on one side of it. Each value does so with probability
    1/2. That assumes nothing about the distribution, so outliers do not matter.

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        raise ValueError("an interval needs values, but got none; pass at least one")
    k = 1
    while k < n / 2 and _enclosed(n, k + 1) >= CONFIDENCE:
        k += 1
    return Interval(median(ordered), ordered[k - 1], ordered[n - k], _enclosed(n, k))


def _enclosed(n: int, k: int) -> float:
    return 1 - 2 * sum(math.comb(n, i) for i in range(k)) / 2**n


def geometric_mean(values: Sequence[float]) -> float:
    """Return the mean of ratios: that of 2 and 1/2 is 1.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a mean needs values, but got none; pass at least one")
    return math.exp(sum(map(math.log, values)) / len(values))
