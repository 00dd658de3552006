"""The referee applies the rules and notices clients that break them."""

from __future__ import annotations

import pytest

RIGHT = (200, "right")
WRONG = (500, "wrong")
BROKEN = (0, "broken")


def calls(client, page, number):
    return [client.get(page) for _ in range(number)]


# 1


def test_1_the_first_wins_when_the_second_has_come(quick):
    first = quick.get("/1")
    assert quick.tally(1).open == 1
    assert not first.is_answered()
    second = quick.get("/1")
    assert first.answer() == RIGHT
    first.close()
    second.close()
    tally = quick.settled().obstacles[1]
    assert (tally.begun, tally.answered, tally.dropped) == (2, 1, 1)
    assert (tally.rounds, tally.right) == (1, 1)


def test_1_a_loser_that_is_left_open_is_counted(quick):
    first, second = calls(quick, "/1", 2)
    assert first.answer() == RIGHT
    first.close()
    quick.let_a_second_pass()
    assert not second.is_answered()
    stats = quick.racer.stats(settled=0)
    assert not stats.settled
    assert stats.open == stats.obstacles[1].open == 1
    assert stats.connections == stats.obstacles[1].connections == 1


# 2


def test_2_the_second_breaks_and_the_first_wins_a_second_later(quick):
    first, second = calls(quick, "/2", 2)
    assert quick.arrivals([first, second]) == [second, first]
    assert second.answer() == BROKEN
    assert first.answer() == RIGHT
    tally = quick.tally(2)
    assert (tally.answered, tally.broken, tally.right) == (1, 1, 1)


def test_2_a_client_that_gives_up_at_the_broken_connection_has_not_won(quick):
    first, second = calls(quick, "/2", 2)
    assert second.answer() == BROKEN
    first.close()
    quick.let_a_second_pass()
    tally = quick.settled().obstacles[2]
    assert (tally.broken, tally.dropped, tally.rounds, tally.right) == (1, 1, 1, 0)


# 3


def test_3_only_the_last_of_many_wins(quick):
    early = calls(quick, "/3", 49)
    quick.let_a_second_pass()
    last = quick.get("/3")
    assert last.answer() == RIGHT
    assert quick.tally(3).open == 49
    for call in early:
        assert not call.is_answered()
        call.close()
    last.close()
    tally = quick.settled().obstacles[3]
    assert (tally.begun, tally.answered, tally.dropped) == (50, 1, 49)


def test_3_all_must_be_open_at_once(quick):
    early = calls(quick, "/3", 49)
    early.pop().close()
    quick.racer.stats(settled=0)
    assert not quick.get("/3").is_answered()
    assert quick.tally(3).dropped == 1
    assert quick.get("/3").answer() == RIGHT


# 4


@pytest.mark.parametrize("impatient", [0, 1])
def test_4_the_patient_one_wins_when_the_other_has_gone(quick, impatient):
    both = calls(quick, "/4", 2)
    quick.let_a_second_pass()
    assert not both[0].is_answered()
    assert not both[1].is_answered()
    both.pop(impatient).close()
    assert both[0].answer() == RIGHT
    tally = quick.tally(4)
    assert (tally.answered, tally.dropped, tally.rounds, tally.right) == (1, 1, 1, 1)


def test_4_a_single_request_that_gives_up_is_not_a_race(quick):
    quick.get("/4").close()
    assert quick.settled().obstacles[4].right == 0
    patient = quick.get("/4")
    quick.let_a_second_pass()
    assert not patient.is_answered()
    assert quick.tally(4).rounds == 2


# 5 and 6


def test_5_a_failure_comes_first_and_the_winner_a_second_later(quick):
    first, second = calls(quick, "/5", 2)
    assert quick.arrivals([second, first]) == [first, second]
    assert first.answer() == WRONG
    assert second.answer() == RIGHT
    tally = quick.tally(5)
    assert (tally.answered, tally.rounds, tally.right) == (2, 1, 1)


def test_5_a_client_that_takes_the_failure_for_a_winner_has_not_won(quick):
    first, second = calls(quick, "/5", 2)
    assert first.answer() == WRONG
    second.close()
    quick.let_a_second_pass()
    tally = quick.tally(5)
    assert (tally.answered, tally.dropped, tally.right) == (1, 1, 0)


def test_6_a_failure_a_winner_and_one_that_is_never_answered(quick):
    first, second = calls(quick, "/6", 2)
    quick.let_a_second_pass()
    assert not first.is_answered()
    third = quick.get("/6")
    assert quick.arrivals([second, first]) == [first, second]
    assert first.answer() == WRONG
    assert second.answer() == RIGHT
    quick.let_a_second_pass()
    assert not third.is_answered()
    assert quick.tally(6).open == 1


# 7


def test_7_a_hedge_makes_the_first_win(quick):
    first = quick.get("/7")
    assert not first.is_answered(within=3 * 0.05)
    second = quick.get("/7")
    assert first.answer() == RIGHT
    assert not second.is_answered()
    tally = quick.tally(7)
    assert (tally.right, tally.open, tally.faults) == (1, 1, [])


def test_7_two_requests_at_once_are_not_a_hedge(real):
    first, second = calls(real, "/7", 2)
    assert first.answer() == (200, "wrong")
    assert not second.is_answered()
    tally = real.tally(7)
    assert tally.right == 0
    assert "s after the first" in tally.faults[0]


# 8


def opened(client):
    status, id = client.ask("/8?open")
    assert status == 200
    return id


def test_8_the_second_use_wins_when_the_first_has_closed(quick):
    one, two = opened(quick), opened(quick)
    assert one != two
    first, second = quick.get(f"/8?use={one}"), quick.get(f"/8?use={two}")
    assert first.answer() == WRONG
    quick.ask(f"/8?close={opened(quick)}")  # another resource
    quick.let_a_second_pass()
    assert not second.is_answered()
    assert quick.ask(f"/8?close={one}") == (200, "")
    assert second.answer() == RIGHT
    assert quick.ask(f"/8?close={two}") == (200, "")
    tally = quick.tally(8)
    assert (tally.right, tally.held, tally.faults) == (1, 0, [])


def test_8_a_use_is_not_over_before_there_is_a_second(quick):
    use = quick.get(f"/8?use={opened(quick)}")
    quick.let_a_second_pass()
    assert not use.is_answered()


def test_8_a_resource_that_is_not_closed_is_counted(quick):
    one, two = opened(quick), opened(quick)
    first, second = quick.get(f"/8?use={one}"), quick.get(f"/8?use={two}")
    assert first.answer() == WRONG
    quick.ask(f"/8?close={one}")
    assert second.answer() == RIGHT
    assert quick.tally(8).held == 1


def test_8_a_use_that_was_cancelled_may_be_closed(quick):
    id = opened(quick)
    quick.get(f"/8?use={id}").close()
    quick.racer.stats(settled=0)
    assert quick.ask(f"/8?close={id}") == (200, "")
    tally = quick.tally(8)
    assert (tally.dropped, tally.held, tally.faults) == (1, 0, [])


@pytest.mark.parametrize("closed", [0, 1])
def test_8_closing_a_resource_in_use_is_a_fault(quick, closed):
    ids = [opened(quick), opened(quick)]
    uses = [quick.get(f"/8?use={ids[0]}")]
    if closed == 1:
        uses.append(quick.get(f"/8?use={ids[1]}"))
    quick.ask(f"/8?close={ids[closed]}")
    assert uses[closed].answer() == (200, "wrong")
    tally = quick.tally(8)
    assert tally.right == 0
    assert tally.faults == ["a resource was closed while it was in use"]


@pytest.mark.parametrize("verb", ["use", "close"])
def test_8_a_resource_that_is_not_open_can_neither_be_used_nor_closed(quick, verb):
    id = opened(quick)
    quick.ask(f"/8?close={id}")
    assert quick.ask(f"/8?{verb}={id}")[0] == 404
    assert f"{verb} of '{id}'" in quick.tally(8).faults[0]


@pytest.mark.parametrize("query", ["", "?", "?closed=1", "?=", "?use"])
def test_8_any_other_query_is_refused(quick, query):
    assert quick.ask(f"/8{query}")[0] in (400, 404)


# 9


def test_9_five_fail_and_five_letters_spell_the_answer_in_time(quick):
    nine = calls(quick, "/9", 9)
    quick.let_a_second_pass()
    assert not any(call.is_answered() for call in nine)
    answers = [call.answer() for call in quick.arrivals([*nine, quick.get("/9")])]
    assert answers[:5].count(WRONG) >= 4
    assert answers.count(WRONG) == 5
    letters = [body for status, body in answers if status == 200]
    assert "".join(letters) == "right"
    tally = quick.tally(9)
    assert (tally.answered, tally.rounds, tally.right) == (10, 1, 1)


def test_9_the_order_of_the_requests_does_not_spell_it(quick):
    spelt = set()
    for _ in range(8):
        answers = [call.answer() for call in calls(quick, "/9", 10)]
        spelt.add("".join(body for status, body in answers if status == 200))
    assert all(sorted(word) == sorted("right") for word in spelt)
    assert len(spelt) > 1


def test_9_a_client_that_drops_a_letter_has_not_won(real):
    ten = calls(real, "/9", 10)
    while real.tally(9).answered < 6:
        pass
    real.close()
    tally = real.settled().obstacles[9]
    assert (tally.rounds, tally.right) == (1, 0)
    assert tally.answered + tally.dropped == len(ten)


# 10


def held(client, id="me"):
    call = client.get(f"/10?{id}")
    client.racer.stats()
    return call


def report(client, load):
    """Report the load until the status of the answer is not 302. Return the answer."""
    while (answer := client.ask(f"/10?me={load}"))[0] == 302:
        pass
    return answer


def test_10_burning_while_it_is_held_and_not_after_is_right(quick):
    assert quick.ask("/10?me=0.5")[0] == 302
    call = held(quick)
    while not call.is_answered():
        assert quick.ask("/10?me=0.9")[0] == 302
    assert call.answer() == (200, "")
    assert quick.ask("/10?me=0.9")[0] == 302
    assert quick.ask("/10?me=0.1") == RIGHT
    tally = quick.tally(10)
    assert (tally.rounds, tally.right, tally.faults) == (1, 1, [])


def test_10_a_load_that_does_not_fall_has_failed(quick):
    held(quick)
    assert report(quick, 0.9) == (400, "ten readings later the load is still 0.900")
    assert quick.tally(10).right == 0


def test_10_a_load_that_was_low_has_failed(quick):
    held(quick)
    status, why = report(quick, 0.5)
    assert (status, why) == (400, "the mean load was 0.500, not 0.8")
    assert quick.tally(10).faults == [why]


def test_10_a_load_above_1_counts_as_1(quick):
    held(quick)
    assert quick.ask("/10?me=1000")[0] == 302
    assert report(quick, 0)[0] == 400


def test_10_too_few_readings_have_failed(quick):
    call = held(quick)
    quick.ask("/10?me=0.9")
    call.answer()
    status, why = quick.ask("/10?me=0.1")
    assert status == 400
    assert why.startswith("1 readings in ")


def test_10_a_client_that_drops_the_held_request_has_failed(quick):
    held(quick).close()
    quick.settled()
    status, why = quick.ask("/10?me=0.1")
    assert (status, why) == (400, "the connection was closed while it was held")


@pytest.mark.parametrize("load", ["nan", "inf", "-1", "much", "1,0"])
def test_10_a_load_must_be_a_number(quick, load):
    held(quick)
    status, why = quick.ask(f"/10?me={load}")
    assert status == 400
    assert why == f"the load {load!r} is not a number from 0 on"


def test_10_an_id_may_be_any_text_and_is_held_once(quick):
    held(quick, "a%20b")
    assert quick.ask("/10?a%20b=1")[0] == 302
    assert quick.ask("/10?a%20b")[0] == 400
    assert quick.ask("/10")[0] == 400
    assert quick.ask("/10?=1")[0] == 400


# 11


def test_11_two_break_and_the_third_wins(quick):
    first, second = calls(quick, "/11", 2)
    quick.let_a_second_pass()
    assert not first.is_answered()
    third = quick.get("/11")
    assert quick.arrivals([third, second, first])[-1] == third
    assert first.answer() == second.answer() == BROKEN
    assert third.answer() == RIGHT
    tally = quick.tally(11)
    assert (tally.broken, tally.answered, tally.right) == (2, 1, 1)


def test_11_a_client_that_gives_up_after_two_failures_has_not_won(quick):
    first, second, third = calls(quick, "/11", 3)
    assert first.answer() == second.answer() == BROKEN
    third.close()
    quick.let_a_second_pass()
    tally = quick.settled().obstacles[11]
    assert (tally.broken, tally.dropped, tally.rounds, tally.right) == (2, 1, 1, 0)


# Rounds


def test_a_loser_that_is_left_open_does_not_spoil_the_next_run(quick):
    for _ in range(3):
        first, _ = calls(quick, "/1", 2)
        assert first.answer() == RIGHT
    tally = quick.tally(1)
    assert (tally.rounds, tally.right, tally.open) == (3, 3, 3)


@pytest.mark.parametrize("number", range(1, 12))
def test_a_run_that_was_given_up_does_not_spoil_the_next(quick, number):
    page = {8: "/8?open", 10: "/10?me"}.get(number, f"/{number}")
    quick.get(page).close()
    quick.settled()
    again = quick.get(page)
    assert quick.tally(number).begun == 2
    assert again.is_answered() == (number == 8)
