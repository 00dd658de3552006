"""Starting threads, and calls in a pool."""

import gc
import inspect
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor


def spawn_returns_first():
    outcomes = set()

    def child():
        ran.append("first line")

    for _ in range(100):
        ran = []
        thread = threading.Thread(target=child)
        thread.start()
        outcomes.add("no" if ran else "yes")
        thread.join()
    return outcomes


def start_order_thread():
    outcomes = set()
    for _ in range(20):
        order = []
        threads = [threading.Thread(target=order.append, args=(n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcomes.add("yes" if order == sorted(order) else "no")
    return outcomes


def start_order_pool():
    order = []
    with ThreadPoolExecutor(max_workers=1) as pool:
        for number in range(100):
            pool.submit(order.append, number)
    return "yes" if order == sorted(order) else "no"


def wait_until_ready():
    ready = []

    def child():
        time.sleep(1)
        ready.append("child")
        print("ready")

    thread = threading.Thread(target=child)
    thread.start()
    print("start has returned")
    answer = "yes" if ready else "no"
    thread.join()
    return answer


def ready_with_future():
    ready = Future()

    def child():
        try:
            time.sleep(1)
            ready.set_result("works")
        except BaseException as error:
            ready.set_exception(error)

    thread = threading.Thread(target=child)
    thread.start()
    result = ready.result()
    thread.join()
    return result


def cancelled_before_start_pool():
    ran = []
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(time.sleep, 2)
        waiting = pool.submit(ran.append, "body")
        time.sleep(1)
        print(f"cancel() returns {waiting.cancel()}")
    return "to its end" if ran else "never runs"


def cancelled_before_start_timer():
    ran = []
    timer = threading.Timer(2, ran.append, ["body"])
    timer.start()
    time.sleep(1)
    timer.cancel()
    print("cancelled")
    timer.join()
    return "to its end" if ran else "never runs"


def cancelled_before_start_thread():
    thread = threading.Thread(target=time.sleep, args=(1,))
    names = ("cancel", "stop", "kill", "terminate", "interrupt", "close")
    return "never runs" if any(hasattr(thread, name) for name in names) else "absent"


def free_operation_yields_once():
    lock, items = threading.Lock(), queue.SimpleQueue()
    go, ran = threading.Event(), []

    def other():
        go.wait()
        ran.append("other")

    sys.setswitchinterval(60)  # the interpreter lets nothing else run by itself
    try:
        thread = threading.Thread(target=other)
        thread.start()
        go.set()
        for number in range(1000):
            with lock:
                items.put(number)
            items.get()
        answer = "yes" if ran else "no"
    finally:
        sys.setswitchinterval(0.005)
    thread.join()
    return answer


def free_operation_yields_loop():
    lock, go, ran = threading.Lock(), threading.Event(), []

    def other():
        go.wait()
        ran.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    go.set()
    deadline = time.monotonic() + 30
    while not ran and time.monotonic() < deadline:
        with lock:
            pass
    answer = "yes" if ran else "no"
    thread.join()
    return answer


def checkpoint_lets_all_run():
    outcomes = set()
    for _ in range(10_000):
        ran = []
        go = threading.Event()

        def other():
            go.wait()
            ran.append("other")

        threads = [threading.Thread(target=other) for _ in range(3)]
        for thread in threads:
            thread.start()
        go.set()
        time.sleep(0)
        outcomes.add("yes" if len(ran) == 3 else "no")
        for thread in threads:
            thread.join()
        if len(outcomes) == 2:
            break
    return outcomes


def equal_deadlines():
    outcomes = set()

    def sleeper(number):
        time.sleep(max(0, deadline - time.monotonic()))
        order.append(number)

    for _ in range(20):
        order = []
        deadline = time.monotonic() + 0.01
        threads = [threading.Thread(target=sleeper, args=(n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcomes.add("yes" if order == sorted(order) else "no")
    return outcomes


def spawn_into_ended_group():
    ran = []
    pool = ThreadPoolExecutor()
    pool.shutdown()
    try:
        future = pool.submit(ran.append, "child")
    except RuntimeError:
        return "raises RuntimeError"
    return "cancels the child" if future.cancelled() else "starts the child"


def child_inherits_timeout():
    ended = []

    def child():
        time.sleep(3)
        ended.append("child")
        print("finished")

    def parent():
        threading.Thread(target=child).start()
        time.sleep(2)

    with ThreadPoolExecutor() as pool:
        try:
            pool.submit(parent).result(timeout=1)
        except TimeoutError:
            print("the timeout is over")
            time.sleep(5)
    return "no" if ended else "yes"


def call_without_await():
    ran = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threading.Thread(target=ran.append, args=("body",))
        gc.collect()
    return "it runs" if ran else "a warning" if caught else "nothing"


def group_limits_children_pool():
    running, most = set(), []

    def child(number):
        running.add(number)
        most.append(len(running))
        time.sleep(1)
        running.remove(number)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for _ in pool.map(child, range(10)):
            pass
    return "yes" if max(most) == 2 else "no"


def group_limits_children_thread():
    running, most = set(), []

    def child(number):
        running.add(number)
        most.append(len(running))
        time.sleep(1)
        running.remove(number)

    threads = [threading.Thread(target=child, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "no" if max(most) == 10 else "yes"


def plain_function_waits():
    steps = []

    def other():
        time.sleep(1)
        steps.append("other ran")
        print("other has run")

    def plain():
        with ThreadPoolExecutor() as pool:
            return pool.submit(time.sleep, 2).result()

    thread = threading.Thread(target=other)
    thread.start()
    plain()
    steps.append("plain returned")
    print("plain has returned")
    thread.join()
    return "yes" if steps == ["other ran", "plain returned"] else "no"


def import_before_patching():
    modules = threading, queue, socket, subprocess, time
    names = [name for module in modules for name in dir(module)]
    return "yes" if any("patch" in name for name in names) else "absent"


def default_thread_limit():
    cpus = getattr(os, "process_cpu_count", os.cpu_count)()
    running, most = set(), []

    def job(number):
        running.add(number)
        most.append(len(running))
        time.sleep(1)
        running.remove(number)

    with ThreadPoolExecutor() as pool:
        for _ in pool.map(job, range(100)):
            pass
    return "cpu + 4" if max(most) == min(32, cpus + 4) else str(max(most))


def await_without_suspending():
    def compute():
        return sum(range(1000))

    return "no" if inspect.isawaitable(compute()) else "absent"


def start_same_twice_thread():
    ran = []
    thread = threading.Thread(target=ran.append, args=("body",))
    thread.start()
    thread.join()
    try:
        thread.start()
    except RuntimeError:
        return "raises RuntimeError"
    thread.join()
    return "runs it again" if len(ran) == 2 else "nothing"


def start_same_twice_result():
    ran = []

    def job():
        ran.append("job")
        return object()

    with ThreadPoolExecutor() as pool:
        future = pool.submit(job)
        same = future.result() is future.result()
    return "gives the same result" if same and len(ran) == 1 else "runs it again"


def full_pool_blocks_submitter():
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(time.sleep, 1)
        begin = time.monotonic()
        pool.submit(time.sleep, 1)
        waited = time.monotonic() - begin
        print("submitted")
    return "yes" if waited >= 1 else "no"


def submitter_waits():
    free = threading.Semaphore(2)

    def job():
        try:
            time.sleep(1)
        finally:
            free.release()

    begin = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for _ in range(6):
            free.acquire()
            pool.submit(job)
        waited = time.monotonic() - begin
    return "works" if waited >= 2 else "fails"
