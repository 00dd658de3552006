"""Starting processes, and calls in a pool."""

import concurrent.futures
import gc
import inspect
import multiprocessing
import os
import signal
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


def spawn_returns_first():
    outcomes = set()
    for _ in range(20):
        ran = multiprocessing.Event()
        process = multiprocessing.Process(target=ran.set)
        process.start()
        outcomes.add("no" if ran.is_set() else "yes")
        process.join()
    return outcomes


def start_order_process():
    outcomes = set()
    for _ in range(5):
        order = multiprocessing.SimpleQueue()
        processes = [
            multiprocessing.Process(target=order.put, args=(number,))
            for number in range(5)
        ]
        for process in processes:
            process.start()
        seen = [order.get() for _ in processes]
        for process in processes:
            process.join()
        order.close()
        outcomes.add("yes" if seen == sorted(seen) else "no")
    return outcomes


def start_order_pool():
    order = []
    with ProcessPoolExecutor(max_workers=1) as pool:
        for number in range(100):
            future = pool.submit(abs, number)
            future.add_done_callback(lambda done: order.append(done.result()))
    return "yes" if order == sorted(order) else "no"


def wait_until_ready():
    ready = multiprocessing.Event()

    def child():
        time.sleep(1)
        ready.set()
        print("ready")

    process = multiprocessing.Process(target=child)
    process.start()
    print("start has returned")
    answer = "yes" if ready.is_set() else "no"
    process.join()
    return answer


def ready_with_pipe():
    ours, theirs = multiprocessing.Pipe()

    def child():
        time.sleep(1)
        theirs.send("works")

    process = multiprocessing.Process(target=child)
    process.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return "the child has died"
    finally:
        process.join()
        ours.close()


def cancelled_before_start_queued():
    with ProcessPoolExecutor(max_workers=1) as pool:
        *_, waiting = [pool.submit(time.sleep, seconds) for seconds in (3, 1, 1, 1)]
        time.sleep(1)
        print(f"cancel() returns {waiting.cancel()}")
    return "never runs" if waiting.cancelled() else "to its end"


def cancelled_before_start_next():
    with ProcessPoolExecutor(max_workers=1) as pool:
        _, waiting = [pool.submit(time.sleep, seconds) for seconds in (3, 1)]
        time.sleep(1)
        print(f"cancel() returns {waiting.cancel()}")
    return "never runs" if waiting.cancelled() else "to its end"


def cancelled_before_start_terminate():
    outcomes = set()
    for number in range(20):
        ours, theirs = multiprocessing.Pipe(duplex=False)

        def child():
            theirs.send("begun")
            time.sleep(60)

        process = multiprocessing.Process(target=child)
        process.start()
        sum(range(number * 10_000))
        process.terminate()
        process.join()
        outcomes.add("to its first wait" if ours.poll() else "never runs")
        ours.close()
        theirs.close()
    return outcomes


def free_operation_yields():
    lock, ran = multiprocessing.Lock(), multiprocessing.Event()
    process = multiprocessing.Process(target=ran.set)
    process.start()
    deadline = time.monotonic() + 30
    while not ran.is_set() and time.monotonic() < deadline:
        with lock:
            pass
    answer = "yes" if ran.is_set() else "no"
    process.join()
    return answer


def checkpoint_lets_all_run():
    outcomes = set()
    for _ in range(20):
        ran = multiprocessing.Semaphore(0)
        processes = [multiprocessing.Process(target=ran.release) for _ in range(3)]
        for process in processes:
            process.start()
        time.sleep(0)
        outcomes.add("yes" if ran.get_value() == 3 else "no")
        for process in processes:
            process.join()
    return outcomes


def equal_deadlines():
    outcomes = set()

    def sleeper(number):
        time.sleep(max(0, deadline - time.monotonic()))
        order.put(number)

    for _ in range(5):
        order = multiprocessing.SimpleQueue()
        deadline = time.monotonic() + 1
        processes = [
            multiprocessing.Process(target=sleeper, args=(number,))
            for number in range(5)
        ]
        for process in processes:
            process.start()
        seen = [order.get() for _ in processes]
        for process in processes:
            process.join()
        order.close()
        outcomes.add("yes" if seen == sorted(seen) else "no")
    return outcomes


def spawn_into_ended_group_shutdown():
    pool = ProcessPoolExecutor(max_workers=1)
    pool.shutdown()
    try:
        future = pool.submit(print, "child")
    except RuntimeError:
        return "raises RuntimeError"
    return "cancels the child" if future.cancelled() else "starts the child"


def spawn_into_ended_group_broken():
    with ProcessPoolExecutor(max_workers=1) as pool:
        assert pool.submit(signal.raise_signal, signal.SIGKILL).exception()
        try:
            future = pool.submit(print, "child")
        except BrokenProcessPool as error:
            assert isinstance(error, RuntimeError)
            print("submit raises BrokenProcessPool")
            return "raises RuntimeError"
    return "cancels the child" if future.cancelled() else "starts the child"


def child_inherits_timeout():
    ended = multiprocessing.Event()

    def child():
        time.sleep(3)
        ended.set()
        print("finished")

    def parent():
        process = multiprocessing.Process(target=child)
        process.start()
        process.join()

    process = multiprocessing.Process(target=parent)
    process.start()
    process.join(timeout=1)
    print("the timeout is over")
    process.join()
    return "no" if ended.is_set() else "yes"


def call_without_await():
    ran = multiprocessing.Event()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        multiprocessing.Process(target=ran.set)
        gc.collect()
    return "it runs" if ran.is_set() else "a warning" if caught else "nothing"


def group_limits_children_pool():
    begin = time.monotonic()
    with ProcessPoolExecutor(max_workers=2) as pool:
        for _ in pool.map(time.sleep, [1] * 6):
            print("one has ended")
    return "yes" if time.monotonic() - begin >= 3 else "no"


def group_limits_children_process():
    begin = time.monotonic()
    processes = [
        multiprocessing.Process(target=time.sleep, args=(1,)) for _ in "123456"
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return "no" if time.monotonic() - begin < 3 else "yes"


def plain_function_waits():
    def plain():
        with ProcessPoolExecutor(max_workers=1) as pool:
            return pool.submit(time.sleep, 2).result()

    other = multiprocessing.Process(target=time.sleep, args=(1,))
    other.start()
    plain()
    print("plain has returned")
    answer = "no" if other.is_alive() else "yes"
    other.join()
    return answer


def import_before_patching():
    modules = multiprocessing, concurrent.futures, time
    names = [name for module in modules for name in dir(module)]
    return "yes" if any("patch" in name for name in names) else "absent"


def default_thread_limit():
    cpus = getattr(os, "process_cpu_count", os.cpu_count)()
    rounds = []
    with ProcessPoolExecutor() as pool:
        for calls in (cpus, cpus + 1):
            begin = time.monotonic()
            for _ in pool.map(time.sleep, [1] * calls):
                pass
            rounds.append(round(time.monotonic() - begin))
    return "cpu" if rounds == [1, 2] else "unlimited"


def await_without_suspending():
    def compute():
        return sum(range(1000))

    return "no" if inspect.isawaitable(compute()) else "absent"


def start_same_twice_process():
    process = multiprocessing.Process(target=print, args=("body",))
    process.start()
    process.join()
    try:
        process.start()
    except AssertionError:
        return "raises AssertionError"
    process.join()
    return "runs it again"


def start_same_twice_result():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(sorted, [3, 1, 2])
        same = future.result() is future.result()
    return "gives the same result" if same else "runs it again"


def full_pool_blocks_submitter():
    with ProcessPoolExecutor(max_workers=1) as pool:
        begin = time.monotonic()
        for _ in range(5):
            pool.submit(time.sleep, 1)
        waited = time.monotonic() - begin
        print("submitted")
    return "yes" if waited >= 1 else "no"


def submitter_waits():
    free = threading.Semaphore(2)
    begin = time.monotonic()
    with ProcessPoolExecutor(max_workers=2) as pool:
        for _ in range(6):
            free.acquire()
            future = pool.submit(time.sleep, 1)
            future.add_done_callback(lambda _: free.release())
        waited = time.monotonic() - begin
    return "works" if waited >= 2 else "fails"
