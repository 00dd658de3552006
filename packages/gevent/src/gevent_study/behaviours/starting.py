"""The start of greenlets."""

import time

import gevent
from gevent import monkey
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore
from gevent.pool import Group, Pool
from gevent.queue import Queue
from gevent.threadpool import ThreadPool


def spawn_returns_first():
    started = []
    child = gevent.spawn(started.append, "child")
    answer = "no" if started else "yes"
    child.join()
    return answer


def start_order():
    started = []
    gevent.joinall([gevent.spawn(started.append, number) for number in range(100)])
    return "yes" if started == list(range(100)) else "no"


def wait_until_ready():
    ready = Event()

    def server():
        gevent.sleep(1)
        ready.set()
        gevent.sleep(60)

    for start in (gevent.spawn, Group().spawn, Pool().spawn):
        ready.clear()
        child = start(server)
        if ready.is_set():
            return "yes"
        child.kill()
    return "no"


def ready_with_result():
    def server(ready):
        gevent.sleep(1)
        ready.set("works")
        gevent.sleep(60)

    ready = AsyncResult()
    child = gevent.spawn(server, ready)
    child.link_exception(ready)  # an error at the start must not leave us waiting
    try:
        return ready.get()
    finally:
        child.kill()


def cancelled_before_start():
    steps = []

    def child():
        steps.append("body")
        gevent.sleep(1)
        steps.append("end")

    greenlet = gevent.spawn(child)
    greenlet.kill()
    gevent.sleep(2)
    if not steps:
        return "never runs"
    return "to its end" if "end" in steps else "to its first wait"


def free_operation_yields_lock():
    ran = []
    lock = BoundedSemaphore()
    other = gevent.spawn(ran.append, "other")
    with lock:
        pass
    answer = "yes" if ran else "no"
    other.join()
    return answer


def free_operation_yields_queue():
    ran = []
    queue = Queue(items=["item"])
    other = gevent.spawn(ran.append, "other")
    queue.get()
    answer = "yes" if ran else "no"
    other.join()
    return answer


def checkpoint_lets_all_run_ready():
    ran = []
    peers = [gevent.spawn(ran.append, number) for number in range(10)]
    gevent.sleep(0)
    answer = "yes" if len(ran) == len(peers) else "no"
    gevent.joinall(peers)
    return answer


def checkpoint_lets_all_run_timer():
    ran = []
    peer = gevent.spawn_later(0.01, ran.append, "peer")
    time.sleep(0.05)  # blocks the thread, so the timer of the peer is overdue
    gevent.sleep(0)
    answer = "yes" if ran else "no"
    peer.join()
    return answer


def equal_deadlines():
    woken = []

    def sleeper(number):
        gevent.sleep(0.05)
        woken.append(number)

    gevent.joinall([gevent.spawn(sleeper, number) for number in range(100)])
    return "yes" if woken == list(range(100)) else "no"


def spawn_into_ended_group_killed():
    steps = []

    def child():
        steps.append("started")
        gevent.sleep(1)
        steps.append("ended")
        print("finished")

    group = Group()
    group.spawn(gevent.sleep, 60)
    group.kill()
    print("the group is killed")
    group.spawn(child)
    group.join()
    return "starts the child" if "ended" in steps else "cancels the child"


def spawn_into_ended_group_dying():
    steps = []

    def child():
        gevent.sleep(1)
        steps.append("ended")

    def parent():
        try:
            gevent.sleep(60)
        finally:
            group.spawn(child)
            print("spawns a child")

    group = Group()
    group.spawn(parent)
    gevent.sleep(1)
    group.kill()
    print("kill has returned")
    gevent.sleep(2)
    return "starts the child" if steps else "cancels the child"


def child_inherits_timeout():
    ended = []

    def child():
        gevent.sleep(2)
        ended.append("child")
        print("finished")

    with gevent.Timeout(1, False):
        gevent.spawn(child)
        gevent.sleep(60)
    print("the timeout is over")
    gevent.sleep(2)
    return "no" if ended else "yes"


def call_without_await_greenlet():
    ran = []
    gevent.Greenlet(ran.append, "job")
    gevent.sleep(1)
    return "it runs" if ran else "nothing"


def call_without_await_call():
    ran = []

    def job():
        gevent.sleep(1)
        ran.append("job")

    job()
    return "it runs" if ran else "nothing"


def group_limits_children_pool():
    running, most = 0, 0

    def job(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        gevent.sleep(1)
        running -= 1

    Pool(3).map(job, range(10))
    return "yes" if most == 3 else "no"


def group_limits_children_group():
    running, most = 0, 0

    def job(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        gevent.sleep(1)
        running -= 1

    Group().map(job, range(10))
    return "no" if most == 10 else "yes"


def plain_function_waits():
    steps = []

    def wait_for(event):
        event.wait()
        steps.append("waited")
        print("the wait is over")

    def other():
        gevent.sleep(1)
        steps.append("other")
        print("sets the event")
        event.set()

    event = Event()
    gevent.joinall([gevent.spawn(wait_for, event), gevent.spawn(other)])
    return "yes" if steps == ["other", "waited"] else "no"


def import_before_patching_name():
    from time import monotonic, sleep

    monkey.patch_all()
    start = monotonic()
    gevent.joinall([gevent.spawn(sleep, 0.3) for _ in range(3)])
    return "yes" if monotonic() - start < 0.9 else "no"


def import_before_patching_module():
    import time

    monkey.patch_all()
    start = time.monotonic()
    gevent.joinall([gevent.spawn(lambda: time.sleep(0.3)) for _ in range(3)])
    return "yes" if time.monotonic() - start < 0.9 else "no"


def default_thread_limit():
    running, most = 0, 0

    def block():
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(1)
        running -= 1

    pool = gevent.get_hub().threadpool
    gevent.joinall([gevent.spawn(pool.apply, block) for _ in range(100)])
    return str(most) if most < 100 else "unlimited"


def await_without_suspending():
    ran = []

    def never_waits():
        return sum(range(1000))

    other = gevent.spawn(ran.append, "other")
    for _ in range(1000):
        never_waits()
    answer = "yes" if ran else "no"
    other.join()
    return answer


def start_same_twice_start():
    ran = []
    greenlet = gevent.Greenlet(ran.append, "job")
    greenlet.start()
    greenlet.start()
    greenlet.join()
    greenlet.start()
    gevent.sleep(1)
    return "nothing" if ran == ["job"] else "runs it again"


def start_same_twice_get():
    greenlet = gevent.spawn(object)
    same = greenlet.get() is greenlet.get()
    return "gives the same result" if same else "runs it again"


def full_pool_blocks_submitter_pool():
    pool = Pool(1)
    pool.spawn(gevent.sleep, 1)
    start = time.monotonic()
    pool.spawn(gevent.sleep, 1)
    waited = time.monotonic() - start
    print("spawned the second one")
    pool.join()
    return "yes" if waited > 0.5 else "no"


def full_pool_blocks_submitter_thread_pool():
    pool = ThreadPool(1)
    start = time.monotonic()
    results = [pool.spawn(time.sleep, 1) for _ in range(4)]
    waited = time.monotonic() - start  # one runs, and one more may wait in the pool
    gevent.wait(results)
    pool.kill()
    return "yes" if waited > 1.5 else "no"
