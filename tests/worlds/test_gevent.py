import os
import subprocess
import sys
import threading
import time
import weakref

import gevent
import gevent.hub
import gevent.os
import gevent.select
import gevent.socket
import pytest
from concurrency_study.world import (
    CANCELLED,
    Deadlock,
    LostError,
    NotCovered,
    StillAlive,
)
from concurrency_study.worlds import gevent as module
from concurrency_study.worlds.gevent import GeventWorld
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore, RLock, Semaphore
from gevent.pool import Group, Pool
from gevent.queue import Channel, Empty, Full, JoinableQueue, Queue
from gevent.threadpool import ThreadPool, ThreadPoolExecutor


@pytest.fixture
def world(capfd):
    yield GeventWorld()
    assert capfd.readouterr() == ("", "")


def fails(after=0.0, error=ValueError):
    gevent.sleep(after)
    raise error(f"after {after:g}")


# Time


def test_sleeps_end_at_their_exact_instants(world):
    seen = []

    def answer():
        for seconds in (0.1, 0.2, 3600, 0.3):
            gevent.sleep(seconds)
            seen.append(world.now())

    world.run(answer)
    assert seen == [0.1, 0.3, 3600.3, 3600.6]
    assert world.returned_at == 3600.6


def test_equal_instants_come_in_order_of_creation(world):
    seen = []

    def sleeper(name):
        gevent.sleep(1)
        seen.append(name)

    world.run(lambda: gevent.joinall([gevent.spawn(sleeper, n) for n in range(50)]))
    assert seen == list(range(50))


def test_a_zero_sleep_lets_the_others_go_on(world):
    seen = []

    def answer():
        other = gevent.spawn(seen.append, "other")
        gevent.sleep(0)
        seen.append("answer")
        other.get()

    world.run(answer)
    assert seen == ["other", "answer"]
    assert world.returned_at == 0


def test_a_sleep_that_ends_with_its_timeout_wins_as_it_does_in_real_time(world):
    def answer():
        with gevent.Timeout(1):
            gevent.sleep(1)
        return world.now()

    assert world.run(answer) == 1


def test_the_clocks_of_time_are_virtual(world):
    def answer():
        before = time.monotonic(), time.perf_counter(), time.time()
        gevent.sleep(2)
        return before, (time.monotonic(), time.perf_counter(), time.time())

    assert world.run(answer) == ((0, 0, 0), (2, 2, 2))


def test_time_sleep_holds_up_everything(world):
    seen = []

    def quick():
        gevent.sleep(1)
        seen.append(("quick", world.now()))

    def answer():
        other = gevent.spawn(quick)
        gevent.sleep(0.5)
        time.sleep(2)
        seen.append(("answer", world.now()))
        other.get()

    world.run(answer)
    assert seen == [("answer", 2.5), ("quick", 2.5)]


def test_spawn_later_and_callbacks_at_an_instant(world):
    say = world.recorder()
    world.at(2, say, "planned")

    def answer():
        world.at(1.5, say, "asked for")
        gevent.spawn_later(1, say, "spawned").join()
        gevent.sleep(2)

    world.run(answer)
    assert say == [(1, "spawned"), (1.5, "asked for"), (2, "planned")]


def test_what_was_planned_after_the_end_does_not_come_to_pass(world):
    say = world.recorder()
    world.at(5, say, "late")
    world.run(gevent.sleep, 1)
    world.run(gevent.sleep, 10)
    assert say == []


def test_an_error_in_a_callback_at_an_instant_fails_the_run(world):
    world.at(1, fails)
    with world.raises(LostError):
        world.run(gevent.sleep, 2)


def test_ten_thousand_sleepers(world):
    def answer():
        gevent.joinall([gevent.spawn(gevent.sleep, n % 100) for n in range(10_000)])

    world.run(answer)
    assert world.returned_at == 99


def test_a_repeating_timer(world):
    seen = []

    def answer():
        timer = gevent.get_hub().loop.timer(1, repeat=2)
        timer.start(lambda: seen.append(world.now()))
        gevent.sleep(6)
        timer.again(lambda: seen.append(world.now()))
        gevent.sleep(3)
        timer.close()
        gevent.sleep(3)

    world.run(answer)
    assert seen == [1, 3, 5, 8]


# Greenlets


def test_join_and_get(world):
    def work(seconds):
        gevent.sleep(seconds)
        return seconds

    def answer():
        one, two = gevent.spawn(work, 1), gevent.spawn(work, 2)
        one.join(timeout=0.5)
        early = world.now(), one.ready()
        with world.raises(gevent.Timeout):
            two.get(timeout=1)
        return early, one.get(), world.now(), two.get(), world.now()

    assert world.run(answer) == ((0.5, False), 1, 1.5, 2, 2)


def test_joinall_with_a_timeout_and_iwait(world):
    def answer():
        jobs = [gevent.spawn(gevent.sleep, seconds) for seconds in (3, 1, 2)]
        done = gevent.joinall(jobs, timeout=1.5)
        at = [(world.now(), jobs.index(job)) for job in gevent.iwait(jobs)]
        return [jobs.index(job) for job in done], at

    assert world.run(answer) == ([1], [(1.5, 1), (2, 2), (3, 0)])


def test_joinall_raises_the_first_error(world):
    def answer():
        jobs = [gevent.spawn(fails, 2), gevent.spawn(fails, 1, KeyError)]
        try:
            gevent.joinall(jobs, raise_error=True)
        finally:
            gevent.killall(jobs)

    with world.raises(KeyError):
        world.run(answer)
    assert world.returned_at == 1


def test_kill_runs_cleanup_that_sleeps(world):
    seen = []

    def job():
        try:
            gevent.sleep(10)
        finally:
            gevent.sleep(0.5)
            seen.append(world.now())

    def answer():
        one, two, unborn = (gevent.spawn(job) for _ in range(3))
        unborn.kill()
        gevent.sleep(1)
        one.kill()
        seen.append(world.now())
        gevent.killall([two], timeout=2)
        assert isinstance(one.get(), gevent.GreenletExit)

    world.run(answer)
    assert seen == [1.5, 1.5, 2]


def test_links(world):
    seen = []

    def answer():
        job = gevent.spawn(fails, 1)
        job.link_exception(lambda job: seen.append((world.now(), job.exception)))
        gevent.sleep(2)

    world.run(answer)
    [(at, error)] = seen
    assert at == 1
    assert isinstance(error, ValueError)


# Timeouts


def test_timeouts(world):
    def answer():
        with gevent.Timeout(1) as outer, world.raises(gevent.Timeout) as raised:
            with gevent.Timeout(5):
                gevent.sleep(10)
        assert raised.value is outer
        with gevent.Timeout(1, False):
            gevent.sleep(10)
        with world.raises(KeyError), gevent.Timeout(1, KeyError):
            gevent.sleep(10)
        with gevent.Timeout(1), gevent.Timeout(None):
            gevent.sleep(0.5)
        return gevent.with_timeout(0.5, gevent.sleep, 1, timeout_value="late")

    assert world.run(answer) == "late"
    assert world.returned_at == 4


# Queues, events, locks


def test_events(world):
    def answer():
        event, result = Event(), AsyncResult()
        world.at(2, event.set)
        world.at(3, result.set, "value")
        assert not event.wait(timeout=1)
        assert event.wait(timeout=5)
        with world.raises(gevent.Timeout):
            result.get(timeout=0.5)
        return world.now(), result.get(), world.now()

    assert world.run(answer) == (2.5, "value", 3)


def test_queues(world):
    def answer():
        queue = JoinableQueue(1)
        queue.put("a")
        with world.raises(Full):
            queue.put("b", timeout=1)
        world.at(2, queue.get_nowait)
        queue.put("c")
        then = [world.now()]
        world.at(4, queue.task_done)
        world.at(5, queue.task_done)
        queue.get()
        with world.raises(Empty):
            queue.get(timeout=1)
        then.append(world.now())
        queue.join()
        then.append(world.now())
        return then

    assert world.run(answer) == [2, 3, 5]


def test_a_channel(world):
    def answer():
        channel = Channel()
        putter = gevent.spawn_later(2, channel.put, "through")
        with world.raises(Empty):
            channel.get(timeout=1)
        through = channel.get(), world.now()
        putter.get()
        return through

    assert world.run(answer) == ("through", 2)


@pytest.mark.parametrize("kind", [Semaphore, BoundedSemaphore, RLock])
def test_locks(world, kind):
    lock = kind()

    def holder():
        with lock:
            gevent.sleep(3)

    def answer():
        other = gevent.spawn(holder)
        gevent.sleep(0)
        assert not lock.acquire(timeout=1)
        then = world.now()
        with lock:
            return then, world.now(), other.get()

    assert world.run(answer) == (1, 3, None)


def test_a_queue_from_before_the_run(world):
    queue = Queue()
    world.at(1, queue.put, "late")
    assert world.run(queue.get, timeout := True, 2) == "late", timeout
    assert world.returned_at == 1


# Pools


def test_a_pool_runs_so_many_at_a_time(world):
    def work(seconds):
        gevent.sleep(seconds)
        return seconds

    def answer():
        pool = Pool(2)
        got = [(world.now(), r) for r in pool.imap_unordered(work, [3, 1, 1])]
        return got, pool.map(work, [1, 2, 1]), world.now()

    assert world.run(answer) == ([(1, 1), (2, 1), (3, 3)], [1, 2, 1], 5)


def test_a_group_that_raises(world):
    def answer():
        group = Group()
        group.spawn(fails, 1)
        group.spawn(gevent.sleep, 2)
        group.join(raise_error=True)

    with world.raises(ValueError):
        world.run(answer)
    assert world.returned_at == 2


# Threads


def test_time_stands_still_while_a_worker_works(world):
    begun, go = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert go.wait(30)
        return world.now()

    def answer():
        result = gevent.get_hub().threadpool.spawn(work)
        begun.wait()
        # Only real time can pass now: somebody outside lets the worker go.
        threading.Timer(0.05, go.set).start()
        gevent.sleep(1)
        return result.get(), world.now()

    assert world.run(answer) == (0, 1)


def test_a_worker_sleeps_virtually(world):
    def work(seconds):
        time.sleep(seconds)
        return seconds, world.now()

    def answer():
        pool = gevent.get_hub().threadpool
        two = pool.spawn(work, 2)
        first = pool.apply(work, (1,))
        gevent.sleep(0.5)
        return first, world.now(), two.get(), pool.map(work, [1, 2]), world.now()

    assert world.run(answer) == ((1, 1), 1.5, (2, 2), [(1, 3), (2, 4)], 4)


def test_more_jobs_than_threads(world):
    def answer():
        pool = ThreadPool(2)
        results = [
            gevent.spawn(pool.apply, time.sleep, (seconds,))
            for seconds in (2, 1, 3, 1, 1)
        ]
        try:
            return [(world.now(), results.index(r)) for r in gevent.iwait(results)]
        finally:
            pool.kill()

    assert world.run(answer) == [(1, 1), (2, 0), (3, 3), (4, 2), (4, 4)]


def test_join_of_a_thread_pool_is_exact(world):
    def answer():
        pool = ThreadPool(3)
        for seconds in (2, 0.25, 1):
            pool.spawn(time.sleep, seconds)
        pool.join()
        pool.kill()

    world.run(answer)
    assert world.returned_at == 2


def test_a_thread_pool_executor(world):
    def answer():
        with ThreadPoolExecutor(1) as executor:
            future = executor.submit(time.sleep, 2)
            return future.result(timeout=3), world.now()

    assert world.run(answer) == (None, 2)


def test_an_error_of_a_worker_reaches_who_asks(world):
    def work():
        raise KeyError("worker")

    with world.raises(KeyError):
        world.run(lambda: gevent.get_hub().threadpool.apply(work))


def test_an_error_of_a_worker_that_nobody_asks_for(world):
    def work():
        raise KeyError("worker")

    def answer():
        gevent.get_hub().threadpool.spawn(work)
        gevent.sleep(1)

    with world.raises(LostError):
        world.run(answer)


def test_a_worker_outlives_the_answer(world):
    def answer():
        gevent.get_hub().threadpool.spawn(time.sleep, 3)
        gevent.sleep(1)

    with pytest.raises(StillAlive, match="a worker thread was alive"):
        world.run(answer)
    world.run(gevent.sleep, 1)


# Jobs


def test_a_job_is_traced(world):
    @world.job
    async def job(w, seconds):
        await w.sleep(seconds)
        return w.now()

    def answer():
        return [g.get() for g in [gevent.spawn(job, s) for s in (2, 1)]]

    assert world.run(answer) == [2, 1]
    assert [(e.at, e.actor, e.what) for e in world.trace] == [
        (0, "job(2)", "start"),
        (0, "job(2)", "sleep"),
        (0, "job(1)", "start"),
        (0, "job(1)", "sleep"),
        (1, "job(1)", "wake"),
        (1, "job(1)", "end"),
        (2, "job(2)", "wake"),
        (2, "job(2)", "end"),
    ]


def test_a_job_sees_its_cancellation(world):
    @world.job
    async def job(w):
        try:
            await w.forever()
        except w.Cancelled:
            await w.sleep(1)
            raise

    assert world.run(job, cancel_at=2) == CANCELLED
    assert world.returned_at == 3


def test_a_job_cannot_wait_by_other_means(world):
    class Pause:
        def __await__(self):
            yield

    @world.job
    async def job(w):
        await Pause()

    with world.raises(NotCovered):
        world.run(job)


# Ends


def test_cancellation(world):
    assert world.run(gevent.sleep, 5, cancel_at=2) == CANCELLED
    assert world.returned_at == 2
    assert world.run(gevent.sleep, 5, cancel_at=0) == CANCELLED
    assert world.run(lambda: "done", cancel_at=0) == "done"

    def stubborn():
        try:
            gevent.sleep(5)
        except gevent.GreenletExit:
            return "survived"

    assert world.run(stubborn, cancel_at=2) == "survived"


def test_a_value_and_an_error(world):
    assert world.run(lambda a, b: a + b, 1, 2) == 3
    with world.raises(ValueError):
        world.run(fails, 1)
    with world.raises(SystemExit):
        world.run(fails, 1, SystemExit)


def test_leftovers(world):
    ended = []

    def lingers():
        try:
            gevent.sleep(5)
        finally:
            ended.append(world.now())

    @world.job
    async def job(w):
        await w.sleep(5)

    def answer():
        gevent.spawn(lingers)
        gevent.spawn(job)
        gevent.sleep(1)

    with pytest.raises(StillAlive, match=r"job\(\) was alive\n  greenlet Greenlet"):
        world.run(answer)
    assert ended == [1]

    def never_begun():
        gevent.spawn_later(3, ended.append, "never")

    with pytest.raises(StillAlive, match="at 0 s"):
        world.run(never_begun)
    world.run(gevent.sleep, 10)
    assert ended == [1]


def test_a_leftover_whose_cleanup_never_ends(world):
    def stubborn():
        try:
            gevent.sleep(5)
        finally:
            Event().wait()

    def answer():
        gevent.spawn(stubborn)
        gevent.sleep(1)

    with pytest.raises(StillAlive):
        world.run(answer)
    world.run(gevent.sleep, 10)


# Errors that reach nobody


def test_an_error_of_a_greenlet_that_nobody_keeps_is_lost(world):
    def answer():
        gevent.spawn(fails, 1)
        gevent.sleep(2)

    with pytest.raises(LostError, match="after 1"):
        world.run(answer)


def test_an_error_in_a_pool_that_nobody_asks_is_lost(world):
    def answer():
        pool = Pool(2)
        pool.spawn(fails, 1)
        pool.join()

    with world.raises(LostError):
        world.run(answer)


def test_an_error_whose_only_link_is_for_values_is_lost(world):
    def answer():
        gevent.spawn(fails, 1).link_value(print)
        gevent.sleep(2)

    with world.raises(LostError):
        world.run(answer)


def test_an_error_in_a_link_or_a_raw_greenlet_is_lost(world):
    def linked():
        gevent.spawn(gevent.sleep, 1).link(lambda _: fails())
        gevent.sleep(2)

    def raw():
        gevent.spawn_raw(fails, 1)
        gevent.sleep(2)

    for answer in (linked, raw):
        with world.raises(LostError):
            world.run(answer)


def test_an_error_that_somebody_takes_is_not_lost(world):
    def waited_for():
        with world.raises(ValueError):
            gevent.spawn(fails, 1).get()

    def asked_later():
        job = gevent.spawn(fails, 1)
        gevent.sleep(2)
        assert not job.successful()
        assert isinstance(job.exception, ValueError)

    def one_by_one():
        jobs = [gevent.spawn(fails, 1), gevent.spawn(fails, 2)]
        for job in gevent.iwait(jobs):
            with world.raises(ValueError):
                job.get()

    def in_a_group():
        group = Group()
        group.spawn(fails, 1)
        group.spawn(fails, 2)
        with world.raises(ValueError):
            group.join(raise_error=True)

    def unordered():
        with world.raises(ValueError):
            list(Pool(2).imap_unordered(fails, [1, 2]))

    for answer in (waited_for, asked_later, one_by_one, in_a_group, unordered):
        world.run(answer)


def test_an_error_that_ends_the_process_comes_out(world):
    def answer():
        gevent.spawn(fails, 1, SystemExit)
        gevent.sleep(2)

    with world.raises(SystemExit):
        world.run(answer)
    assert world.run(gevent.sleep, 1) is None


# Deadlock


def test_a_deadlock_names_who_waits_for_what(world):
    @world.job
    async def job(w):
        await w.forever()

    def answer():
        gevent.spawn(job)
        Queue().get()

    with pytest.raises(Deadlock) as raised:
        world.run(answer)
    assert raised.value.waiters == [
        "greenlet Greenlet-0: test_gevent.py:"
        f"{job_line(job)}: await w.forever(), in GeventJob._forever",
        f"greenlet answer: test_gevent.py:{line_of(answer, 2)}: Queue().get()",
    ]
    world.run(gevent.sleep, 1)
    assert world.returned_at == 1


def line_of(function, further):
    return function.__code__.co_firstlineno + further


def job_line(job):
    [traced] = [
        cell.cell_contents for cell in job.__closure__ if callable(cell.cell_contents)
    ]
    [function] = [
        cell.cell_contents
        for cell in traced.__closure__
        if getattr(cell.cell_contents, "__name__", "") == "job"
    ]
    return line_of(function, 2)


def test_a_deadlock_comes_at_the_last_moment_anybody_moved(world):
    def answer():
        gevent.sleep(2)
        Event().wait()

    with world.raises(Deadlock):
        world.run(answer)
    assert world.now() == 2


def test_input_that_never_comes(world, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    reader, writer = os.pipe()
    try:
        with pytest.raises(Deadlock, match="wait_read"):
            world.run(gevent.socket.wait_read, reader)
    finally:
        os.close(reader)
        os.close(writer)


# Real input


def test_input_comes_before_a_jump(world):
    def answer():
        reader, writer = os.pipe()
        seen = []

        def read():
            gevent.os.make_nonblocking(reader)
            while got := gevent.os.nb_read(reader, 10):
                seen.append((world.now(), got))
                gevent.sleep(1)
            os.close(reader)

        job = gevent.spawn(read)
        gevent.sleep(1)
        os.write(writer, b"one")
        gevent.sleep(0.5)
        os.write(writer, b"two")
        gevent.sleep(3)
        os.close(writer)
        job.get()
        return seen

    assert world.run(answer) == [(1, b"one"), (2, b"two")]


def test_input_from_outside_is_waited_for(world):
    reader, writer = os.pipe()
    threading.Timer(0.05, os.write, (writer, b"x")).start()

    def answer():
        gevent.socket.wait_read(reader)
        gevent.sleep(1)
        return os.read(reader, 1)

    try:
        assert world.run(answer) == b"x"
    finally:
        os.close(reader)
        os.close(writer)
    assert world.returned_at == 1


def test_sockets_and_select(world):
    def answer():
        ours, theirs = gevent.socket.socketpair()
        with ours, theirs:
            ours.settimeout(1)
            with world.raises(TimeoutError):
                ours.recv(1)
            assert gevent.select.select([ours], [], [], 1) == ([], [], [])
            world.at(3, lambda: gevent.spawn(theirs.sendall, b"x"))
            ready, _, _ = gevent.select.select([ours], [], [], 2)
            return ready == [ours], world.now(), ours.recv(1)

    assert world.run(answer) == (True, 3, b"x")


def test_a_socket_from_before_the_run(world):
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        world.at(2, lambda: gevent.spawn(theirs.sendall, b"x"))
        assert world.run(ours.recv, 1) == b"x"
    assert world.returned_at == 2


# The hub


def test_what_is_not_covered(world):
    def process():
        import gevent.subprocess

        gevent.subprocess.Popen([sys.executable, "-c", ""])

    def signal():
        gevent.signal_handler(2, print)

    for answer in (process, signal):
        with world.raises(NotCovered):
            world.run(answer)


def test_real_time_between_runs(world):
    world.run(gevent.sleep, 100)
    gevent.sleep(0.001)
    assert gevent.spawn(lambda: "done").get() == "done"
    hub = gevent.get_hub()
    assert "print_exception" not in vars(hub)
    assert hub.threadpool.apply(lambda: time.monotonic() > 0)
    world.run(gevent.sleep, 100)
    assert world.returned_at == 100


def test_greenlets_are_not_kept(world):
    seen = []

    def answer():
        job = gevent.spawn(gevent.sleep, 1)
        job.join()
        seen.append(weakref.ref(job))

    world.run(answer)
    assert seen[0]() is None


@pytest.mark.parametrize("hub", ["new", "used", "waiting"])
def test_a_hub_that_was_there_before(hub):
    script = f"""
import gevent, gevent.hub
from gevent.event import Event
from gevent.queue import Queue
queue = Queue()
if {hub!r} != "new":
    gevent.sleep(0.001)
if {hub!r} == "waiting":
    gevent.spawn(gevent.sleep, 100)
from concurrency_study.worlds.gevent import GeventWorld
world = GeventWorld()
world.at(2, queue.put, "late")
assert world.run(queue.get) == "late"
world.run(gevent.sleep, 100)
print(world.returned_at)
gevent.sleep(0.001)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    if hub == "waiting":
        assert "make the first gevent world before it" in done.stderr
    else:
        assert (done.stdout, done.stderr) == ("100.0\n", "")


def test_a_world_in_another_thread():
    def elsewhere():
        try:
            world = GeventWorld()
            for _ in range(2):
                world.run(gevent.sleep, 100)
                seen.append(world.returned_at)
        finally:
            gevent.get_hub().destroy()

    seen = []
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [100, 100]


def test_a_world_inside_a_greenlet(world):
    def nested():
        GeventWorld().run(gevent.sleep, 1)

    with pytest.raises(RuntimeError, match="outside of all greenlets"):
        world.run(nested)
