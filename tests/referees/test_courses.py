"""The counts of a referee are true, and its courses have counts of their own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# Courses


def test_courses_of_other_names_have_rounds_and_counts_of_their_own(quick, client_of):
    blue = client_of(quick.racer.course("blue"))
    here, there = quick.get("/1"), blue.get("/1")
    blue.get("/1")
    assert there.answer() == (200, "right")
    assert not here.is_answered()
    assert (quick.tally(1).begun, blue.tally(1).begun) == (1, 2)
    blue.racer.reset()
    assert blue.settled().obstacles[1].begun == 0
    assert quick.tally(1).open == 1
    blue.close()


def test_a_reset_ends_all_connections_and_sets_all_counts_to_0(quick):
    call, silent = quick.get("/1"), quick.call()
    quick.racer.stats()
    quick.racer.reset()
    assert call.answer() == (0, "broken")
    assert silent.everything() == b""
    stats = quick.settled()
    assert (stats.open, stats.silent, stats.obstacles[1].begun) == (0, 0, 0)


def test_too_many_courses_are_refused_until_a_reset(real):
    call = real.call()
    for number in range(1000):
        assert call.send(f"/{number}/8?open").answer()[0] == 200
    assert call.send("/1000/8?open").answer()[0] == 503
    assert call.send("/999/8?open").answer()[0] == 200
    real.racer.reset()
    assert real.ask("/1000/8?open")[0] == 200


# Counts


def test_a_connection_that_is_kept_alive_is_not_an_open_request(real):
    call = real.get("/8?open")
    assert call.answer()[0] == 200
    stats = real.racer.stats(settled=0)
    assert (stats.open, stats.connections, stats.settled) == (0, 1, False)
    assert stats.obstacles[8].connections == 1
    call.send("/9")
    stats = real.racer.stats()
    assert (stats.obstacles[8].connections, stats.obstacles[9].connections) == (0, 1)
    call.close()
    assert real.settled().connections == 0


def test_a_connection_that_only_asks_for_the_counts_is_not_counted(real):
    call = real.get("/stats")
    assert call.answer()[0] == 200
    assert real.racer.stats(settled=0).settled
    call.send("/1")
    assert not real.racer.stats(settled=0).settled


def test_a_connection_without_a_request_is_silent(quick):
    quick.call()
    stats = quick.racer.stats(settled=0)
    assert (stats.silent, stats.connections, stats.settled) == (1, 0, False)


def test_stats_wait_until_the_last_connection_has_gone(quick):
    first, second = quick.get("/1"), quick.call()
    waiting = quick.get("/stats?settled=30")
    first.close()
    quick.let_a_second_pass()
    assert not waiting.is_answered()
    second.close()
    status, text = waiting.answer()
    assert status == 200
    assert '"settled": true' in text


def test_stats_wait_no_longer_than_asked(quick):
    quick.get("/1")
    assert not quick.racer.stats(settled=1).settled


@pytest.mark.parametrize("query", ["settled", "settled=", "settled=-1", "settled=1e9"])
def test_any_other_query_for_stats_is_refused(quick, query):
    assert quick.ask(f"/stats?{query}")[0] == 400


def test_faults_are_kept_within_bounds(quick):
    for number in range(30):
        quick.ask(f"/8?use={number}" + 10_000 * "x")
    faults = quick.tally(8).faults
    assert len(faults) == 20
    assert max(map(len, faults)) <= 200


steps = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 20)), max_size=40)


@settings(max_examples=40, deadline=None)
@given(steps=steps)
def test_the_counts_always_add_up(quick_racer, client_of, steps):
    quick_racer.reset()
    client = client_of(quick_racer)
    for number, which in steps:
        if number:
            client.get({8: "/8?open", 10: "/10?me"}.get(number, f"/{number}"))
        elif which < len(client.calls):
            client.calls[which].close()
    for stats in (quick_racer.stats(), client.close(), client.settled()):
        for tally in stats.obstacles.values() if stats else ():
            ended = tally.answered + tally.broken + tally.dropped
            assert tally.begun == ended + tally.open
            assert tally.right <= tally.rounds
    assert sum(1 for number, _ in steps if number) == sum(
        tally.begun for tally in stats.obstacles.values()
    )
