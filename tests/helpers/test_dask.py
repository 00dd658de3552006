"""The dask study on real clusters of processes: what dies, and what is left.

Calls write a line to a log when they begin, and kill their own worker. So each death is
at a known point of a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path

import psutil
import pytest
from concurrency_study.world import leaves
from dask import config
from dask_study import OWN_CLUSTER, cancelled_by_signal, local_cluster, run
from dask_study import connected as connected_to_own
from dask_study.concepts.cpu import cpu
from dask_study.group import Group, failure
from dask_study.use_cases.results_at_end import results_at_end, snooze
from distributed import Client, KilledWorker, LocalCluster, wait
from distributed.client import FutureCancelledError
from distributed.core import Status
from distributed.scheduler import NoValidWorkerError, NoWorkerError

CUT_OFF = Path(__file__).with_name("cut_off.py")
KILLS, CLUSTERS = 200, 4
COMPUTATIONS = 4
SETTINGS = {
    **OWN_CLUSTER,
    "distributed.comm.timeouts.connect": "10s",
    "distributed.worker.multiprocessing-method": "forkserver",
}


@contextlib.contextmanager
def connected(folder, workers=2, failures=3):
    """Yield a client of a cluster of processes, in which a call may fail so often."""
    settings = {
        **SETTINGS,
        "distributed.scheduler.allowed-failures": failures,
        "temporary-directory": str(folder / "scratch"),
    }
    with (
        config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=2,
            dashboard_address=":0",
            silence_logs=60,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def no_file_is_left(tmp_path_factory, monkeypatch):
    """Give each test a temporary directory, and fail if a cluster leaves a file there.

    What multiprocessing puts there (pymp-*) ends with the session, so the directory
    stays until then: other tests use the same fork server.
    """
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    left = [path.name for path in folder.iterdir()]
    assert not [name for name in left if not name.startswith("pymp-")]


@pytest.fixture
def client(tmp_path):
    with connected(tmp_path) as made:
        yield made


def note(path, line):
    """Append a line to a file, which holds even if this process dies next."""
    with open(path, "a") as log:
        log.write(f"{line}\n")


def die_once(path, item, stop):
    """Kill the worker in the first call for an item."""
    note(path, item)
    if path.read_text().splitlines().count(str(item)) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die(path, item, stop):
    note(path, item)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_call_is_made_again_when_its_worker_is_killed(client, tmp_path):
    log = tmp_path / "log"
    assert results_at_end(partial(die_once, log), ["a"]) == ["a"]
    assert log.read_text().split() == ["a", "a"]


def test_a_call_that_kills_every_worker_fails_in_the_end(tmp_path):
    log = tmp_path / "log"
    with connected(tmp_path, failures=1), pytest.raises(ExceptionGroup) as raised:
        results_at_end(partial(die, log), ["a"])
    assert [type(each) for each in leaves(raised.value)] == [KilledWorker]
    assert log.read_text().split() == ["a", "a"]


class Killer(threading.Thread):
    """Kills random workers of a cluster at random instants.

    It ends after a number of kills, if calls are made again because of them.

    Only a worker of whose start its nanny knows: if it dies before, the nanny gives up,
    and when the last one has given up, calls wait for a worker that never comes.
    """

    def __init__(self, cluster, seed, kills, log):
        super().__init__(daemon=True)
        self.nannies, self.kills = list(cluster.workers.values()), kills
        self.random, self.killed = random.Random(seed), []
        self.log, self.longest = log, 0.1

    def run(self):
        while len(self.killed) < self.kills or not self.repeats():
            time.sleep(self.random.uniform(0, self.longest))
            process = self.random.choice(self.nannies).process
            running = process is not None and process.status is Status.running
            pid = process.pid if running else None
            if pid and pid not in self.killed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(pid)
                if not self.repeats():
                    self.longest *= 1.1  # a busy machine has begun no call yet

    def repeats(self):
        """Return the number of calls that were made again."""
        begun = self.log.read_text().split()
        return len(begun) - len({*begun})


@pytest.mark.parametrize("seed", range(CLUSTERS))
def test_no_item_is_lost_when_random_workers_are_killed(tmp_path, seed):
    log = tmp_path / "log"
    log.touch()

    def call(item, stop):
        note(log, item)
        time.sleep(0.002)  # so that some are in the middle of it
        return item

    items = []
    with connected(tmp_path, workers=3, failures=1000) as client:
        killer = Killer(client.cluster, seed, KILLS // CLUSTERS, log)
        killer.start()
        while killer.is_alive():
            batch = range(len(items), len(items) + 50)
            assert results_at_end(call, batch) == [*batch]
            items += batch
        killer.join()
    assert len(killer.killed) >= KILLS // CLUSTERS
    assert {int(line) for line in log.read_text().split()} == {*items}


SCHEDULER = """
import sys
from dask import config
from distributed import LocalCluster
if __name__ == "__main__":
    config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0",
                      silence_logs=60) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


def test_the_caller_gets_an_error_when_the_scheduler_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(SCHEDULER)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        # What is killed removes no folders. The path of a socket has to be short.
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        subprocess.Popen(
            [sys.executable, program], env={**os.environ, "TMPDIR": folder}, **pipes
        ) as scheduler,
    ):

        def call(scheduler, stop):
            os.kill(scheduler, signal.SIGKILL)
            stop.wait(600)

        address = scheduler.stdout.readline().strip()
        with (
            config.set(SETTINGS),
            Client(address),
            pytest.raises(ExceptionGroup) as raised,
        ):
            results_at_end(call, [scheduler.pid])
    (error,) = leaves(raised.value)
    assert isinstance(error, FutureCancelledError)
    assert "connection" in str(error)


def test_a_group_that_outlives_its_client_raises_nothing_of_its_own(tmp_path):
    with (
        config.set({"temporary-directory": str(tmp_path)}),
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        Group() as group,
    ):
        group.cancel()
        client.close()
        group.cancel()


def test_a_cancelled_result_cannot_be_fetched(client):
    with Group() as group:
        future = group.submit(abs, -1)
    client.cancel(future)
    error = failure(future)
    assert isinstance(error, FutureCancelledError)
    assert future.key in str(error)


def test_a_result_that_no_future_holds_is_released(client):
    def known(key, dask_scheduler):
        return key in dask_scheduler.tasks

    future = client.submit(abs, -1, pure=False)
    wait(future)
    key = future.key
    assert client.run_on_scheduler(known, key)
    del future
    # The release and this call travel in one stream, in this order.
    wait(client.submit(abs, -2, pure=False))
    assert not client.run_on_scheduler(known, key)


def test_a_call_that_fails_is_retried_as_often_as_it_is_asked_to(client, tmp_path):
    log = tmp_path / "log"

    def flaky():
        note(log, "call")
        if log.read_text().count("call") < 3:
            raise OSError("not yet")
        return "done"

    assert client.submit(flaky, retries=2).result() == "done"
    assert log.read_text().split() == ["call"] * 3


def test_calls_in_other_processes_are_asked_to_stop(client, tmp_path):
    begun = tmp_path / "begun"
    os.mkfifo(begun)

    def call(item, stop):
        if not item:
            with open(begun) as pipe:
                pipe.read()
            raise ValueError("no")
        with open(begun, "w") as pipe:
            pipe.write("begun")
        assert stop.wait(600)
        note(tmp_path / "log", os.getpid())

    with pytest.raises(ExceptionGroup) as raised:
        results_at_end(call, [0, 1])
    assert [repr(each) for each in leaves(raised.value)] == ["ValueError('no')"]
    assert int((tmp_path / "log").read_text()) != os.getpid()


def begin_and_spin(folder, number):
    """Compute for half a minute, unless the process is killed before."""
    began = folder / f"{number}.new"
    began.write_text(f"{os.getpid()}")
    began.rename(folder / f"{number}.began")
    due = time.monotonic() + 30
    while time.monotonic() < due:
        pass
    (folder / f"{number}.ended").touch()


def test_sigterm_kills_the_workers_of_a_computation(tmp_path):
    def stop():
        due = time.monotonic() + 60
        while len(pids()) < 2 and time.monotonic() < due:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGTERM)

    def pids():
        return [int(path.read_text()) for path in tmp_path.glob("*.began")]

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(CancelledError), cancelled_by_signal():
        cpu(partial(begin_and_spin, tmp_path), [0, 1, 2], 2)
    stopper.join()
    assert len(pids()) == 2
    assert not [*tmp_path.glob("*.ended")]
    assert not [pid for pid in pids() if Path(f"/proc/{pid}").exists()]


def test_an_answer_that_kills_its_workers_refuses_those_of_another_cluster():
    command = [
        sys.executable,
        "-m",
        "dask_study.concepts.cpu",
        "--scheduler",
        "tcp://x:1",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "workers of its own" in done.stderr


CLEANING = """
import sys
from pathlib import Path

def note(path, line):
    with open(path, "a") as log:
        log.write(f"{line}\\n")

def call(path, stop):
    note(path, "begun")
    stop.wait(60)
    note(path, "clean")

if __name__ == "__main__":
    from dask_study import run
    from dask_study.use_cases.results_at_end import results_at_end
    run(results_at_end, call, [Path(sys.argv[1])] * 2)
"""


@pytest.fixture
def interrupted(tmp_path):
    """Run the program, send SIGTERM when it is time, and return what was logged."""
    program, log, scratch = (tmp_path / n for n in ("program.py", "log", "scratch"))
    program.write_text(CLEANING)
    log.touch()
    scratch.mkdir()

    def run(kill, is_time):
        with subprocess.Popen(
            [sys.executable, program, log],
            env={**os.environ, "TMPDIR": str(scratch)},
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            due = time.monotonic() + 60
            while not is_time(log.read_text().split(), [*scratch.iterdir()]):
                assert time.monotonic() < due
                time.sleep(0.01)
            kill(running.pid, signal.SIGTERM)
            said = running.communicate()[1]
        assert running.returncode == 1, said
        assert said.strip().endswith("CancelledError"), said
        assert "leaked" not in said
        assert not [*scratch.iterdir()]
        return log.read_text().split()

    return run


def test_sigterm_of_a_process_group_stops_calls_and_repeats_none(interrupted):
    lines = interrupted(os.killpg, lambda log, _: len(log) == 2)
    assert lines == ["begun", "begun", "clean", "clean"]


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_sigterm_while_a_cluster_starts_leaves_nothing(interrupted, kill):
    assert interrupted(kill, lambda _, scratch: scratch) in ([], ["begun", "clean"] * 2)


@pytest.mark.parametrize("moment", ["mkdtemp", "rmtree"])
def test_a_signal_at_the_folder_of_a_cluster_leaves_nothing(
    monkeypatch, tmp_path, moment
):
    """It comes when the folder has just been made, or is to be removed."""

    def interrupted(*args, **options):
        if moment == "rmtree":
            os.kill(os.getpid(), signal.SIGTERM)
        made = real(*args, **options)
        if moment == "mkdtemp":
            os.kill(os.getpid(), signal.SIGTERM)
        return made

    place = tempfile if moment == "mkdtemp" else tempfile._shutil
    real = getattr(place, moment)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(place, moment, interrupted)
    with pytest.raises(CancelledError), cancelled_by_signal(), local_cluster(1, 1):
        pass
    assert not [*tmp_path.iterdir()]


def test_calls_fail_when_all_workers_are_gone_for_good(monkeypatch):
    monkeypatch.setitem(
        OWN_CLUSTER, "distributed.scheduler.no-workers-timeout", "0.5 s"
    )
    with connected_to_own() as client:
        for nanny in client.cluster.workers.values():
            nanny.close_gracefully()  # it does not start its worker again
            os.kill(nanny.pid, signal.SIGKILL)
        with pytest.raises(ExceptionGroup) as raised:
            results_at_end(snooze, [0.0])
    assert [type(each) for each in leaves(raised.value)] == [NoWorkerError]


def test_a_cluster_without_a_worker_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("dask_study.FIRST_WORKER", 0.1)
    with (
        config.set({"temporary-directory": str(tmp_path)}),
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
    ):
        address = ["--scheduler", cluster.scheduler_address]
        monkeypatch.setattr(sys, "argv", ["program", *address])
        with pytest.raises(TimeoutError, match="has no worker"):
            run(abs, -1)


def test_a_group_that_looks_often_leaves_no_task_in_the_loop_of_its_client(client):
    async def tasks():
        return len(asyncio.all_tasks())

    with Group() as group:
        for _ in range(2):
            group.submit(group.stop.wait, 600)
        assert group.next(0.01) is None
        before = client.sync(tasks)
        for _ in range(20):
            assert group.next(0.01) is None
        assert client.sync(tasks) <= before + 5  # the client has tasks of its own
        group.cancel()


def fail_at_length(length):
    try:
        raise CancelledError
    except CancelledError:
        raise ValueError("x" * length) from None


def test_a_long_error_keeps_its_context(client):
    with Group() as group:
        error = failure(group.submit(fail_at_length, 20_000))
        group.next()
    assert str(error) == "x" * 20_000
    assert isinstance(error.__context__, CancelledError)


def test_an_exit_with_a_long_message_reaches_the_caller(client):
    with pytest.raises(SystemExit, match=r"^y{20000}$"):
        results_at_end(lambda message, stop: sys.exit(message), ["y" * 20_000])


def fail_at_depth(depth):
    if depth:
        fail_at_depth(depth - 1)
    raise ValueError("deep")


def fail_behind(depth):
    try:
        fail_at_depth(depth)
    except ValueError as error:
        raise KeyError("flat") from error


class Many(Exception):
    """A plain error with the attribute that a group has."""

    exceptions = "none"


def fail_with_many():
    raise Many("many")


def test_an_error_that_only_looks_like_a_group_reaches_the_caller(client):
    with Group() as group:
        error = failure(group.submit(fail_with_many))
        group.next()
    assert type(error).__name__ == "Many"


@pytest.mark.parametrize("job", [fail_at_depth, fail_behind])
def test_an_error_with_a_deep_traceback_reaches_the_caller(client, job):
    with Group() as group:
        error = failure(group.submit(job, 800))
        group.next()
    deep = error.__cause__ or error
    assert str(deep) == "deep"
    assert traceback.extract_tb(deep.__traceback__)[-1].name == "fail_at_depth"


def test_a_group_that_has_stopped_leaves_no_event_in_the_scheduler(client):
    def fail(item, stop):
        raise ValueError(item)

    def events(dask_scheduler):
        return len(dask_scheduler.extensions["events"]._events)

    with pytest.raises(ExceptionGroup):
        results_at_end(fail, [1, 2])
    assert client.run_on_scheduler(events) == 0


def note_and_square(path, number):
    note(path, number)
    time.sleep(0.001 * (number % 5))
    return number * number


def workers_of_this_process():
    """Return the processes that a cluster has started here, and not their helpers."""
    return [
        process
        for process in psutil.Process().children()
        if "spawn_main" in " ".join(process.cmdline())
    ]


@pytest.mark.parametrize("seed", range(COMPUTATIONS))
def test_a_computation_is_made_at_most_once_when_a_worker_is_killed(tmp_path, seed):
    log, items, chance = tmp_path / "log", range(12), random.Random(seed)
    log.touch()
    ended = threading.Event()

    def kill():
        while not (workers := workers_of_this_process()):
            if ended.wait(0.001):
                return
        ended.wait(chance.uniform(0, 1))
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(workers).kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        squares = cpu(partial(note_and_square, log), items, 2)
        assert squares == [number * number for number in items]
    except (KilledWorker, NoValidWorkerError, RuntimeError):
        pass  # in a call, after it and with its result, or before the worker began
    finally:
        ended.set()
        killer.join()
    assert max(Counter(log.read_text().split()).values(), default=0) <= 1
    assert not workers_of_this_process()


def why_not():
    """Return why this process may not make network namespaces, or "" if it may."""
    return runpy.run_path(str(CUT_OFF))["why_not"]()


def test_nothing_is_lost_when_a_worker_is_cut_off_from_the_network(tmp_path):
    if reason := why_not():
        pytest.skip(reason)
    done = subprocess.run(
        [sys.executable, CUT_OFF, tmp_path], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    results, places = done.stdout.splitlines()
    assert results == repr(["long", *"abcdefgh"])
    assert places == "one two"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (None, "ip(8) is not installed"),
        ("#!/bin/sh\necho not permitted >&2; exit 1", "ip netns add: not permitted"),
    ],
)
def test_a_skipped_test_says_why_it_may_not_make_namespaces(
    tmp_path, monkeypatch, program, reason
):
    if program:
        (tmp_path / "ip").write_text(program)
        (tmp_path / "ip").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_not() == reason
