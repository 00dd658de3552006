"""Locks, queues, futures and context that threads share."""

import contextvars
import queue
import sys
import threading
import time
from concurrent.futures import (
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
)


def unlock_by_another_lock():
    lock = threading.Lock()
    lock.acquire()
    with ThreadPoolExecutor() as pool:
        error = pool.submit(lock.release).exception()
    return "raises RuntimeError" if isinstance(error, RuntimeError) else "no"


def unlock_by_another_rlock():
    lock = threading.RLock()
    lock.acquire()
    with ThreadPoolExecutor() as pool:
        error = pool.submit(lock.release).exception()
    return "raises RuntimeError" if isinstance(error, RuntimeError) else "no"


def release_what_is_not_held_lock():
    try:
        threading.Lock().release()
    except RuntimeError:
        return "raises RuntimeError"
    return "no"


def release_what_is_not_held_semaphore():
    semaphore = threading.Semaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    return "no"


def release_what_is_not_held_bounded_semaphore():
    semaphore = threading.BoundedSemaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    return "no"


def owner_locks_again_lock():
    lock = threading.Lock()
    with lock:
        try:
            got = lock.acquire(timeout=3600)
        except RuntimeError:
            return "raises RuntimeError"
    return "gets it" if got else "waits for ever"


def owner_locks_again_rlock():
    lock = threading.RLock()
    with lock:
        try:
            got = lock.acquire(timeout=3600)
        except RuntimeError:
            return "raises RuntimeError"
    return "gets it" if got else "waits for ever"


def holder_ends():
    lock = threading.Lock()
    holder = threading.Thread(target=lock.acquire)
    holder.start()
    holder.join()
    try:
        return "the lock" if lock.acquire(timeout=3600) else "nothing, for ever"
    except RuntimeError:
        return "an error"


def holder_releases():
    lock = threading.Lock()

    def hold():
        with lock:
            return

    holder = threading.Thread(target=hold)
    holder.start()
    holder.join()
    return "works" if lock.acquire(timeout=3600) else "fails"


def releaser_takes_back():
    def waiter():
        begun.set()
        with lock:
            pass

    sys.setswitchinterval(60)  # begun is seen once the other thread waits
    try:
        for _ in range(100):
            lock, begun = threading.Lock(), threading.Event()
            with lock:
                thread = threading.Thread(target=waiter)
                thread.start()
                begun.wait()
            taken_back = lock.acquire(blocking=False)
            if taken_back:
                lock.release()
            thread.join()
            if taken_back:
                return "yes"
    finally:
        sys.setswitchinterval(0.005)
    return "no"


def default_capacity_queue():
    items = queue.Queue()
    try:
        for number in range(100_000):
            items.put_nowait(number)
    except queue.Full:
        return "must be given" if number else "zero"
    return "unlimited"


def default_capacity_simple_queue():
    items = queue.SimpleQueue()
    try:
        for number in range(100_000):
            items.put_nowait(number)
    except queue.Full:
        return "must be given" if number else "zero"
    return "unlimited"


def newcomer_steals_queue():
    def getter():
        begun.set()
        items.get()

    items, begun = queue.Queue(), threading.Event()
    sys.setswitchinterval(60)  # begun is seen once the other thread waits
    try:
        thread = threading.Thread(target=getter)
        thread.start()
        begun.wait()
        items.put("item")
        items.get_nowait()
        items.put("another")
    except queue.Empty:
        return "no"
    finally:
        sys.setswitchinterval(0.005)
        thread.join()
    return "yes"


def newcomer_steals_simple_queue():
    def getter():
        begun.set()
        items.get()

    items, begun = queue.SimpleQueue(), threading.Event()
    sys.setswitchinterval(60)  # begun is seen once the other thread waits
    try:
        thread = threading.Thread(target=getter)
        thread.start()
        begun.wait()
        items.put("item")
        items.get_nowait()
        items.put("another")
    except queue.Empty:
        return "no"
    finally:
        sys.setswitchinterval(0.005)
        thread.join()
    return "yes"


def first_come_first_served():
    outcomes = set()

    def waiter(number):
        begun.set()
        with lock:
            order.append(number)

    for _ in range(5):
        lock, order, threads = threading.Lock(), [], []
        with lock:
            for number in range(5):
                begun = threading.Event()
                threads.append(threading.Thread(target=waiter, args=(number,)))
                threads[-1].start()
                begun.wait()
                time.sleep(0.001)
        for thread in threads:
            thread.join()
        outcomes.add("yes" if order == sorted(order) else "no")
    return outcomes


def close_with_waiters_queue():
    items = queue.Queue()
    if not hasattr(items, "shutdown"):
        return "absent"
    with ThreadPoolExecutor() as pool:
        getting = pool.submit(items.get, timeout=60)
        time.sleep(1)
        items.shutdown()
        print("shut down")
        error = getting.exception()
    return "raises an error" if isinstance(error, queue.ShutDown) else "they wait on"


def close_with_waiters_simple_queue():
    items = queue.SimpleQueue()
    names = ("shutdown", "close", "stop", "end")
    return "raises an error" if any(hasattr(items, n) for n in names) else "absent"


def end_by_a_last_item():
    items = queue.SimpleQueue()
    received = []

    def consumer():
        for item in iter(items.get, None):
            received.append(item)

    thread = threading.Thread(target=consumer)
    thread.start()
    items.put("item")
    items.put(None)
    thread.join()
    return "works" if received == ["item"] else "fails"


def result_set_twice():
    future = Future()
    future.set_result("first")
    try:
        future.set_result("second")
    except InvalidStateError:
        return "raises an error"
    return "replaces it" if future.result() == "second" else "nothing"


def worker_dies_before_task_done():
    items = queue.Queue()

    def worker():
        item = items.get()
        print(item.no_such_attribute)
        items.task_done()

    items.put("item")
    with ThreadPoolExecutor() as pool:
        assert isinstance(pool.submit(worker).exception(), AttributeError)
    joining = threading.Thread(target=items.join, daemon=True)
    joining.start()
    joining.join(timeout=60)
    print("join still waits")
    return "yes" if joining.is_alive() else "no"


def task_done_in_finally():
    items = queue.Queue()

    def worker():
        item = items.get()
        try:
            print(item.no_such_attribute)
        finally:
            items.task_done()

    items.put("item")
    with ThreadPoolExecutor() as pool:
        pool.submit(worker)
        items.join()
    return "works"


def context_inherited():
    user = contextvars.ContextVar("user", default="default")
    seen = []

    def child():
        seen.append(user.get())

    user.set("parent's")
    thread = threading.Thread(target=child)
    thread.start()
    thread.join()
    return "yes" if seen == ["parent's"] else "no"


def context_is_passed():
    user = contextvars.ContextVar("user", default="default")
    seen = []

    def child():
        seen.append(user.get())

    user.set("parent's")
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(child,))
    thread.start()
    thread.join()
    return "works" if seen == ["parent's"] else "fails"


def context_in_worker_thread():
    user = contextvars.ContextVar("user", default="default")
    user.set("caller's")
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(user.get).result()
    return "yes" if seen == "caller's" else "no"


def context_in_worker_thread_passed():
    user = contextvars.ContextVar("user", default="default")
    user.set("caller's")
    context = contextvars.copy_context()
    with ThreadPoolExecutor() as pool:
        seen = pool.submit(context.run, user.get).result()
    return "works" if seen == "caller's" else "fails"


def thread_local_per_task_thread():
    local = threading.local()
    seen = []

    def task(name):
        seen.append(getattr(local, "name", None))
        local.name = name

    for name in ("first", "second"):
        thread = threading.Thread(target=task, args=(name,))
        thread.start()
        thread.join()
    return "yes" if seen == [None, None] else "no"


def thread_local_per_task_pool():
    local = threading.local()

    def task(name):
        before = getattr(local, "name", None)
        local.name = name
        return before

    with ThreadPoolExecutor(max_workers=1) as pool:
        seen = list(pool.map(task, ["first", "second"]))
    return "yes" if seen == [None, None] else "no"


def foreign_thread_wakes():
    event = threading.Event()
    setter = threading.Timer(1, event.set)
    setter.start()
    woken = event.wait(timeout=60)
    print("woken")
    setter.join()
    return "yes" if woken else "no"


def lock_outlives_loop():
    lock = threading.Lock()

    def job():
        with lock:
            time.sleep(1)

    try:
        for _ in range(2):
            with ThreadPoolExecutor() as pool:
                for future in [pool.submit(job) for _ in range(3)]:
                    future.result()
    except RuntimeError:
        return "raises RuntimeError"
    return "yes"


def nested_pool():
    def inner():
        return "completes"

    def outer():
        return pool.submit(inner).result()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(outer).result()


def a_pool_for_each_level():
    def inner():
        return "works"

    def outer():
        return inner_pool.submit(inner).result()

    with ThreadPoolExecutor(1) as inner_pool, ThreadPoolExecutor(1) as outer_pool:
        return outer_pool.submit(outer).result()


def notify_without_lock():
    condition = threading.Condition()
    woken = []

    def waiter():
        with condition:
            woken.append(condition.wait(timeout=2))

    thread = threading.Thread(target=waiter)
    thread.start()
    time.sleep(1)
    try:
        condition.notify()
    except RuntimeError:
        print("notify has raised")
        return "raises RuntimeError"
    finally:
        thread.join()
    return "wakes a waiter" if woken == [True] else "nothing"


def extra_semaphore_release_semaphore():
    semaphore = threading.Semaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    taken = [semaphore.acquire(blocking=False) for _ in range(3)]
    return "raises its value" if taken == [True, True, False] else "nothing"


def extra_semaphore_release_bounded_semaphore():
    semaphore = threading.BoundedSemaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    taken = [semaphore.acquire(blocking=False) for _ in range(3)]
    return "raises its value" if taken == [True, True, False] else "nothing"


def yielding_starves_timers():
    fired = []
    begin = time.monotonic()
    timer = threading.Timer(0.1, lambda: fired.append(time.monotonic() - begin))
    timer.start()
    while not fired and time.monotonic() < begin + 30:
        time.sleep(0)
    timer.cancel()
    timer.join()
    if not fired:
        return "never"
    return "at once" if fired[0] < 3 else "later"
