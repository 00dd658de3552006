"""Pools of workers are measured."""

from __future__ import annotations

from concurrency_comparisons.bench.pools import COLUMNS, POOLS, measure


def test_each_column_is_measured():
    found = measure(POOLS["threads"])
    assert found.keys() == COLUMNS.keys()
    assert all(seconds > 0 for seconds in found.values())
