"""Pools of workers are measured, and told."""

from __future__ import annotations

import pytest
from concurrency_comparisons.bench.pools import COLUMNS, POOLS, measure, told


def test_each_column_is_measured():
    found = measure(POOLS["threads"])
    assert found.keys() == COLUMNS.keys()
    assert all(seconds > 0 for seconds in found.values())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2.34, "2.3 s"), (0.25, "250 ms"), (0.000123, "120 us"), (2e-7, "0.2 us")],
)
def test_seconds_have_two_digits_and_a_unit(seconds, words):
    assert told(seconds) == words
