"""Statistics: what can be said of a ratio that was measured several times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median, and between what the true one lies."""

    middle: float
    low: float
    high: float
    confidence: float
    """How often such an interval holds the true median; less than `CONFIDENCE` when
    there are fewer than six values, of which even the extremes do not suffice."""

    @property
    def undecided(self) -> bool:
        """Whether it may be faster as well as slower: the interval spans 1."""
        return self.low <= 1 <= self.high


def interval(values: Iterable[float]) -> Interval:
    """The median of independent values with its interval from order statistics.

    The k-th smallest and the k-th largest of n values enclose the median but for the
    chance that fewer than k of n fall on one side of it, each with probability 1/2. It
    asks nothing of the distribution, so outliers do not matter.

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        raise ValueError("an interval needs values")
    k = 1
    while k < n / 2 and _enclosed(n, k + 1) >= CONFIDENCE:
        k += 1
    return Interval(median(ordered), ordered[k - 1], ordered[n - k], _enclosed(n, k))


def _enclosed(n: int, k: int) -> float:
    return 1 - 2 * sum(math.comb(n, i) for i in range(k)) / 2**n


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of ratios: of 2 and 1/2 it is 1; ValueError if there are none."""
    if not values:
        raise ValueError("a mean needs values")
    return math.exp(sum(map(math.log, values)) / len(values))
