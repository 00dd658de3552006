"""The end of a program with gevent: Ctrl-C, leftovers, and what is refused."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import gevent
import gevent.subprocess
from gevent import monkey, socket
from gevent.event import Event
from gevent.exceptions import LoopExit
from gevent.fileobject import FileObject
from gevent.lock import BoundedSemaphore
from gevent.pool import Group, Pool
from gevent.server import StreamServer


def interrupt_while_waiting():
    cleaned_up = []

    def worker():
        try:
            gevent.sleep(60)
        finally:
            cleaned_up.append("worker")

    workers = [gevent.spawn(worker) for _ in range(3)]
    gevent.sleep(0)  # lets every worker reach its wait
    interrupt = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
    try:
        interrupt.start()
        gevent.joinall(workers)
    except KeyboardInterrupt:
        cleaned_up.append("main")
    return "of the main task" if cleaned_up == ["main"] else "of all"


def kill_all_in_finally():
    cleaned_up = []

    def worker():
        try:
            gevent.sleep(60)
        finally:
            cleaned_up.append("worker")

    workers = [gevent.spawn(worker) for _ in range(3)]
    try:
        with contextlib.suppress(KeyboardInterrupt):
            gevent.sleep(0)
            raise KeyboardInterrupt
    finally:
        gevent.killall(workers)
    return "works" if len(cleaned_up) == 3 else "fails"


def interrupt_while_computing():
    sent = []

    def compute():
        while True:
            sent.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)

    try:
        gevent.spawn(compute).join()
    except KeyboardInterrupt:
        return "the first" if len(sent) == 1 else "the second"


def left_over_at_end():
    program = """
import gevent

def worker():
    try:
        gevent.sleep(0.2)
        print("ended")
    finally:
        print("cleaned up")

gevent.spawn(worker)
gevent.sleep(0.01)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    if run.stdout == "":
        return "is abandoned"
    return "is waited for" if "ended" in run.stdout else "is cancelled"


def join_before_the_end():
    ended = []
    group = Group()
    group.spawn(gevent.sleep, 1).link(ended.append)
    group.join()
    gevent.sleep(0)
    return "works" if ended else "fails"


def break_out_of_generator():
    steps = []

    def numbers():
        try:
            yield from range(10)
        finally:
            gevent.sleep(1)
            steps.append("closed")
            print("finally has run")

    for _ in numbers():
        break
    print("after the loop")
    return "at once" if steps else "at garbage collection"


def yield_inside_timeout():
    def numbers():
        with gevent.Timeout(1):
            yield 1

    generator = numbers()
    try:
        for _ in generator:
            gevent.sleep(60)
    except gevent.Timeout:
        print("raised in the consumer")
        return "the consumer" if generator.gi_frame else "the generator"


def two_consumers():
    def numbers():
        for number in range(10):
            gevent.sleep(1)
            yield number

    generator = numbers()
    consumers = [gevent.spawn(list, generator) for _ in range(2)]
    try:
        gevent.joinall(consumers, raise_error=True)
    except ValueError:
        return "raises ValueError"
    return "yes"


def socket_closed_under_reader():
    ours, theirs = socket.socketpair()
    reader = gevent.spawn(ours.recv, 1)
    gevent.sleep(0.01)
    ours.close()
    try:
        with theirs, contextlib.redirect_stderr(None):
            reader.get(timeout=30)
    except OSError:
        return "an error"
    except gevent.Timeout:
        return "nothing, for ever"
    return "end of file"


def server_closed_while_idle_default():
    def handle(connection, _):
        accepted.set()
        connection.recv(1)

    accepted = Event()
    server = StreamServer(("127.0.0.1", 0), handle)
    server.start()
    with socket.create_connection(server.address) as client:
        accepted.wait()
        server.stop(timeout=0.01)
        client.settimeout(0.1)
        try:
            return "yes" if client.recv(1) == b"" else "no"
        except TimeoutError:
            return "no"


def server_closed_while_idle_pool():
    def handle(connection, _):
        accepted.set()
        connection.recv(1)

    accepted = Event()
    server = StreamServer(("127.0.0.1", 0), handle, spawn=Pool())
    server.start()
    with socket.create_connection(server.address) as client:
        accepted.wait()
        server.stop(timeout=0.01)
        client.settimeout(30)
        try:
            return "yes" if client.recv(1) == b"" else "no"
        except TimeoutError:
            return "no"


def subprocess_after_cancel_popen():
    program = "import time; time.sleep(60)"
    process = gevent.subprocess.Popen([sys.executable, "-c", program])
    waiter = gevent.spawn(process.wait)
    gevent.sleep(0.01)
    waiter.kill()
    gevent.sleep(0.1)
    answer = "lives on" if process.poll() is None else "is killed"
    process.kill()
    process.wait()
    return answer


def subprocess_after_cancel_run():
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    reading, writing = os.pipe()
    command = [sys.executable, "-c", program]
    waiter = gevent.spawn(gevent.subprocess.run, command, stdout=writing)
    with FileObject(reading, "r") as output:
        process = int(output.readline())
    gevent.sleep(0.01)  # by now, run waits for the process
    waiter.kill()
    os.close(writing)
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return "is killed"
    return "lives on"


def deadlock_detected_alone():
    first, second = BoundedSemaphore(), BoundedSemaphore()

    def worker(one, other):
        with one:
            gevent.sleep(0)
            other.acquire()

    workers = [
        gevent.spawn(worker, first, second),
        gevent.spawn(worker, second, first),
    ]
    try:
        gevent.joinall(workers)
    except LoopExit:
        return "yes"
    return "no"


def deadlock_detected_beside_a_timer():
    first, second = BoundedSemaphore(), BoundedSemaphore()

    def worker(one, other):
        with one:
            gevent.sleep(0)
            other.acquire()

    workers = [
        gevent.spawn(worker, first, second),
        gevent.spawn(worker, second, first),
    ]
    try:
        gevent.joinall(workers, timeout=60)
        print("both still wait")
    except LoopExit:
        return "yes"
    return "no"


def locks_in_one_order():
    first, second = BoundedSemaphore(), BoundedSemaphore()

    def worker():
        with first:
            gevent.sleep(0)
            with second:
                gevent.sleep(0)

    gevent.joinall([gevent.spawn(worker), gevent.spawn(worker)])
    return "works"


def lost_update():
    count = 0

    def increment():
        nonlocal count
        before = count
        gevent.sleep(0)
        count = before + 1

    gevent.joinall([gevent.spawn(increment) for _ in range(10)])
    return "yes" if count < 10 else "no"


def ten_blocking_sleeps_spawn():
    start = time.monotonic()
    gevent.joinall([gevent.spawn(time.sleep, 0.1) for _ in range(10)])
    took = time.monotonic() - start
    return "0.1 s" if took < 0.6 else "1 s"


def ten_blocking_sleeps_thread_pool():
    start = time.monotonic()
    gevent.get_hub().threadpool.map(time.sleep, [0.1] * 10)
    took = time.monotonic() - start
    return "0.1 s" if took < 0.6 else "1 s"


def ten_blocking_sleeps_patched():
    monkey.patch_all()  # in a program: before all other imports
    start = time.monotonic()
    gevent.joinall([gevent.spawn(lambda: time.sleep(0.1)) for _ in range(10)])
    took = time.monotonic() - start
    return "0.1 s" if took < 0.6 else "1 s"


def run_inside_run():
    return "yes" if hasattr(gevent, "run") else "absent"


def child_return_value():
    child = gevent.spawn(lambda: "value")
    return "yes" if child.get() == "value" else "no"


def results_in_input_order_map():
    def job(seconds):
        gevent.sleep(seconds)
        return seconds

    results = Pool().map(job, [3, 1, 2])
    print(results)
    return "input order" if results == [3, 1, 2] else "completion order"


def results_in_input_order_joinall():
    def job(seconds):
        gevent.sleep(seconds)
        return seconds

    jobs = [gevent.spawn(job, seconds) for seconds in (3, 1, 2)]
    done = gevent.joinall(jobs)
    print([each.value for each in done])
    return "input order" if done == jobs else "completion order"


def results_in_input_order_imap_unordered():
    def job(seconds):
        gevent.sleep(seconds)
        return seconds

    results = list(Pool().imap_unordered(job, [3, 1, 2]))
    print(results)
    return "input order" if results == [3, 1, 2] else "completion order"


def abandoned_thread_delays_exit():
    program = """
import time, gevent

with gevent.Timeout(0.1, False):
    gevent.get_hub().threadpool.apply(time.sleep, (60,))
"""
    try:
        subprocess.run([sys.executable, "-c", program], timeout=20, check=True)
    except subprocess.TimeoutExpired:
        return "the exit waits"
    return "nothing waits"


def close_the_generator():
    steps = []

    def numbers():
        try:
            yield from range(10)
        finally:
            steps.append("closed")

    with contextlib.closing(numbers()) as generator:
        for _ in generator:
            break
    return "works" if steps else "fails"


def update_under_a_lock():
    count = 0
    lock = BoundedSemaphore()

    def increment():
        nonlocal count
        with lock:
            before = count
            gevent.sleep(0)
            count = before + 1

    gevent.joinall([gevent.spawn(increment) for _ in range(10)])
    return "works" if count == 10 else "fails"


def ten_gevent_sleeps():
    start = time.monotonic()
    gevent.joinall([gevent.spawn(gevent.sleep, 0.1) for _ in range(10)])
    took = time.monotonic() - start
    return "works" if took < 1 else "fails"


def values_in_input_order():
    jobs = [gevent.spawn_later(seconds, lambda s=seconds: s) for seconds in (3, 1, 2)]
    gevent.joinall(jobs)
    return "works" if [job.value for job in jobs] == [3, 1, 2] else "fails"
