"""Starting tasks in the kernel."""

import gc
import time
import warnings
from inspect import signature

from .. import kernel
from ..kernel import (
    Channel,
    Event,
    Group,
    Lock,
    Semaphore,
    checkpoint,
    in_thread,
    move_on_after,
    open_group,
    run,
    sleep,
    sleep_until,
)


def spawn_returns_first():
    order = []

    def child():
        order.append("child")
        yield from checkpoint()

    def body(group):
        group.spawn(child)
        order.append("spawner")
        yield from sleep(1)

    yield from open_group(body)
    return "yes" if order == ["spawner", "child"] else "no"


def start_order():
    started = []

    def child(number):
        started.append(number)
        yield from checkpoint()

    def body(group):
        for number in range(1000):
            group.spawn(child, number)

    yield from open_group(body)
    return "yes" if started == list(range(1000)) else "no"


def wait_until_ready():
    def server(ready):
        yield from sleep(1)
        ready.set()

    def body(group):
        start = getattr(group, "start", None)
        if start is None:
            return "no"
        yield from start(server)
        return "yes"

    return (yield from open_group(body))


def wait_until_ready_event():
    steps = []

    def server(ready):
        yield from sleep(1)
        steps.append("ready")
        ready.set()

    def body(group):
        ready = Event()
        group.spawn(server, ready)
        yield from ready.wait()
        steps.append("continued")

    yield from open_group(body)
    return "works" if steps == ["ready", "continued"] else "fails"


def cancelled_before_start():
    steps = []

    def child():
        steps.append("begun")
        yield from checkpoint()
        steps.append("waited")

    def body(group):
        group.spawn(child)
        group.cancel()

    yield from open_group(body)
    how_far = {0: "never runs", 1: "to its first wait", 2: "to its end"}
    return how_far[len(steps)]


def free_operation_yields():
    ran = []

    def peer():
        ran.append("peer")
        yield from checkpoint()

    def body(group):
        lock, channel = Lock(), Channel(1)
        group.spawn(peer)
        yield from lock.acquire()
        lock.release()
        yield from channel.put("item")
        yield from channel.get()
        return "yes" if ran else "no"

    return (yield from open_group(body))


def checkpoint_lets_all_run():
    ran = []

    def peer(number):
        ran.append(number)
        yield from sleep(1)

    def body(group):
        for number in range(1000):
            group.spawn(peer, number)
        yield from checkpoint()
        return "yes" if len(ran) == 1000 else "no"

    return (yield from open_group(body))


def equal_deadlines():
    woken = []

    def sleeper(name):
        yield from sleep_until(deadline)
        woken.append(name)
        print(name)

    def body(group):
        group.spawn(sleeper, "first")
        group.spawn(sleeper, "second")
        yield from sleep(1)
        group.spawn(sleeper, "third")

    deadline = time.monotonic() + 2
    yield from open_group(body)
    return "yes" if woken == ["first", "second", "third"] else "no"


def spawn_into_ended_group_cancelled():
    steps = []

    def child():
        steps.append("begun")
        yield from checkpoint()
        steps.append("waited")

    def body(group):
        group.cancel()
        try:
            group.spawn(child)
        except RuntimeError:
            steps.append("refused")

    yield from open_group(body)
    ends = {"refused": "raises RuntimeError", "begun": "cancels the child"}
    return ends.get(steps[-1], "starts the child")


def spawn_into_ended_group_closed():
    started = []

    def child():
        started.append("child")
        yield from checkpoint()

    def body(group):
        yield from checkpoint()
        return group

    group = yield from open_group(body)
    try:
        group.spawn(child)
    except RuntimeError:
        return "raises RuntimeError"
    yield from sleep(1)
    return "starts the child" if started else "cancels the child"


def child_inherits_timeout_around_the_group():
    ended = []

    def child():
        yield from sleep(2)
        ended.append("child")
        print("finished")

    def body(group):
        group.spawn(child)

    with move_on_after(1):
        yield from open_group(body)
    print("the timeout is over")
    return "no" if ended else "yes"


def child_inherits_timeout_around_the_spawn():
    ended = []

    def child():
        yield from sleep(2)
        ended.append("child")
        print("finished")

    def body(group):
        with move_on_after(1):
            group.spawn(child)
            yield from sleep(3)
        print("the timeout is over")

    yield from open_group(body)
    return "no" if ended else "yes"


def call_without_await():
    ran = []

    def job():
        ran.append("job")
        yield from checkpoint()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        job()
        gc.collect()
        yield from sleep(1)
    if ran:
        return "it runs"
    return "a warning" if caught else "nothing"


def call_without_await_yield_from():
    def job():
        yield from checkpoint()
        return "works"

    return (yield from job())


def group_limits_children():
    takes = {*signature(open_group).parameters, *signature(Group).parameters}
    limits = [name for name in takes if "limit" in name or "max" in name]
    running = peak = 0

    def child():
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        yield from sleep(1)
        running -= 1

    def body(group):
        for _ in range(10):
            group.spawn(child)

    yield from open_group(body)
    return "no" if peak == 10 and not limits else "yes"


def group_limits_children_semaphore():
    running = peak = 0

    def child(limit):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        yield from sleep(1)
        running -= 1
        limit.release()

    def body(group):
        limit = Semaphore(10)
        for _ in range(100):
            yield from limit.acquire()
            group.spawn(child, limit)

    yield from open_group(body)
    return "works" if peak == 10 else "fails"


def plain_function_waits():
    def plain(task):
        try:
            run(task.join)
        except RuntimeError:
            return "no"
        return "yes" if task.done else "no"

    def body(group):
        task = group.spawn(sleep, 1)
        yield from checkpoint()
        return plain(task)

    return (yield from open_group(body))


def import_before_patching():
    found = [name for name in dir(kernel) if "patch" in name]
    return "yes" if found else "absent"


def default_thread_limit():
    def body(group):
        for _ in range(80):
            group.spawn(in_thread, time.sleep, 1)

    begin = time.monotonic()
    yield from open_group(body)
    rounds = round(time.monotonic() - begin)
    return {1: "unlimited", 2: "40", 8: "10"}.get(rounds, "cpu + 4")


def await_without_suspending():
    ran = []

    def peer():
        ran.append("peer")
        yield from checkpoint()

    def own(channel):
        yield from channel.put("item")
        return (yield from channel.get())

    def body(group):
        group.spawn(peer)
        yield from own(Channel(1))
        return "yes" if ran else "no"

    return (yield from open_group(body))


def start_same_twice_generator():
    runs = []

    def job():
        runs.append("run")
        yield from sleep(1)
        return "result"

    waiting = job()
    yield from waiting
    try:
        second = yield from waiting
    except (RuntimeError, ValueError) as error:
        return f"raises {type(error).__name__}"
    if second == "result":
        return "runs it again" if len(runs) == 2 else "gives the same result"
    return "nothing"


def start_same_twice_task():
    runs = []

    def job():
        runs.append("run")
        yield from sleep(1)
        return "result"

    def body(group):
        task = group.spawn(job)
        yield from task.join()
        return (yield from task.join())

    second = yield from open_group(body)
    if second == "result":
        return "runs it again" if len(runs) == 2 else "gives the same result"
    return "nothing"


def full_pool_blocks_submitter():
    found = [name for name in dir(kernel) if "pool" in name.lower()]
    return "yes" if found else "absent"


def default_thread_limit_semaphore():
    def limited(limit):
        yield from limit.acquire()
        try:
            yield from in_thread(time.sleep, 1)
        finally:
            limit.release()

    def body(group):
        limit = Semaphore(10)
        for _ in range(20):
            group.spawn(limited, limit)

    begin = time.monotonic()
    yield from open_group(body)
    return "works" if round(time.monotonic() - begin) == 2 else "fails"
