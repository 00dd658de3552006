"""A cluster of dask in virtual time."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import CancelledError

import pytest
from concurrency_study.world import Deadlock, NotCovered
from concurrency_study.worlds.dask import DaskWorld
from dask import config
from distributed import (
    Client,
    Event,
    LocalCluster,
    Lock,
    Nanny,
    as_completed,
    get_client,
    wait,
)

pytestmark = pytest.mark.world("dask")


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    """Fail if a test leaves a thread, a descriptor, a folder or a setting."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gc.collect()  # what earlier tests have left to it
    threads, *others = state()
    yield
    threads_now, *others_now = state()
    assert threads_now <= threads  # one of an earlier test may have ended
    assert others_now == others
    assert not [*tmp_path.iterdir()]


def state():
    """Return what a run must leave as it was."""
    descriptors = {*os.listdir("/proc/self/fd")}
    # The list itself was open as it was made.
    open_now = {each for each in descriptors if os.path.exists(f"/proc/self/fd/{each}")}
    return {*threading.enumerate()}, open_now, repr(config.config), [*sys.path]


@pytest.fixture
def nap(world):
    """A function that sleeps, and returns the instants at which it began and ended."""

    @world.blocking
    def nap(seconds):
        began = time.monotonic()
        time.sleep(seconds)
        return instant(began), instant(time.monotonic())

    return nap


def instant(seconds):
    """Return an instant without what the clock creeps by, as the trace has it."""
    return round(seconds, 9)


def on_workers(function, inputs):
    client = get_client()
    return client.gather(client.map(function, inputs, pure=False))


def test_two_calls_sleep_side_by_side(world, nap):
    assert world.run(on_workers, nap, [3, 5]) == [(0, 3), (0, 5)]
    assert world.returned_at == 5
    assert sorted(world.trace.when("end")) == [(3, "nap(3)"), (5, "nap(5)")]


def test_a_day_takes_no_time(world, nap):
    began = time.monotonic()
    world.run(on_workers, nap, [86_400] * 2, within=10**6)
    assert world.returned_at == 86_400
    assert time.monotonic() - began < 60


def test_messages_and_computing_take_no_virtual_time(world):
    def main():
        client = get_client()
        future = client.submit(range, 1_000_000)
        for _ in range(5):
            future = client.submit(max, future)
            future = client.submit(range, future)
        return client.submit(len, future).result(), instant(time.monotonic())

    assert world.run(main) == (999_995, 0)


def test_a_worker_and_the_caller_share_the_clock(world):
    def look(seconds):
        time.sleep(seconds)
        return time.monotonic(), time.perf_counter_ns(), time.time()

    def main():
        time.sleep(1)
        return on_workers(look, [1.5]), time.time()

    [(monotonic, ns, date)], here = world.run(main)
    assert (monotonic, ns) == (2.5, 2_500_000_000)
    assert date == here


def test_waits_with_a_timeout_end_at_its_instant(world, nap):
    def main():
        future = get_client().submit(nap, 60)
        with pytest.raises(TimeoutError):
            future.result(timeout=1)
        found = [time.perf_counter()]
        with pytest.raises(TimeoutError):
            wait([future], timeout=2)
        found += [time.perf_counter(), Event().wait(4), time.perf_counter()]
        future.result()
        return found

    assert world.run(main) == [1, 3, False, 7]
    assert world.returned_at == 60


def test_results_come_the_instant_they_are_ready(world, nap):
    def main():
        futures = get_client().map(nap, [3, 1, 2])
        return [(f.result()[1], time.monotonic()) for f in as_completed(futures)]

    assert world.run(main) == [(1, 1), (2, 2), (3, 3)]


def test_calls_and_the_caller_wait_for_each_other(world):
    def echo(seconds):
        assert Event("asked").wait()
        time.sleep(seconds)
        Event("answered").set()

    def main():
        future = get_client().submit(echo, 2)
        time.sleep(1)
        Event("asked").set()
        Event("answered").wait()
        future.result()
        return time.monotonic()

    assert world.run(main) == 3


def test_arguments_and_results_are_copies(world):
    def change(values):
        values.append(1)
        return values

    def main():
        mine = []
        (theirs,) = on_workers(change, [mine])
        return mine, theirs

    assert world.run(main) == ([], [1])


def test_the_error_of_a_call_is_the_same_object(world):
    error = ValueError("no")

    def fail(_):
        raise error

    with pytest.raises(ValueError, match="no") as raised:
        world.run(on_workers, fail, [0])
    assert raised.value is error


def test_a_cancellation_is_raised_in_the_caller(world, nap):
    def main():
        future = get_client().submit(nap, 5)
        try:
            future.result()
        except CancelledError:
            return time.monotonic(), future.result()[1]

    assert world.run(main, cancel_at=2) == (2, 5)


def in_turn(most):
    """Return the order in which calls get a lock."""

    def call(number):
        with Lock("turn"):
            order = get_client().get_metadata("order", [])
            get_client().set_metadata("order", [*order, number])

    on_workers(call, range(most))
    return get_client().get_metadata("order")


def test_the_same_seed_makes_the_same_run():
    def orders():
        return [DaskWorld(seed=seed).run(in_turn, 4) for seed in range(4)]

    found = orders()
    assert found == orders()
    assert len({*map(tuple, found)}) > 1


def test_a_cluster_in_real_time_leaves_no_file(world):
    assert world.run_for_real(lambda: 1) == 1
    for thread in threading.enumerate():
        if thread.name == "Profile":  # dask does not wait for its end
            thread.join(30)


def test_a_deadlock_of_the_caller_and_a_call_is_found(world):
    def wait_for_ever(_):
        Event("never").wait()

    began = time.monotonic()
    with pytest.raises(Deadlock) as raised:
        world.run(on_workers, wait_for_ever, [0])
    caller, call = raised.value.waiters
    assert "client.gather" in caller
    assert 'Event("never").wait()' in call
    assert time.monotonic() - began < 30


def test_a_run_may_have_another_cluster(world, nap):
    def main():
        with (
            LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                processes=False,
                dashboard_address=":0",
            ) as cluster,
            Client(cluster) as client,
        ):
            return client.gather(client.map(nap, [1, 2, 3], pure=False))

    assert sorted(world.run(main)) == [(0, 1), (0, 2), (1, 4)]


def in_a_process(_):
    return subprocess.run(["true"])


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (lambda: LocalCluster(n_workers=1, dashboard_address=":0"), "a nanny"),
        (lambda: Nanny("tcp://127.0.0.1:1"), "a nanny"),
        (lambda: get_client().cluster.adapt(), "adapt"),
        (lambda: on_workers(in_a_process, [0]), "a process takes real time"),
    ],
)
def test_what_is_not_covered_is_refused_by_name(world, refused, reason):
    def main():
        refused()

    with pytest.raises(NotCovered, match=reason):
        world.run(main)
