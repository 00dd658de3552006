"""Things that tasks of the kernel share, and things that belong to one task."""

import threading
import time
from collections import deque
from contextvars import ContextVar

from .. import kernel
from ..kernel import (
    Channel,
    Closed,
    Event,
    Future,
    Lock,
    Semaphore,
    checkpoint,
    current_kernel,
    in_thread,
    move_on_after,
    open_group,
    run,
    sleep,
)


def unlock_by_another_lock():
    def owner(lock):
        yield from lock.acquire()
        yield from sleep(2)
        lock.release()

    def body(group):
        lock = Lock()
        group.spawn(owner, lock)
        yield from sleep(1)
        try:
            lock.release()
        except RuntimeError:
            return "raises RuntimeError"
        return "no"

    return (yield from open_group(body))


def unlock_by_another_semaphore():
    def owner(semaphore):
        yield from semaphore.acquire()
        yield from sleep(2)

    def body(group):
        semaphore = Semaphore(1)
        group.spawn(owner, semaphore)
        yield from sleep(1)
        try:
            semaphore.release()
        except RuntimeError:
            return "raises RuntimeError"
        return "no"

    return (yield from open_group(body))


def release_what_is_not_held():
    lock = Lock()
    yield from checkpoint()
    try:
        lock.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    return "no"


def owner_locks_again_lock():
    lock = Lock()
    yield from lock.acquire()
    with move_on_after(60):
        try:
            yield from lock.acquire()
        except RuntimeError:
            return "raises RuntimeError"
        return "gets it"
    return "waits for ever"


def owner_locks_again_semaphore():
    semaphore = Semaphore(1)
    yield from semaphore.acquire()
    with move_on_after(60):
        yield from semaphore.acquire()
        return "gets it"
    return "waits for ever"


def holder_ends():
    def holder(lock):
        yield from lock.acquire()
        yield from sleep(1)

    def body(group):
        lock = Lock()
        group.spawn(holder, lock)
        yield from checkpoint()
        with move_on_after(60):
            try:
                yield from lock.acquire()
            except RuntimeError:
                return "an error"
            return "the lock"
        print("still waits")
        return "nothing, for ever"

    return (yield from open_group(body))


def holder_ends_finally():
    def holder(lock):
        yield from lock.acquire()
        try:
            yield from sleep(1)
        finally:
            lock.release()

    def body(group):
        lock = Lock()
        group.spawn(holder, lock)
        yield from checkpoint()
        with move_on_after(60):
            yield from lock.acquire()
            return "works"
        return "fails"

    return (yield from open_group(body))


def releaser_takes_back():
    order = []

    def waiter(lock):
        yield from lock.acquire()
        order.append("waiter")
        print("has the lock")
        lock.release()

    def body(group):
        lock = Lock()
        yield from lock.acquire()
        group.spawn(waiter, lock)
        yield from checkpoint()
        lock.release()
        print("released")
        yield from lock.acquire()
        order.append("releaser")
        print("has the lock again")

    yield from open_group(body)
    return "yes" if order[0] == "releaser" else "no"


def default_capacity():
    channel = Channel()
    put = 0
    with move_on_after(1):
        for _ in range(1000):
            yield from channel.put("item")
            put += 1
    return {0: "zero", 1000: "unlimited"}[put]


def newcomer_steals():
    received = []

    def getter(channel):
        received.append((yield from channel.get()))
        print(f"got the {received[0]} item")

    def body(group):
        channel = Channel(2)
        group.spawn(getter, channel)
        yield from checkpoint()
        yield from channel.put("first")
        yield from channel.put("second")
        stolen = yield from channel.get()
        print(f"took the {stolen} item")
        return "yes" if stolen == "first" else "no"

    return (yield from open_group(body))


def first_come_first_served_lock():
    served = []

    def waiter(lock, number):
        yield from lock.acquire()
        served.append(number)
        yield from sleep(1)
        lock.release()

    def body(group):
        lock = Lock()
        for number in range(9):
            group.spawn(waiter, lock, number)

    yield from open_group(body)
    return "yes" if served == list(range(9)) else "no"


def first_come_first_served_channel():
    served = []

    def getter(channel, number):
        yield from channel.get()
        served.append(number)

    def body(group):
        channel = Channel()
        for number in range(9):
            group.spawn(getter, channel, number)
        yield from checkpoint()
        for _ in range(9):
            yield from channel.put("item")

    yield from open_group(body)
    return "yes" if served == list(range(9)) else "no"


def close_with_waiters():
    seen = []

    def getter(channel):
        try:
            yield from channel.get()
            seen.append("ends their loop")
        except Closed:
            seen.append("raises an error")
            print("caught Closed")

    def body(group):
        channel = Channel()
        group.spawn(getter, channel)
        yield from checkpoint()
        channel.close()
        print("closed")
        yield from sleep(60)
        group.cancel()

    yield from open_group(body)
    return seen[0] if seen else "they wait on"


def result_set_twice():
    future = Future()
    future.set_result("first")
    try:
        future.set_result("second")
    except RuntimeError:
        return "raises an error"
    value = yield from future.wait()
    return "replaces it" if value == "second" else "nothing"


def worker_dies_before_task_done():
    names = ("task_done", "join")
    return "yes" if any(hasattr(Channel, name) for name in names) else "absent"


def worker_dies_before_task_done_group():
    done = []

    def worker(channel):
        while True:
            done.append((yield from channel.get()))
            if len(done) == 2:
                raise ValueError("the worker dies")

    def body(group):
        channel = Channel()
        group.spawn(worker, channel)
        for number in range(3):
            yield from channel.put(number)

    try:
        yield from open_group(body)
    except* ValueError:
        done.append("the worker died")
    return "works" if done == [0, 1, "the worker died"] else "fails"


def context_inherited():
    user = ContextVar("user")
    seen = []

    def child():
        yield from checkpoint()
        seen.append(user.get("unknown"))

    def body(group):
        user.set("Ada")
        group.spawn(child)
        user.set("Grace")

    yield from open_group(body)
    return "yes" if seen == ["Ada"] else "no"


def context_in_worker_thread():
    user = ContextVar("user")
    user.set("Ada")
    seen = yield from in_thread(user.get, "unknown")
    return "yes" if seen == "Ada" else "no"


def thread_local_per_task():
    local = threading.local()
    seen = []

    def child(name):
        local.name = name
        yield from sleep(1)
        print(f"{name} sees {local.name}")
        seen.append(local.name)

    def body(group):
        group.spawn(child, "first")
        group.spawn(child, "second")

    yield from open_group(body)
    return "yes" if seen == ["first", "second"] else "no"


def thread_local_per_task_context():
    current = ContextVar("current")
    seen = []

    def child(name):
        current.set(name)
        yield from sleep(1)
        seen.append(current.get())

    def body(group):
        group.spawn(child, "first")
        group.spawn(child, "second")

    yield from open_group(body)
    return "works" if seen == ["first", "second"] else "fails"


def foreign_thread_wakes_set():
    event = Event()

    def foreign():
        time.sleep(1)
        print("sets the event")
        event.set()

    threading.Thread(target=foreign).start()
    begin = time.monotonic()
    with move_on_after(5):
        yield from event.wait()
    print("the wait is over")
    return "yes" if round(time.monotonic() - begin) == 1 else "no"


def foreign_thread_wakes_call():
    event, running = Event(), current_kernel()

    def foreign():
        time.sleep(1)
        print("sets the event")
        running.call_soon_threadsafe(event.set)

    threading.Thread(target=foreign).start()
    begin = time.monotonic()
    with move_on_after(5):
        yield from event.wait()
    print("the wait is over")
    return "yes" if round(time.monotonic() - begin) == 1 else "no"


def lock_outlives_loop():
    lock, served = Lock(), []

    def child(number):
        yield from lock.acquire()
        yield from checkpoint()
        served.append(number)
        lock.release()

    def contend():
        def body(group):
            for number in range(3):
                group.spawn(child, number)

        yield from open_group(body)

    run(contend)
    try:
        run(contend)
    except RuntimeError:
        return "raises RuntimeError"
    return "yes" if served == [0, 1, 2, 0, 1, 2] else "no"


def nested_pool():
    found = [name for name in dir(kernel) if "pool" in name.lower()]
    return "completes" if found else "absent"


def notify_without_lock():
    found = [name for name in dir(kernel) if "condition" in name.lower()]
    return "nothing" if found else "absent"


def notify_without_lock_place():
    done = []

    def waiter(place, items):
        while not items:
            yield place
        done.append(items.pop())

    def body(group):
        place, items = deque(), []
        group.spawn(waiter, place, items)
        group.spawn(waiter, place, items)
        yield from sleep(1)
        items.extend(("first", "second"))
        while place:
            place.popleft().wake()

    yield from open_group(body)
    return "works" if sorted(done) == ["first", "second"] else "fails"


def extra_semaphore_release():
    semaphore = Semaphore(1)
    try:
        semaphore.release()
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    with move_on_after(1):
        yield from semaphore.acquire()
        yield from semaphore.acquire()
        return "raises its value"
    return "nothing"


def yielding_starves_timers_checkpoint():
    fired = []

    def timer():
        yield from sleep(1)
        fired.append("timer")

    def body(group):
        group.spawn(timer)
        for _ in range(1000):
            yield from checkpoint()
        time.sleep(2)
        for turns in range(10_000):
            if fired:
                return "at once" if turns < 3 else "later"
            yield from checkpoint()
        return "never"

    return (yield from open_group(body))


def yielding_starves_timers_ready():
    fired = []

    def timer():
        yield from sleep(1)
        fired.append("timer")

    def body(group):
        ready = current_kernel().ready
        group.spawn(timer)
        for _ in range(1000):
            yield ready
        time.sleep(2)
        for turns in range(10_000):
            if fired:
                return "at once" if turns < 3 else "later"
            yield ready
        return "never"

    return (yield from open_group(body))
