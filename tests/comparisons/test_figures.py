"""The words for costs: they say no more than was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from concurrency_comparisons import figures
from concurrency_comparisons.figures import ALIKE, UNDECIDED, between, compared
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parent.parent.parent
WORSE, BETTER = ("slower", "more"), ("faster", "less")


def figure(ratio, low=None, high=None, **more):
    ends = {"low": low or ratio, "high": high or ratio}
    return {"ratio_to_asyncio": ratio, **ends, "per_operation_s": 1e-6} | more


@st.composite
def measured(draw):
    """A figure whose interval holds its ratio, as the bench measures it."""
    low, ratio, high = sorted(draw(st.floats(1e-3, 1e3)) for _ in range(3))
    memory = {"bytes": 9} if draw(st.booleans()) else {}
    return figure(ratio, low, high, **memory)


def rank(words):
    """Return a number that is higher for words that say faster: 0 for no difference."""
    if words in (ALIKE, UNDECIDED):
        return 0.0
    factor, word = re.fullmatch(r"([\d.,]+) × (\w+)", words).groups()
    assert word in (*WORSE, *BETTER)
    return float(factor.replace(",", "")) * (-1 if word in WORSE else 1)


@given(measured())
def test_words_claim_no_difference_if_the_interval_spans_one(one):
    spans = one["low"] <= 1 <= one["high"]
    assert (compared(one) == UNDECIDED) == spans


@given(measured(), measured())
def test_words_claim_no_difference_if_two_intervals_overlap(one, other):
    overlap = one["low"] <= other["high"] and other["low"] <= one["high"]
    assert (compared(one, other) == UNDECIDED) == overlap


@given(measured(), measured())
def test_two_that_change_sides_change_only_the_word(one, other):
    both = {key: value for key, value in one.items() if key != "bytes"}
    that = {key: value for key, value in other.items() if key != "bytes"}
    assert rank(compared(both, that)) == -rank(compared(that, both))


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_a_faster_one_is_never_called_slower_than_a_slower_one(one, other):
    slow, fast = sorted((one, other))
    assert rank(compared(figure(slow))) <= rank(compared(figure(fast)))


@given(st.floats(1e-3, 1e3))
def test_a_factor_in_words_is_the_quotient_of_the_costs(ratio):
    said = rank(compared(figure(ratio)))
    if said:
        assert abs(said) == pytest.approx(max(ratio, 1 / ratio), rel=0.06)
        assert (said > 0) == (ratio > 1)
    else:
        assert ratio == pytest.approx(1, rel=0.051)


def test_words_of_some_ratios():
    ratios = (0.0616, 0.3077, 0.94, 0.97, 1.04, 1.4, 15.08, 1234)
    assert [compared(figure(ratio)) for ratio in ratios] == [
        *("16 × slower", "3.2 × slower", "1.1 × slower", ALIKE, ALIKE),
        *("1.4 × faster", "15 × faster", "1,234 × faster"),
    ]
    assert compared(figure(0.25, bytes=9)) == "4.0 × more"
    assert compared(figure(2, 1.9, 2.1), figure(4, 3, 5)) == "2.0 × slower"


@given(measured())
def test_an_interval_in_words_has_its_ends_in_order(one):
    low, high = one["low"], one["high"]
    ends = [float(n) for n in re.findall(r"[\d.]+", between(one))]
    words = set(re.findall(r"[a-z]+", between(one))) - {"to"}
    if low < 1 < high:
        assert ends == pytest.approx([1 / low, high], rel=0.01)
        assert words == set(figures.MEMORY if "bytes" in one else figures.TIME)
    else:
        assert ends == sorted(ends)
        assert words <= set(BETTER if low >= 1 else WORSE)


def test_costs_have_two_digits_and_one_unit_below_a_millisecond():
    seconds = (1.13e-7, 9.996e-6, 4.25e-5, 5.3e-4, 9.996e-4, 1.44e-3, 0.67, 2)
    assert [figures.microseconds(each) for each in seconds] == [
        *("0.11 µs", "10 µs", "42 µs", "530 µs"),
        *("1.0 ms", "1.4 ms", "670 ms", "2.0 s"),
    ]
    assert figures.cost(figure(1, per_operation_s=6.7e-6), 10_000) == "67 ms"
    assert figures.cost(figure(1, bytes=16425)) == "16,425 bytes"


def test_the_reference_is_compared_with_nothing():
    assert figures.told(figure(1)) == "1.0 µs"
    assert figures.told(figure(2)) == "1.0 µs, 2.0 × faster"
    assert figures.told(None) == "not measured"


def test_no_committed_figure_is_called_slower_within_its_interval():
    committed = json.loads((ROOT / figures.FILE).read_text("utf-8"))
    for benchmark, contestants in committed.items():
        for name, one in contestants.items():
            spans = one["low"] <= 1 <= one["high"]
            assert spans == (compared(one) == UNDECIDED), (benchmark, name)
