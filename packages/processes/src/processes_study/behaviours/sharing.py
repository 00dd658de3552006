"""Locks, queues and results that processes share, and copies that they do not."""

import contextvars
import decimal
import multiprocessing
import os
import queue
import threading
import time
from concurrent.futures import Future, InvalidStateError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


def unlock_by_another_lock():
    lock = multiprocessing.Lock()
    lock.acquire()
    process = multiprocessing.Process(target=lock.release)
    process.start()
    process.join()
    if process.exitcode:
        return "raises RuntimeError"
    return "no" if lock.acquire(block=False) else "raises RuntimeError"


def unlock_by_another_rlock():
    lock = multiprocessing.RLock()
    ours, theirs = multiprocessing.Pipe()

    def child():
        try:
            lock.release()
        except AssertionError:
            theirs.send("raises AssertionError")
        else:
            theirs.send("no")

    lock.acquire()
    process = multiprocessing.Process(target=child)
    process.start()
    answer = ours.recv()
    process.join()
    ours.close()
    theirs.close()
    return answer


def release_what_is_not_held_lock():
    try:
        multiprocessing.Lock().release()
    except ValueError:
        return "raises ValueError"
    return "no"


def release_what_is_not_held_semaphore():
    try:
        multiprocessing.Semaphore(1).release()
    except ValueError:
        return "raises ValueError"
    return "no"


def release_what_is_not_held_bounded_semaphore():
    try:
        multiprocessing.BoundedSemaphore(1).release()
    except ValueError:
        return "raises ValueError"
    return "no"


def owner_locks_again_lock():
    lock = multiprocessing.Lock()
    with lock:
        try:
            got = lock.acquire(timeout=0.5)
        except RuntimeError:
            return "raises RuntimeError"
    return "gets it" if got else "waits for ever"


def owner_locks_again_rlock():
    lock = multiprocessing.RLock()
    with lock:
        try:
            got = lock.acquire(timeout=0.5)
        except RuntimeError:
            return "raises RuntimeError"
    return "gets it" if got else "waits for ever"


def holder_ends():
    lock = multiprocessing.Lock()

    def waiter():
        with lock:
            print("the waiter has the lock")

    holder = multiprocessing.Process(target=lock.acquire)
    holder.start()
    holder.join()
    print("the holder has ended")
    waiting = multiprocessing.Process(target=waiter)
    waiting.start()
    waiting.join(timeout=3600)
    if waiting.exitcode is not None:
        return "an error" if waiting.exitcode else "the lock"
    waiting.terminate()
    waiting.join()
    return "nothing, for ever"


def holder_releases():
    lock = multiprocessing.Lock()

    def hold():
        with lock:
            return

    holder = multiprocessing.Process(target=hold)
    holder.start()
    holder.join()
    return "works" if lock.acquire(block=False) else "fails"


def releaser_takes_back():
    lock = multiprocessing.Lock()

    def waiter():
        with lock:
            pass

    for _ in range(50):
        with lock:
            process = multiprocessing.Process(target=waiter)
            process.start()
            time.sleep(1)
        taken_back = lock.acquire(block=False)
        if taken_back:
            lock.release()
        process.join()
        if taken_back:
            return "yes"
    return "no"


def default_capacity():
    items = multiprocessing.Queue()
    try:
        for number in range(20_000):
            items.put_nowait(number)
    except queue.Full:
        return "must be given" if number else "zero"
    finally:
        items.cancel_join_thread()
        items.close()
    return "unlimited"


def newcomer_steals():
    items = multiprocessing.Queue()
    getter = multiprocessing.Process(target=items.get)
    getter.start()
    time.sleep(1)
    items.put("item")
    answer = "no"
    while getter.is_alive():
        try:
            items.get_nowait()
            answer = "yes"
            items.put("another")
        except queue.Empty:
            time.sleep(0.001)
    getter.join()
    items.close()
    items.join_thread()
    return answer


def first_come_first_served():
    lock = multiprocessing.Lock()
    order = multiprocessing.SimpleQueue()

    def waiter(number):
        with lock:
            order.put(number)

    processes = []
    with lock:
        for number in range(5):
            process = multiprocessing.Process(target=waiter, args=(number,))
            process.start()
            processes.append(process)
            time.sleep(1)
    seen = [order.get() for _ in processes]
    for process in processes:
        process.join()
    order.close()
    return {"yes" if seen == sorted(seen) else "no"}


def close_with_waiters_queue():
    items = multiprocessing.Queue()
    getter = multiprocessing.Process(target=items.get)
    getter.start()
    time.sleep(1)
    items.close()
    print("closed")
    getter.join(timeout=60)
    answer = "they wait on" if getter.exitcode is None else "raises an error"
    getter.terminate()
    getter.join()
    return answer


def close_with_waiters_pipe():
    ours, theirs = multiprocessing.Pipe(duplex=False)

    def reader():
        theirs.close()  # the copy that this process has of the other end
        try:
            ours.recv()
        except EOFError:
            print("recv has raised EOFError")
            raise SystemExit(3) from None

    process = multiprocessing.Process(target=reader)
    process.start()
    time.sleep(1)
    theirs.close()
    print("closed")
    process.join(timeout=60)
    ours.close()
    return "raises an error" if process.exitcode == 3 else "they wait on"


def result_set_twice():
    future = Future()
    future.set_result("first")
    try:
        future.set_result("second")
    except InvalidStateError:
        return "raises an error"
    return "replaces it" if future.result() == "second" else "nothing"


def worker_dies_before_task_done():
    items = multiprocessing.JoinableQueue()

    def worker():
        items.get()
        os._exit(1)

    items.put("item")
    process = multiprocessing.Process(target=worker)
    process.start()
    process.join()
    print("the worker is dead")
    joining = multiprocessing.Process(target=items.join)
    joining.start()
    joining.join(timeout=60)
    answer = "yes" if joining.is_alive() else "no"
    joining.terminate()
    joining.join()
    items.close()
    items.join_thread()
    return answer


def a_dead_worker_is_noticed():
    with ProcessPoolExecutor(max_workers=1) as pool:
        try:
            pool.submit(os._exit, 1).result()
        except BrokenProcessPool:
            return "works"


def context_inherited_fork():
    user = contextvars.ContextVar("user", default="default")
    ours, theirs = multiprocessing.Pipe()

    def child():
        theirs.send("yes" if user.get() == "parent's" else "no")

    user.set("parent's")
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    answer = ours.recv()
    process.join()
    ours.close()
    theirs.close()
    return answer


def context_inherited_spawn():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        with decimal.localcontext(prec=5):  # it is a context variable
            seen = pool.submit(decimal.getcontext).result()
    return "yes" if seen.prec == 5 else "no"


def context_in_worker_thread():
    with ProcessPoolExecutor(max_workers=1) as pool:
        pool.submit(abs, -1).result()  # the worker has begun
        with decimal.localcontext(prec=5):  # it is a context variable
            seen = pool.submit(decimal.getcontext).result()
    return "yes" if seen.prec == 5 else "no"


def context_is_passed():
    def child(name):
        user.set(name)
        theirs.send(user.get())

    user = contextvars.ContextVar("user", default="default")
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=child, args=("parent's",))
    process.start()
    seen = ours.recv()
    process.join()
    ours.close()
    theirs.close()
    return "works" if seen == "parent's" else "fails"


def thread_local_per_task_process():
    local = threading.local()
    local.name = "parent"

    def child():
        local.name = "child"

    process = multiprocessing.Process(target=child)
    process.start()
    process.join()
    return "yes" if local.name == "parent" else "no"


def thread_local_per_task_pool():
    keep = "import threading; local = threading.kept = threading.local()"
    seen = "getattr(__import__('threading').kept, 'name', None)"
    with ProcessPoolExecutor(max_workers=1) as pool:
        pool.submit(exec, f"{keep}; local.name = 1").result()
        name = pool.submit(eval, seen).result()
    return "yes" if name is None else "no"


def foreign_thread_wakes():
    event = multiprocessing.Event()
    process = multiprocessing.Process(target=event.wait)
    process.start()
    setter = threading.Timer(1, event.set)
    setter.start()
    process.join(timeout=60)
    setter.join()
    print("the process has ended")
    return "yes" if process.exitcode == 0 else "no"


def lock_outlives_loop():
    lock = multiprocessing.Lock()

    def job():
        with lock:
            time.sleep(1)

    for _ in range(2):
        processes = [multiprocessing.Process(target=job) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            if process.exitcode:
                return "raises RuntimeError"
    return "yes"


def nested_pool():
    with ProcessPoolExecutor(max_workers=1) as pool:
        outer = pool.submit(pool.submit, print, "inner")
        return "absent" if isinstance(outer.exception(), TypeError) else "completes"


def notify_without_lock():
    condition = multiprocessing.Condition()
    try:
        condition.notify()
    except AssertionError:
        return "raises AssertionError"
    except RuntimeError:
        return "raises RuntimeError"
    return "nothing"


def extra_semaphore_release_semaphore():
    semaphore = multiprocessing.Semaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    taken = [semaphore.acquire(block=False) for _ in range(3)]
    return "raises its value" if taken == [True, True, False] else "nothing"


def extra_semaphore_release_bounded_semaphore():
    semaphore = multiprocessing.BoundedSemaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    taken = [semaphore.acquire(block=False) for _ in range(3)]
    return "raises its value" if taken == [True, True, False] else "nothing"


def yielding_starves_timers():
    process = multiprocessing.Process(target=time.sleep, args=(0.1,))
    begin = time.monotonic()
    process.start()
    while process.is_alive() and time.monotonic() < begin + 30:
        time.sleep(0)
    took = time.monotonic() - begin
    if process.is_alive():
        return "never"
    return "at once" if took < 3 else "later"
