"""Virtual time wherever code gets at it: captured names, locks from before, workers.

These tests run in every world.
"""

from __future__ import annotations

import datetime
import functools
import gc
import importlib
import os
import pickle
import queue
import signal
import socket
import sys
import threading
import time
import urllib.request
from http.server import ThreadingHTTPServer
from time import monotonic, sleep

import pytest
from concurrency_study.world import Deadlock, NotCovered
from concurrency_study.worlds.threads import patches, really_sleep

from .answering import Answering

LOCK = threading.Lock()
RLOCK = threading.RLock()
REAL = sleep, monotonic
later = functools.partial(time.sleep, 2)
table = {"sleep": time.sleep}


class Sleeper:
    nap = time.sleep
    static = staticmethod(time.sleep)

    def __init__(self):
        self.clock = time.monotonic

    def by_default(self, seconds, sleep=time.sleep):
        sleep(seconds)


@pytest.fixture(autouse=True)
def frozen():
    """Have a run look again for what is kept, also where the collector does not."""
    gc.freeze()
    patches.look_again()


@pytest.fixture
def lazily(tmp_path, monkeypatch):
    """A module that is not loaded yet."""
    (tmp_path / "loaded_lazily.py").write_text(
        "from threading import Lock\nfrom time import monotonic, sleep\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("loaded_lazily", None)


# Captured names


def test_captured_names_are_virtual(world):
    @world.job
    async def job(w):
        begin = monotonic()
        await w.sleep(10)
        return monotonic() - begin

    assert world.run(job) == 10
    assert (sleep, monotonic) == REAL


def test_a_captured_sleep_is_virtual_wherever_it_is_kept(world, in_thread):
    def work():
        sleep(1)
        later()
        table["sleep"](3)
        Sleeper.nap(4)
        Sleeper().by_default(5)
        Sleeper.static(6)
        Sleeper().nap(7)  # no class binds a builtin function
        return sleeper.clock()

    sleeper = Sleeper()
    patches.look_again()
    assert world.run(in_thread, work) == 28
    assert world.returned_at == 28
    assert sleeper.clock is time.monotonic
    assert later.func is table["sleep"] is Sleeper.nap is time.sleep is sleep
    assert Sleeper.static is sleep
    assert Sleeper.by_default.__defaults__ == (sleep,)


@pytest.mark.usefixtures("lazily")
def test_a_module_loaded_in_a_run_keeps_no_virtual_clock(world, in_thread):
    def work():
        module = importlib.import_module("loaded_lazily")
        begin = module.monotonic()
        module.sleep(10)
        return module.monotonic() - begin

    assert world.run(in_thread, work) == 10
    module = sys.modules["loaded_lazily"]
    assert (module.sleep, module.monotonic) == REAL
    assert module.Lock is threading.Lock
    assert world.run(in_thread, work) == 10


@pytest.mark.usefixtures("lazily")
def test_a_module_that_was_loaded_again(world, in_thread):
    def work():
        sys.modules["loaded_lazily"].sleep(10)

    for _ in range(2):
        sys.modules.pop("loaded_lazily", None)
        importlib.import_module("loaded_lazily")
        world.run(in_thread, work)
        assert world.returned_at == 10


def test_a_mock_made_in_a_run_lives_until_its_own_end(world, in_thread, monkeypatch):
    original = time.monotonic
    world.run(in_thread, lambda: monkeypatch.setattr(time, "monotonic", lambda: 7))
    assert time.monotonic() == 7
    monkeypatch.undo()
    patches.clear()  # the plugin does it after each test
    assert time.monotonic is original


def test_a_name_kept_from_a_run_is_real_afterwards(world):
    kept = []

    @world.job
    async def job(w):
        kept.extend([time.monotonic, time.time, datetime.datetime, threading.Lock])
        await w.sleep(5)

    world.run(job)
    monotonic_, time_, datetime_, lock = kept
    assert abs(monotonic_() - time.monotonic()) < 60
    assert abs(time_() - time.time()) < 60
    assert abs(datetime_.now() - datetime.datetime.now()).seconds < 60
    assert type(lock()) is type(threading.Lock())


def test_an_object_in_place_of_a_module_does_no_harm(world, monkeypatch):
    class Lazy:
        __dict__ = None

        def __getattr__(self, name):
            raise RuntimeError(name)

    for number, odd in enumerate([None, Lazy(), 5, Lazy]):
        monkeypatch.setitem(sys.modules, f"odd_module_{number}", odd)

    @world.job
    async def job(w):
        await w.sleep(1)

    world.run(job)
    assert world.returned_at == 1


def test_a_mock_from_before_the_run_stays(world, in_thread, monkeypatch):
    calls = []
    monkeypatch.setattr(time, "sleep", calls.append)
    world.run(in_thread, lambda: time.sleep(10))
    assert calls == [10]
    assert world.returned_at == 0


# Clocks


def test_all_clocks_agree(world):
    def read():
        aware = datetime.datetime.now(datetime.UTC)
        return [
            time.time(),
            time.time_ns() / 10**9,
            time.clock_gettime(time.CLOCK_REALTIME),
            datetime.datetime.now().timestamp(),
            datetime.datetime.today().timestamp(),
            aware.timestamp(),
            time.mktime(time.localtime()),
        ], [
            time.monotonic(),
            time.perf_counter(),
            time.clock_gettime(time.CLOCK_MONOTONIC),
            time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e9,
        ]

    @world.job
    async def job(w):
        before = read()
        await w.sleep(86_400)
        return before, read(), datetime.date.today()

    real = time.time()
    (dated, steady), (dated_after, steady_after), today = world.run(job)
    assert len(set(dated)) == len(set(steady)) == 1
    assert abs(dated[0] - real) < 60
    assert dated_after == [seconds + 86_400 for seconds in dated]
    assert steady_after == [86_400] * 4
    assert today == datetime.date.fromtimestamp(dated_after[0])


def test_the_date_keeps_its_type(world):
    @world.job
    async def job(w):
        now = datetime.datetime.now()
        made = datetime.datetime(2026, 1, 2)
        return now, made, isinstance(now, datetime.datetime), datetime.datetime.min

    now, made, is_date, least = world.run(job)
    assert type(now) is type(made) is type(least) is datetime.datetime
    assert is_date


def test_dates_are_pickled_and_compared_in_a_run(world):
    class Later(datetime.datetime):
        pass

    @world.job
    async def job(w):
        now = datetime.datetime.now(datetime.UTC)
        return pickle.loads(pickle.dumps(now)) == now, type(Later.now()) is Later

    assert world.run(job) == (True, True)


def test_the_clock_never_goes_back(world, in_thread):
    def work():
        sleep(5)
        with pytest.raises(ValueError, match="non-negative"):
            sleep(-2)
        with pytest.raises((ValueError, OverflowError)):
            sleep(float("inf"))
        with pytest.raises(ValueError, match="NaN"):
            sleep(float("nan"))
        return monotonic()

    assert world.run(in_thread, work) == 5


def test_many_short_sleeps_add_up_exactly(world):
    @world.job
    async def job(w):
        for _ in range(3000):
            await w.sleep(0.1)

    world.run(job)
    assert world.returned_at == 300


@pytest.mark.parametrize("length", [1 / 3, 4.0, 0.1 + 0.2])
def test_a_poll_for_the_rest_of_a_time_ends(world, length):
    @world.job
    async def job(w):
        await w.sleep(0.1)
        begin = time.monotonic()
        while (left := length - (time.monotonic() - begin)) > 0:
            await w.sleep(left)

    world.run(job)
    assert world.returned_at == pytest.approx(0.1 + length)


def test_a_poll_without_sleep_ends_when_the_time_comes(world):
    @world.job
    async def job(w):
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            await w.sleep(0)

    try:
        world.run(job)
    except NotCovered:  # by a scheduler that itself reads the clock in each turn
        return
    assert 0.5 <= world.returned_at < 0.51


def test_a_poll_that_never_ends_is_refused(world):
    @world.job
    async def job(w):
        while not LOCK.locked():
            await w.sleep(0)

    with pytest.raises(NotCovered, match="polls or computes"):
        world.run(job)


# Threads


def test_workers_wait_for_an_event(world, in_thread, together):
    event = threading.Event()

    @world.job
    async def sets(w):
        await w.sleep(10)
        event.set()

    assert world.run(together, (in_thread, event.wait), (sets,)) == 10


def test_a_timeout_of_a_worker_is_virtual(world, in_thread):
    assert world.run(in_thread, threading.Event().wait, 3600) is False
    assert world.returned_at == 3600
    with pytest.raises(queue.Empty):
        world.run(in_thread, lambda: queue.Queue().get(timeout=60))
    assert world.returned_at == 60


@pytest.mark.parametrize("lock", [threading.Lock, lambda: LOCK, lambda: RLOCK])
def test_workers_wait_for_a_lock_also_of_before(world, in_thread, together, lock):
    say = world.recorder()

    @world.job
    async def job(w):
        shared = lock()

        def work():
            with shared:
                sleep(10)
                say("done")

        await w.call(together, (in_thread, work), (in_thread, work))

    world.run(job)
    assert [at for at, _ in say] == [10, 20]
    assert LOCK.acquire(blocking=False)
    LOCK.release()


def test_a_replaced_open_does_not_hide_a_blocked_thread(
    world, in_thread, together, monkeypatch
):
    def work():
        with LOCK:
            sleep(10)

    @world.job
    async def job(w):
        monkeypatch.setattr("builtins.open", None)
        await w.call(together, (in_thread, work), (in_thread, work))
        monkeypatch.undo()

    world.run(job)
    assert world.returned_at == 20


def test_a_job_that_really_blocks_for_ever_is_a_deadlock(world):
    @world.job
    async def job(w):
        with LOCK:
            LOCK.acquire()

    with pytest.raises(Deadlock, match=r"LOCK\.acquire\(\)"):
        world.run(job)
    assert LOCK.acquire(blocking=False)
    LOCK.release()


def test_a_thread_of_its_own_runs_in_virtual_time(world, in_thread):
    def work():
        thread = threading.Thread(target=sleep, args=(10,))
        thread.start()
        thread.join()
        return monotonic()

    assert world.run(in_thread, work) == 10


def test_a_thread_from_before_may_act(world, in_thread):
    items, go = queue.Queue(), threading.Event()

    def feed():
        go.wait()
        really_sleep(0.1)
        items.put("an item")

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:

        def work():
            go.set()
            return items.get()

        assert world.run(in_thread, work) == "an item"
    finally:
        go.set()
        feeder.join()


def test_a_thread_from_before_that_may_still_act_is_named(world):
    go = threading.Event()

    def feed():
        while not go.wait(0.01):
            pass

    feeder = threading.Thread(target=feed, name="the feeder")
    feeder.start()

    @world.job
    async def stuck(w):
        await w.forever()

    try:
        with pytest.raises((NotCovered, Deadlock)) as caught:
            world.run(stuck)
    finally:
        go.set()
        feeder.join()

    if isinstance(caught.value, Deadlock):  # of a scheduler that knows its threads
        assert caught.value.__cause__ is not None
    else:
        assert "the thread the feeder" in str(caught.value)


def test_a_deadlock_beside_a_server_from_before_is_a_deadlock(world):
    @world.job
    async def stuck(w):
        await w.forever()

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            with pytest.raises(Deadlock):
                world.run(stuck)
        finally:
            server.shutdown()
            serving.join()


class Slow(Answering):
    def wait(self):
        really_sleep(0.1)


def test_a_server_from_before_answers_before_a_timeout(world, in_thread):
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()

        def work():
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://127.0.0.1:{server.server_port}/", timeout=5) as r:
                return r.read()

        try:
            assert world.run(in_thread, work) == b"ok"
        finally:
            server.shutdown()
            serving.join()


def test_a_timeout_of_a_socket_is_virtual(world, in_thread):
    def work():
        one, other = socket.socketpair()
        with one, other:
            one.settimeout(3600)
            with pytest.raises(TimeoutError):
                one.recv(1)

    world.run(in_thread, work)
    assert world.returned_at == 3600


def test_what_takes_real_time_is_refused(world, in_thread):
    for call in (
        lambda: os.system("true"),
        lambda: os.popen("true"),
        lambda: signal.sigtimedwait([signal.SIGUSR1], 1),
    ):
        with pytest.raises(NotCovered):
            world.run(in_thread, call)
