"""Stop events, cancelled futures and timeouts of threads."""

import concurrent.futures
import ctypes
import queue
import sys
import threading
import time
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)


def swallowed_once_event():
    stop = threading.Event()
    looks = []

    def worker():
        looks.append(stop.wait(5))  # asked to stop, and ignores it
        print("ignored")
        looks.append(stop.wait(5))
        print("told again")

    thread = threading.Thread(target=worker)
    thread.start()
    time.sleep(1)
    stop.set()
    thread.join()
    return "yes" if looks == [True, True] else "no"


def swallowed_once_future():
    with ThreadPoolExecutor() as pool:
        running = pool.submit(time.sleep, 2)
        time.sleep(1)
        cancelled = running.cancel()
        print(f"cancel() returns {cancelled}")
    return "no" if cancelled or running.cancelled() else "absent"


def cancel_waits_for_cleanup_event():
    stop = threading.Event()
    steps = []

    def worker():
        stop.wait()
        time.sleep(1)
        steps.append("cleaned up")
        print("cleaned up")

    thread = threading.Thread(target=worker)
    thread.start()
    stop.set()
    print("set has returned")
    answer = "yes" if steps else "no"
    thread.join()
    return answer


def cancel_waits_for_cleanup_shutdown():
    stop = threading.Event()
    steps = []

    def worker():
        stop.wait()
        time.sleep(1)
        steps.append("cleaned up")
        print("cleaned up")

    pool = ThreadPoolExecutor()
    pool.submit(worker)
    stop.set()
    pool.shutdown(cancel_futures=True)
    print("shutdown has returned")
    return "yes" if steps else "no"


def cancel_interrupts_blocking_future():
    ended = []

    def blocking():
        time.sleep(2)
        ended.append("at its end")
        print("not interrupted")

    with ThreadPoolExecutor() as pool:
        future = pool.submit(blocking)
        time.sleep(1)
        print(f"cancel() returns {future.cancel()}")
    return "no" if ended else "yes"


def cancel_interrupts_blocking_raised():
    begun, leave = threading.Event(), threading.Event()

    def blocking():
        try:
            begun.set()
            leave.wait()
        except SystemExit:
            pass

    thread = threading.Thread(target=blocking)
    sys.setswitchinterval(60)  # begun is seen once the other thread blocks
    try:
        thread.start()
        begun.wait()
        ident, error = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)
        thread.join(timeout=0.5)
        answer = "no" if thread.is_alive() else "yes"
        leave.set()
        thread.join()
    finally:
        sys.setswitchinterval(0.005)
    return answer


def cancel_interrupts_blocking_computing():
    computing = threading.Event()
    ended = []

    def worker():
        try:
            while True:
                computing.set()
        except SystemExit:
            ended.append("interrupted")

    thread = threading.Thread(target=worker, daemon=True)
    thread.start()
    computing.wait()
    ident, error = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)
    thread.join(timeout=30)
    return "yes" if ended else "no"


def wait_for_a_stop_event():
    stop = threading.Event()

    def worker():
        while not stop.wait(timeout=60):
            pass

    thread = threading.Thread(target=worker)
    thread.start()
    stop.set()
    thread.join(timeout=30)
    return "fails" if thread.is_alive() else "works"


def overdue_and_zero_wait_as_completed():
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(time.sleep, seconds) for seconds in (1, 2)]
        try:
            for _ in as_completed(futures, timeout=3):
                time.sleep(5)  # by then the other one is done as well
        except TimeoutError:
            print("caught TimeoutError")
            return "yes"
    return "no"


def overdue_and_zero_wait_map():
    with ThreadPoolExecutor() as pool:
        try:
            for _ in pool.map(time.sleep, (1, 2), timeout=3):
                time.sleep(5)
        except TimeoutError:
            return "yes"
    print("no timeout")
    return "no"


def overdue_and_no_wait():
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(time.sleep, 1)]
        try:
            for _ in as_completed(futures, timeout=2):
                time.sleep(5)
        except TimeoutError:
            return "yes"
    print("no timeout")
    return "no"


def deadline_checked():
    deadline = time.monotonic() + 2
    try:
        time.sleep(5)
        if time.monotonic() > deadline:
            raise TimeoutError
    except TimeoutError:
        return "works"


def timeout_of_zero():
    items, lock, future = queue.Queue(), threading.Lock(), Future()
    items.put("item")
    future.set_result("result")
    try:
        items.get(timeout=0)
        future.result(timeout=0)
    except (queue.Empty, TimeoutError):
        return "no"
    return "yes" if lock.acquire(timeout=0) else "no"


def cancel_while_thread_works_result():
    with ThreadPoolExecutor() as pool:
        begin = time.monotonic()
        try:
            pool.submit(time.sleep, 5).result(timeout=1)
        except TimeoutError:
            took = time.monotonic() - begin
            print("result() has raised")
    return "at once" if took < 5 else "when the thread ends"


def cancel_while_thread_works_block():
    begin = time.monotonic()
    try:
        with ThreadPoolExecutor() as pool:
            pool.submit(time.sleep, 5).result(timeout=1)
    except TimeoutError:
        took = time.monotonic() - begin
        print("the block has raised")
    return "at once" if took < 5 else "when the thread ends"


def thread_is_asked_to_stop():
    stop = threading.Event()

    def worker():
        for _ in range(60):
            if stop.wait(1):
                return

    begin = time.monotonic()
    with ThreadPoolExecutor() as pool:
        try:
            pool.submit(worker).result(timeout=0.1)
        except TimeoutError:
            stop.set()
    return "works" if time.monotonic() - begin < 60 else "fails"


def cancel_reaches_children_future():
    ended = []

    def child():
        time.sleep(3)
        ended.append("child")
        print("child has finished")

    def parent():
        pool.submit(child).result()

    with ThreadPoolExecutor() as pool:
        future = pool.submit(parent)
        time.sleep(1)
        print(f"cancel() returns {future.cancel()}")
    return "no" if ended else "yes"


def cancel_reaches_children_event():
    stop = threading.Event()
    ended = []

    def child(stop):
        if not stop.wait(3):
            ended.append("child")
            print("child has finished")

    def parent(stop):
        pool.submit(child, stop).result()

    with ThreadPoolExecutor() as pool:
        pool.submit(parent, stop)
        time.sleep(1)
        stop.set()
        print("stop is set")
    return "no" if ended else "yes"


def delivered_then_cancelled_get():
    items = queue.Queue()
    received = []
    sender = threading.Timer(2, items.put, ["item"])
    sender.start()
    time.sleep(1)
    try:
        received.append(items.get(timeout=1))  # expires just after the put
    except queue.Empty:
        pass
    sender.join()
    return "no" if received or items.qsize() else "yes"


def delivered_then_cancelled_pool():
    items = queue.Queue()
    received = []
    with ThreadPoolExecutor() as pool:
        getting = pool.submit(items.get)
        time.sleep(1)
        items.put("item")
        try:
            received.append(getting.result(timeout=0))
        except TimeoutError:
            print("gives up")
            getting.cancel()
    return "no" if received or items.qsize() else "yes"


def cancelled_then_delivered_get():
    items = queue.Queue()
    try:
        items.get(timeout=1)
    except queue.Empty:
        items.put("item")
    return "no" if items.qsize() else "yes"


def cancelled_then_delivered_pool():
    items = queue.Queue()
    with ThreadPoolExecutor() as pool:
        getting = pool.submit(items.get)
        try:
            getting.result(timeout=1)
        except TimeoutError:
            print("gives up")
            getting.cancel()
        items.put("item")
    return "no" if items.qsize() else "yes"


def woken_lock_waiter_cancelled():
    lock = threading.Lock()
    got = []

    def waiter(name, timeout):
        if lock.acquire(timeout=timeout):
            got.append(name)
            print(f"{name} has the lock")
            lock.release()

    lock.acquire()
    releaser = threading.Timer(2, lock.release)
    releaser.start()
    time.sleep(1)
    threads = [  # the first one times out just after the release
        threading.Thread(target=waiter, args=("first", 1)),
        threading.Thread(target=waiter, args=("second", 60)),
    ]
    for thread in threads:
        thread.start()
    for thread in (releaser, *threads):
        thread.join()
    return "yes" if "second" in got else "no"


def shared_result_waiter_cancelled_timeout():
    shared = Future()

    def waiter(timeout):
        try:
            value = shared.result(timeout)
            print("got the result")
            return value
        except TimeoutError:
            print("timed out")
            return "timed out"

    with ThreadPoolExecutor() as pool:
        first, second = pool.submit(waiter, 1), pool.submit(waiter, None)
        time.sleep(2)
        shared.set_result("result")
    assert first.result() == "timed out"
    return "gets the result" if second.result() == "result" else "is cancelled"


def shared_result_waiter_cancelled_cancel():
    shared = Future()

    def waiter():
        try:
            return shared.result()
        except CancelledError:
            print("caught CancelledError")
            return "cancelled"

    with ThreadPoolExecutor() as pool:
        other = pool.submit(waiter)
        time.sleep(1)
        shared.cancel()
        print("the future is cancelled")
    return "is cancelled" if other.result() == "cancelled" else "gets the result"


def cleanup_may_wait():
    stop = threading.Event()
    steps = []

    def worker():
        try:
            if stop.wait(60):
                raise CancelledError
        finally:
            print("cleanup begins")
            time.sleep(1)
            steps.append("cleaned up")
            print("cleaned up")

    with ThreadPoolExecutor() as pool:
        pool.submit(worker)
        time.sleep(1)
        stop.set()
    return "yes" if steps else "only in a shield"


def deadline_reaches_into_shield():
    modules = threading, queue, concurrent.futures
    names = {name.lower() for module in modules for name in dir(module)}
    return "yes" if {"shield", "deadline", "cancelscope"} & names else "absent"


def cleanup_in_a_pool():
    with ThreadPoolExecutor() as pool:
        cleanup = pool.submit(lambda: time.sleep(2) or "works")
        try:
            cleanup.result(timeout=1)
        except TimeoutError:
            return cleanup.result()


def shield_with_deadline():
    modules = threading, queue, concurrent.futures
    names = {name.lower() for module in modules for name in dir(module)}
    return "yes" if {"shield", "deadline", "cancelscope"} & names else "absent"


def nested_timeouts():
    inner = []

    def middle():
        try:
            pool.submit(time.sleep, 5).result(timeout=2)
        except TimeoutError:
            inner.append("expired")

    with ThreadPoolExecutor() as pool:
        outer = pool.submit(middle)
        try:
            outer.result(timeout=1)
        except TimeoutError:
            print("the outer one expires")
            return "no" if inner or outer.done() else "yes"


def own_timeout_or_its_error():
    def failing():
        raise TimeoutError("of the call itself")

    with ThreadPoolExecutor() as pool:
        future = pool.submit(failing)
        try:
            future.result(timeout=1)
        except TimeoutError as error:
            of_the_call = future.done() and future.exception() is error
    return "works" if of_the_call else "fails"


def which_except_catches_timeout_result():
    with ThreadPoolExecutor() as pool:
        try:
            pool.submit(time.sleep, 2).result(timeout=1)
        except TimeoutError:
            print("caught TimeoutError")
            return "TimeoutError"


def which_except_catches_timeout_queue():
    items = queue.Queue()
    try:
        items.get(timeout=1)
    except TimeoutError:
        return "TimeoutError"
    except queue.Empty:
        print("caught queue.Empty")
        return "queue.Empty"


def which_except_catches_timeout_lock():
    lock, event = threading.Lock(), threading.Event()
    thread = threading.Thread(target=event.wait)
    lock.acquire()
    thread.start()
    try:
        results = lock.acquire(timeout=1), event.wait(timeout=1), thread.join(timeout=1)
    except TimeoutError:
        return "TimeoutError"
    finally:
        event.set()
    return "none" if results == (False, False, None) else "an error"


def timeout_leaves_running_result():
    ended = []

    def worker():
        time.sleep(2)
        ended.append("work")
        print("finished")

    with ThreadPoolExecutor() as pool:
        try:
            pool.submit(worker).result(timeout=1)
        except TimeoutError:
            print("the timeout is over")
            time.sleep(2)
    return "yes" if ended else "no"


def timeout_leaves_running_get():
    items = queue.Queue()
    try:
        items.get(timeout=1)
    except queue.Empty:
        items.put("item")
        print("the timeout is over")
        time.sleep(2)
    return "no" if items.qsize() else "yes"


def cancellation_races_completion():
    items, stop = queue.Queue(), threading.Event()
    steps = []

    def worker():
        items.get()
        steps.append("inner wait completed")
        print("the inner wait is over")
        if not stop.wait(1):
            steps.append("not stopped")

    with ThreadPoolExecutor() as pool:
        pool.submit(worker)
        time.sleep(1)
        items.put("item")
        stop.set()
        print("put, then stopped")
    return "no" if steps == ["inner wait completed"] else "yes"


def scope_cancelled_by_hand():
    modules = threading, queue, concurrent.futures
    names = {name.lower() for module in modules for name in dir(module)}
    return "nothing" if {"timeout", "cancelscope", "fail_after"} & names else "absent"


def wait_is_ended_by_hand():
    waited = Future()
    with ThreadPoolExecutor() as pool:
        waiter = pool.submit(waited.result, timeout=60)
        waited.cancel()
        return "works" if isinstance(waiter.exception(), CancelledError) else "fails"


def first_result_stops_rest():
    ended = []

    def job(seconds):
        time.sleep(seconds)
        ended.append(seconds)
        print("finished")

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(job, seconds) for seconds in (1, 2, 3)]
        _, rest = wait(futures, return_when=FIRST_COMPLETED)
        print("the first result is there")
        for future in rest:
            future.cancel()
    return "no" if ended == [1, 2, 3] else "yes"


def the_rest_is_stopped():
    stop = threading.Event()
    ended = []

    def job(seconds):
        if not stop.wait(seconds):
            ended.append(seconds)

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(job, seconds) for seconds in (1, 2, 3)]
        wait(futures, return_when=FIRST_COMPLETED)
        stop.set()
    return "works" if ended == [1] else "fails"


def cancel_finished_task():
    with ThreadPoolExecutor() as pool:
        future = pool.submit(lambda: "result")
        future.result()
        try:
            cancelled = future.cancel()
        except RuntimeError:
            return "raises RuntimeError"
    return "returns False" if cancelled is False else "nothing"
