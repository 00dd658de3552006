"""The promises of the generators world that not every world makes."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from concurrency_study.world import CANCELLED, Deadlock, LostError, StillAlive
from generators_study.concepts import pipeline_send
from generators_study.kernel import (
    CancelScope,
    Group,
    current_kernel,
    in_thread,
    open_group,
    sleep,
    sleep_forever,
)

pytestmark = pytest.mark.world("generators")


@pytest.fixture
def job(world):
    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)
        return w.now()

    return job


def test_a_job_is_a_generator_function(world, job):
    def main():
        yield from sleep(1)
        return (yield from job(2))

    assert world.run(main) == 3
    assert world.trace.of("job(2)") == [
        (1, "start"),
        (1, "sleep"),
        (3, "wake"),
        (3, "end"),
    ]


def test_a_plain_function_runs_as_in_the_world_of_threads(world):
    def main():
        time.sleep(2)
        return world.now()

    assert world.run(main) == 2
    assert world.returned_at == 2


def test_a_generator_returned_by_a_plain_function_is_run(world, job):
    assert world.run(lambda: job(2)) == 2


def test_a_cancellation_comes_at_its_instant(world):
    @world.job
    async def job(w):
        try:
            await w.forever()
        except w.Cancelled:
            w.note("cleanup")
            raise

    assert world.run(job, cancel_at=2.5) is CANCELLED
    assert world.returned_at == 2.5
    assert world.trace.when("note") == [(2.5, "job()")]


def test_an_answer_that_swallows_its_cancellation_returns_its_value(world):
    def main():
        with CancelScope() as scope:
            try:
                yield from sleep_forever()
            except world.Cancelled:
                scope.cancel()
        return "stubborn"

    assert world.run(main, cancel_at=1) == "stubborn"


def test_a_cancellation_after_the_end_has_no_effect(world, job):
    assert world.run(job, 1, cancel_at=2) == 1
    assert world.returned_at == 1


def test_a_plain_function_that_ignores_its_cancellation_fails(world):
    def main():
        while True:
            time.sleep(1)

    with pytest.raises(AssertionError, match="after it was cancelled"):
        world.run(main, cancel_at=1)


def test_a_deadlock_names_the_line_of_a_job(world):
    @world.job
    async def job(w):
        await w.forever()

    with pytest.raises(Deadlock, match=r"task job: .*await w\.forever\(\)"):
        world.run(open_group, lambda group: group.spawn(job))


def test_a_task_left_behind_is_named(world):
    def main():
        group = Group()
        group._ready = group.kernel.ready
        group.spawn(sleep, 60).name = "orphan"
        yield from sleep(1)

    with pytest.raises(StillAlive, match="task orphan"):
        world.run(main)


def test_a_job_left_behind_is_named(world, job):
    def main():
        group = Group()
        group._ready = group.kernel.ready
        group.spawn(job, 60)
        yield from sleep(1)

    with pytest.raises(StillAlive, match=r"job\(60\)"):
        world.run(main)


def test_a_thread_left_behind_is_named(world):
    def main():
        threading.Thread(target=time.sleep, args=[60], name="orphan").start()
        yield from sleep(1)

    with pytest.raises(StillAlive, match="thread orphan"):
        world.run(main)


def test_an_unclosed_generator_of_the_study_is_named(world):
    def main():
        kept.append(stage())
        next(kept[0])
        yield from sleep(1)

    source = "def stage():\n    yield\n"
    exec(compile(source, pipeline_send.__file__, "exec"), space := {})
    stage = space["stage"]
    kept = []
    with pytest.raises(StillAlive, match="unclosed generator stage"):
        world.run(main)


def test_an_error_of_a_callback_of_the_world_is_a_lost_error(world):
    def fail():
        raise ZeroDivisionError

    world.at(1, fail)
    with pytest.raises(LostError):
        world.run(sleep, 2)


def test_callbacks_of_the_kernel_and_threads_keep_exact_instants(world):
    instants = []

    def main():
        kernel = current_kernel()
        instant = time.monotonic() + 0.1
        kernel.call_at(instant, lambda: instants.append(world.now()))

        def work():
            time.sleep(0.25)
            kernel.call_soon_threadsafe(lambda: instants.append(world.now()))
            time.sleep(0.05)

        yield from in_thread(work)

    world.run(main)
    assert instants == [0.1, 0.25]
    assert world.returned_at == 0.3


def test_each_run_begins_at_zero(world, job):
    for _ in range(2):
        assert world.run(job, 1) == 1


# Native actors


def lives(world):
    return [(a.name, a.kind, a.start, a.end, a.how) for a in world.trace.actors]


def test_every_task_is_a_native_actor(world):
    def nap(seconds):
        yield from sleep(seconds)

    def shaky():
        yield from sleep(2)
        raise ValueError("no")

    def body(group):
        group.spawn(nap, 1)
        group.spawn(nap, 60)
        group.spawn(shaky)

    def answer():
        with contextlib.suppress(ExceptionGroup):
            yield from open_group(body)

    world.watching = True
    world.run(answer)
    assert lives(world) == [
        ("answer", "task", 0, 2, "end"),
        ("nap", "task", 0, 1, "end"),
        ("nap no. 2", "task", 0, 2, "cancelled"),
        ("shaky", "task", 0, 2, "error"),
    ]


def test_a_task_cancelled_before_it_runs_is_recorded_as_cancelled(world):
    def body(group):
        group.spawn(sleep, 1)
        group.cancel()

    def answer():
        yield from open_group(body)

    world.watching = True
    world.run(answer)
    assert lives(world)[1] == ("sleep", "task", 0, 0, "cancelled")


def test_watching_tasks_is_undone_after_the_run(world):
    spawn = Group.spawn

    def answer():
        yield from sleep(1)

    world.watching = True
    world.run(answer)
    assert Group.spawn is spawn


def test_a_call_in_a_thread_is_an_actor_with_its_own_events(world):
    say = world.recorder()

    def work():
        time.sleep(2)
        say("done")

    def answer():
        yield from in_thread(work)

    world.watching = True
    world.run(answer)
    ((_, *life),) = lives(world)[1:]
    assert life == ["thread", 0, 2, "end"]
    assert [event.by for event in world.trace] == [world.trace.actors[1].name]


def test_a_plain_answer_is_a_thread(world):
    world.watching = True
    world.run(lambda: time.sleep(1))
    assert lives(world) == [("<lambda>", "thread", 0, 1, "end")]
