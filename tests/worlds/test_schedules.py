"""Schedules in every world. No test here names a paradigm.

A program that needs a certain order of its actors is found, and a correct one is not
accused. The programs wait through their ``w`` only.
"""

from __future__ import annotations

import re

import pytest
from concurrency_study.world import Deadlock, NotCovered

SEEDS = range(3)


@pytest.fixture(autouse=True)
def _starts_others(skip_if_absent):
    """Skip these tests in a world whose jobs share no memory with others."""
    skip_if_absent("together")


def run_together(world, *jobs):
    """Return a program that runs these jobs side by side, with fresh state."""

    @world.job
    async def program(w):
        state = {}
        await w.together(*((world.job(job), state) for job in jobs[:-1]))
        jobs[-1](state)

    return program


async def add_one(w, state):
    seen = state.get("n", 0)
    await w.sleep(0)
    state["n"] = seen + 1


async def add_one_later(w, state):
    for _ in range(3):
        await w.sleep(0)
    await add_one(w, state)


def both_counted(state):
    assert state["n"] == 2, "an update was lost"


@pytest.fixture
def lost_update(world):
    """A program that is right in the usual order only."""
    return run_together(world, add_one, add_one_later, both_counted)


def failure(explore, *args, **options):
    """Return the error of a search, with the lines that tell its schedule."""
    with pytest.raises(AssertionError, match="was lost") as raised:
        explore(*args, **options)
    (note,) = raised.value.__notes__
    return note.splitlines()


def token_of(note):
    return note[-1].removeprefix("Replay it: ")


# What is found


def test_the_usual_order_hides_the_race(world, lost_update):
    world.run(lost_update)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lost_update_is_found(world, lost_update, seed):
    note = failure(world.explore, lost_update, schedules=300, seed=seed)
    assert re.fullmatch(r"schedule \d+ failed, with \d+ holds?:", note[0])
    assert any("and ahead of it ran" in line for line in note)
    assert note[-2].startswith("It needs this order only.")


def test_a_token_replays_the_failure(world, lost_update):
    token = token_of(failure(world.explore, lost_update, schedules=300))
    assert len(token) <= 80
    for _ in range(3):
        note = failure(world.explore, lost_update, replay=token)
        assert token_of(note) == token


def test_a_token_of_another_program_is_noticed(world, lost_update):
    token = token_of(failure(world.explore, lost_update, schedules=300))

    async def waits(w, state):
        await w.sleep(0)

    other = run_together(world, waits, lambda state: None)
    assert "not all its choices exist" in str(world.explore(other, replay=token))


def test_a_missed_signal_is_a_deadlock(world):
    async def waits_for_it(w, state):
        await w.sleep(0)
        if state.get("waits") is None:
            state["waits"] = True
            await w.forever()

    async def sends_it(w, state):
        for _ in range(4):
            await w.sleep(0)
        state.setdefault("waits", False)

    program = run_together(world, sends_it, waits_for_it, lambda state: None)
    with pytest.raises(Deadlock):
        world.explore(program, schedules=300)


def test_a_timer_may_fire_between_two_steps(world):
    async def slow(w, state):
        await w.sleep(0.5)
        if "late" not in state:
            await w.sleep(0)
            state["done"] = True

    async def deadline(w, state):
        await w.sleep(1)
        state["late"] = "done" not in state

    def either(state):
        assert not (state["late"] and state.get("done")), "the result was lost"

    program = run_together(world, slow, deadline, either)
    note = failure(world.explore, program, schedules=300)
    needs = "It needs this order, and 0.5 s more than usual for it."
    assert note[-2].startswith(needs)
    explored = world.explore(program, schedules=100, slack=0)
    assert "none failed" in str(explored)


# What is not accused


@pytest.mark.parametrize("seed", SEEDS)
def test_timers_that_are_more_than_a_second_apart_never_swap(world, seed):
    async def first(w, state):
        for _ in range(4):
            await w.sleep(0.25)
        state.setdefault("order", []).append(1)

    async def second(w, state):
        await w.sleep(2.5)
        state.setdefault("order", []).append(2)

    def in_order(state):
        assert state["order"] == [1, 2]

    world.explore(
        run_together(world, first, second, in_order), schedules=100, seed=seed
    )


@pytest.mark.parametrize("seconds", [0, 0.01])
def test_a_loop_that_polls_ends_under_every_schedule(world, seconds):
    async def polls(w, state):
        while "ready" not in state:
            await w.sleep(seconds)
        state["seen"] = True

    async def sets(w, state):
        await w.sleep(0)
        state["ready"] = True

    def ended(state):
        assert state["seen"]

    explored = world.explore(run_together(world, polls, sets, ended), schedules=60)
    assert not explored.refused


def test_steps_without_a_wait_between_them_are_not_taken_apart(world):
    """But threads may be preempted there."""

    async def add(w, state):
        await w.sleep(0)
        state["n"] = state.get("n", 0) + 1

    program = run_together(world, add, add, both_counted)
    if world.kind == "thread":
        failure(world.explore, program, schedules=300)
    else:
        world.explore(program, schedules=300)


# How a search ends


def test_a_program_of_one_actor_has_one_schedule(world):
    @world.job
    async def alone(w):
        await w.sleep(0)

    explored = world.explore(alone, slack=0)
    assert (
        str(explored) == "1 schedule explored, none failed. The program has no other."
    )


def test_a_search_tells_what_has_cut_it(world):
    async def waits(w, state):
        for _ in range(20):
            await w.sleep(0)

    program = run_together(world, waits, waits, waits, lambda state: None)
    explored = world.explore(program, schedules=10)
    assert (explored.schedules, explored.complete) == (10, False)
    assert "The search ended at its limit of 10 schedules." in str(explored)
    assert "limit of 0 s" in str(world.explore(program, seconds=0))


def test_a_failure_in_the_usual_order_has_no_schedule(world):
    @world.job
    async def wrong(w):
        raise AssertionError("wrong")

    with pytest.raises(AssertionError, match="wrong") as raised:
        world.explore(wrong)
    assert not hasattr(raised.value, "__notes__")


def test_after_a_search_the_order_is_the_usual_one(world, lost_update):
    failure(world.explore, lost_update, schedules=300)
    for _ in range(3):
        world.run(lost_update)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedules": 0}, "schedules is a positive number, not 0"),
        ({"slack": 2}, "slack is a number from 0 to 1, not 2"),
        ({"replay": "!"}, "'!' is not the token of a schedule"),
    ],
)
def test_a_wrong_option_is_refused(world, lost_update, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        world.explore(lost_update, **options)


def test_a_search_tells_how_many_of_its_schedules_were_different(world):
    async def waits(w, state):
        await w.sleep(0)

    program = run_together(world, waits, waits, lambda state: None)
    explored = world.explore(program, schedules=60)
    assert explored.different < explored.schedules
    assert f"({explored.different} different)" in str(explored)


# Cancellation


def in_waits(world, *, clean):
    """Return a program that waits twice, and fails if a wait is cancelled."""

    @world.job
    async def program(w):
        done = []
        try:
            await w.sleep(1)
            await w.sleep(1)
            done.append("all")
        finally:
            assert done or clean

    return program


def test_a_cancellation_that_breaks_the_caller_is_found_and_replayed(world):
    program = in_waits(world, clean=False)
    if not world.counts_waits:
        with pytest.raises(NotCovered, match="cannot cancel"):
            world.explore(program, cancel=True)
        return
    assert world.explore(program).schedules
    with pytest.raises(AssertionError) as raised:
        world.explore(program, cancel=True)
    note = raised.value.__notes__[-1]
    assert "cancelled in its wait 1" in note
    with pytest.raises(AssertionError):
        world.explore(program, replay=note.split()[-1])


def test_a_caller_that_may_be_cancelled_is_cancelled_in_each_wait(world):
    if world.counts_waits:
        explored = world.explore(in_waits(world, clean=True), cancel=True)
        assert explored.waits == 2
        assert "cancelled in each of its 2 waits" in str(explored)
