"""The locks, queues and results of gevent, and what belongs to one greenlet."""

import contextvars
import threading
import time

import gevent
import gevent.event
import gevent.local
import gevent.lock
from gevent import monkey
from gevent.event import AsyncResult, Event
from gevent.exceptions import LoopExit
from gevent.lock import BoundedSemaphore, RLock, Semaphore
from gevent.pool import Pool
from gevent.queue import Channel, Empty, Queue, ShutDown


def unlock_by_another_bounded_semaphore():
    lock = BoundedSemaphore()
    lock.acquire()
    other = gevent.spawn(lock.release)
    try:
        other.get()
    except RuntimeError:
        return "raises RuntimeError"
    return "no"


def unlock_by_another_rlock():
    lock = RLock()
    lock.acquire()
    other = gevent.spawn(lock.release)
    try:
        other.get()
    except RuntimeError:
        return "raises RuntimeError"
    return "no"


def release_what_is_not_held_semaphore():
    lock = Semaphore()
    try:
        lock.release()
    except ValueError:
        return "raises ValueError"
    return "no"


def release_what_is_not_held_bounded_semaphore():
    lock = BoundedSemaphore()
    try:
        lock.release()
    except ValueError:
        return "raises ValueError"
    return "no"


def release_what_is_not_held_rlock():
    lock = RLock()
    try:
        lock.release()
    except RuntimeError:
        return "raises RuntimeError"
    return "no"


def owner_locks_again_bounded_semaphore():
    lock = BoundedSemaphore()
    lock.acquire()
    return "gets it" if lock.acquire(timeout=3600) else "waits for ever"


def owner_locks_again_rlock():
    lock = RLock()
    lock.acquire()
    return "gets it" if lock.acquire(timeout=3600) else "waits for ever"


def holder_ends_bounded_semaphore():
    lock = BoundedSemaphore()
    gevent.spawn(lock.acquire).join()
    return "the lock" if lock.acquire(timeout=3600) else "nothing, for ever"


def holder_ends_rlock():
    lock = RLock()
    gevent.spawn(lock.acquire).join()
    return "the lock" if lock.acquire(timeout=3600) else "nothing, for ever"


def releaser_takes_back():
    lock = BoundedSemaphore()
    lock.acquire()

    def wait():
        lock.acquire()
        print("has the lock")

    waiter = gevent.spawn(wait)
    gevent.sleep(1)
    lock.release()
    print("released")
    taken_back = lock.acquire(blocking=False)
    print(f"acquire returns {taken_back}")
    waiter.kill()
    return "yes" if taken_back else "no"


def default_capacity_queue():
    queue = Queue()
    for number in range(10_000):
        queue.put_nowait(number)
    return "unlimited" if queue.maxsize is None else "must be given"


def default_capacity_channel():
    channel = Channel()
    sender = gevent.spawn(channel.put, "item")
    sender.join(timeout=60)
    waits = not sender.dead
    sender.kill()
    return "zero" if waits else "unlimited"


def newcomer_steals_queue():
    queue = Queue()

    def get():
        queue.get()
        print("got the item")

    getter = gevent.spawn(get)
    gevent.sleep(1)
    queue.put("item")  # schedules the getter
    try:
        queue.get_nowait()
        print("took the item")
    except Empty:
        return "no"
    finally:
        getter.kill()
    return "yes"


def newcomer_steals_channel():
    channel = Channel()

    def get():
        channel.get()
        print("got the item")

    getter = gevent.spawn(get)
    gevent.sleep(1)
    gevent.spawn(channel.put, "item")
    newcomer = gevent.spawn(get)
    gevent.sleep(1)
    stolen = newcomer.dead and not getter.dead
    gevent.killall([getter, newcomer])
    return "yes" if stolen else "no"


def first_come_first_served_lock():
    served = []
    lock = BoundedSemaphore()

    def waiter(number):
        with lock:
            served.append(number)
            gevent.sleep(1)

    gevent.joinall([gevent.spawn(waiter, number) for number in range(10)])
    return "yes" if served == list(range(10)) else "no"


def first_come_first_served_queue():
    served = []
    queue = Queue()

    def getter(number):
        queue.get()
        served.append(number)

    getters = [gevent.spawn(getter, number) for number in range(10)]
    gevent.sleep(1)
    for item in range(10):
        queue.put(item)
    gevent.joinall(getters)
    return "yes" if served == list(range(10)) else "no"


def close_with_waiters_shutdown():
    queue = Queue()
    getter = gevent.spawn(queue.get)
    gevent.sleep(1)
    queue.shutdown()
    print("shut down")
    try:
        getter.get(timeout=60)
    except ShutDown:
        return "raises an error"
    except gevent.Timeout:
        getter.kill()
        return "they wait on"
    return "ends their loop"


def close_with_waiters_stop_iteration():
    queue = Queue()
    loops = [gevent.spawn(list, queue) for _ in range(2)]
    gevent.sleep(1)
    queue.put(StopIteration)
    print("put StopIteration")
    gevent.joinall(loops, timeout=60)
    print("the timeout is over")
    ended = sum(loop.dead for loop in loops)
    gevent.killall(loops)
    return "ends their loop" if ended == 2 else "they wait on"


def one_stop_iteration_for_each():
    queue = Queue()
    loops = [gevent.spawn(list, queue) for _ in range(2)]
    gevent.sleep(1)
    for _ in loops:
        queue.put(StopIteration)
    gevent.joinall(loops)
    return "works"


def close_with_waiters_channel():
    names = ("close", "shutdown", "aclose", "end")
    return "absent" if not any(hasattr(Channel, n) for n in names) else "they wait on"


def result_set_twice():
    result = AsyncResult()
    result.set("first")
    try:
        result.set("second")
    except Exception:
        return "raises an error"
    return "replaces it" if result.get() == "second" else "nothing"


def worker_dies_before_task_done():
    queue = Queue(items=["item"])

    def worker():
        int(queue.get())  # a ValueError
        queue.task_done()

    gevent.spawn(worker).join()
    return "no" if queue.join(timeout=3600) else "yes"


def task_done_in_finally():
    queue = Queue(items=["item"])

    def worker():
        item = queue.get()
        try:
            int(item)  # a ValueError
        finally:
            queue.task_done()

    gevent.spawn(worker).join()
    return "works" if queue.join(timeout=3600) else "fails"


def context_inherited():
    user = contextvars.ContextVar("user", default="guest")
    user.set("alice")
    return "yes" if gevent.spawn(user.get).get() == "alice" else "no"


def spawn_with_a_copy():
    user = contextvars.ContextVar("user", default="guest")
    user.set("alice")
    context = contextvars.copy_context()
    child = gevent.spawn(context.run, user.get)
    return "works" if child.get() == "alice" else "fails"


def context_in_worker_thread():
    user = contextvars.ContextVar("user", default="guest")
    user.set("alice")
    pool = gevent.get_hub().threadpool
    return "yes" if pool.apply(user.get) == "alice" else "no"


def thread_with_a_copy():
    user = contextvars.ContextVar("user", default="guest")
    user.set("alice")
    pool = gevent.get_hub().threadpool
    context = contextvars.copy_context()
    return "works" if pool.apply(context.run, (user.get,)) == "alice" else "fails"


def thread_local_per_task_threading():
    local = threading.local()
    local.name = "parent"
    seen = gevent.spawn(lambda: hasattr(local, "name")).get()
    return "no" if seen else "yes"


def thread_local_per_task_gevent():
    local = gevent.local.local()
    local.name = "parent"
    seen = gevent.spawn(lambda: hasattr(local, "name")).get()
    return "no" if seen else "yes"


def thread_local_per_task_patched():
    monkey.patch_all()  # in a program: before all other imports
    local = threading.local()
    local.name = "parent"
    seen = gevent.spawn(lambda: hasattr(local, "name")).get()
    return "no" if seen else "yes"


def foreign_thread_wakes_beside_a_timer():
    event = Event()
    thread = threading.Timer(0.1, event.set)
    thread.start()
    try:
        return "yes" if event.wait(timeout=30) else "no"
    except RuntimeError:
        return "raises RuntimeError"
    finally:
        thread.join()


def foreign_thread_wakes_alone():
    event = Event()
    thread = threading.Timer(5, event.set)
    thread.start()
    try:
        return "yes" if event.wait() else "no"
    except LoopExit:  # nothing in the loop can wake the waiter
        return "raises LoopExit"
    finally:
        thread.cancel()
        thread.join()


def thread_of_the_pool_wakes():
    pool = gevent.get_hub().threadpool
    return "works" if pool.apply(time.sleep, (0.1,)) is None else "fails"


def lock_outlives_loop():
    lock = BoundedSemaphore()

    def user():
        with lock:
            gevent.sleep(0.01)

    for _ in range(2):
        try:
            gevent.joinall([gevent.spawn(user), gevent.spawn(user)], raise_error=True)
        except RuntimeError:
            return "raises RuntimeError"
        gevent.get_hub().destroy(destroy_loop=True)  # the next wait makes a new one
    return "yes"


def nested_pool_spawn():
    pool = Pool(1)

    def outer():
        return pool.spawn(inner).get()

    def inner():
        return "completes"

    try:
        return pool.spawn(outer).get()
    except LoopExit:
        return "raises LoopExit"


def nested_pool_apply():
    pool = Pool(1)

    def outer():
        return pool.apply(inner)

    def inner():
        return "completes"

    try:
        return pool.apply(outer)
    except LoopExit:
        return "raises LoopExit"


def notify_without_lock():
    modules = (gevent, gevent.lock, gevent.event)
    if not any(hasattr(module, "Condition") for module in modules):
        return "absent"
    return "nothing"


def event_instead_of_a_condition():
    event = Event()
    waiter = gevent.spawn(event.wait)
    gevent.sleep(1)
    event.set()
    event.clear()  # the waiters are already scheduled
    return "works" if waiter.get(timeout=1) else "fails"


def extra_semaphore_release_semaphore():
    semaphore = Semaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    return "raises its value" if semaphore.counter == 2 else "nothing"


def extra_semaphore_release_bounded_semaphore():
    semaphore = BoundedSemaphore(1)
    try:
        semaphore.release()
    except ValueError:
        return "raises ValueError"
    return "raises its value" if semaphore.counter == 2 else "nothing"


def yielding_starves_timers():
    fired = []
    timer = gevent.spawn_later(0.01, fired.append, "timer")
    time.sleep(0.02)  # the timer expires
    for yields in range(1, 10_000_000):
        gevent.sleep(0)
        if fired:
            return "at once" if yields == 1 else "later"
    timer.kill()
    return "never"
