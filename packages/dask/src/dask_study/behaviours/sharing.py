"""Locks, queues and variables that the scheduler keeps, and copies in the workers."""

import decimal
import os
import threading
import time

import dask
import distributed
from distributed import (
    Client,
    Event,
    KilledWorker,
    LocalCluster,
    Lock,
    Queue,
    Semaphore,
    Variable,
    get_client,
    get_worker,
    wait,
    worker_client,
)


def unlock_by_another():
    lock = Lock("printer")
    lock.acquire()

    def call():
        Lock("printer").release()

    error = get_client().submit(call).exception()
    print(f"the call has raised {error!r}")
    return "raises RuntimeError" if isinstance(error, RuntimeError) else "no"


def release_what_is_not_held_lock():
    try:
        Lock("printer").release()
    except RuntimeError as error:
        print(error)
        return "raises RuntimeError"
    return "no"


def release_what_is_not_held_semaphore():
    try:
        Semaphore(max_leases=2, name="printers").release()
    except RuntimeError as error:
        print(error)
        return "raises RuntimeError"
    return "no"


def owner_locks_again():
    lock = Lock("printer")
    with lock:
        try:
            got = lock.acquire(timeout=3600)
        except RuntimeError:
            return "raises RuntimeError"
    return "gets it" if got else "waits for ever"


def holder_ends_call():
    # A worker that gets no processor for 5 s would lose the lease.
    dask.config.set({"distributed.scheduler.locks.lease-timeout": "5s"})
    dask.config.set({"distributed.scheduler.locks.lease-validation-interval": "200ms"})
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.submit(lambda: Lock("printer").acquire()).result()
        got = Lock("printer").acquire(timeout=12)
    return "the lock" if got else "nothing, for ever"


def holder_ends_worker():
    dask.config.set({"distributed.scheduler.locks.lease-timeout": "1s"})
    dask.config.set({"distributed.scheduler.locks.lease-validation-interval": "200ms"})

    def hold():
        Lock("printer").acquire()
        os._exit(1)

    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with (
        LocalCluster(n_workers=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        error = client.submit(hold).exception()
        assert isinstance(error, KilledWorker)
        got = Lock("printer").acquire(timeout=30)
    return "the lock" if got else "nothing, for ever"


def releaser_takes_back():
    lock = Lock("printer")

    def waiter():
        with Lock("printer"):
            print("the waiter has the lock")

    lock.acquire()
    waiting = get_client().submit(waiter)
    time.sleep(1)
    lock.release()
    taken_back = lock.acquire(timeout=0)
    if taken_back:
        lock.release()
    waiting.result()
    return {"yes" if taken_back else "no"}


def default_capacity():
    items = Queue()
    for number in range(1000):
        try:
            items.put(number, timeout=60)
        except TimeoutError:
            return "must be given" if number else "zero"
    return "unlimited"


def newcomer_steals():
    client, items = get_client(), Queue()

    for _ in range(2):  # the connections are open in the second round
        getter = client.submit(items.get, pure=False)
        time.sleep(1)
        client.loop.add_callback(items.put, "item", asynchronous=True)
        try:
            got = items.get(timeout=1)
        except TimeoutError:
            got = "nothing"
        print(f"the newcomer has {got}")
        items.put("another")
        getter.result()
    return "yes" if got == "item" else "no"


def first_come_first_served():
    client, served = get_client(), Queue()

    def waiter(number):
        with Lock("printer"):
            served.put(number)

    with Lock("printer"):
        futures = []
        for number in range(5):
            futures.append(client.submit(waiter, number))
            time.sleep(1)
    wait(futures)
    order = served.get(batch=True)
    print(f"served: {order}")
    return {"yes" if order == sorted(order) else "no"}


def close_with_waiters():
    items = Queue("items")
    getter = get_client().submit(lambda: Queue("items").get(timeout=3600))
    time.sleep(1)
    items.close()
    print("closed")
    try:
        getter.result(timeout=1800)
    except TimeoutError:
        return "they wait on"
    except Exception:
        return "raises an error"


def a_last_item_ends_the_loop():
    items = Queue("items")

    def consume():
        items = Queue("items")
        return sum(iter(items.get, None))

    consumer = get_client().submit(consume)
    for item in (1, 2, None):
        items.put(item)
    return "works" if consumer.result() == 3 else "fails"


def result_set_twice():
    variable = Variable("result")
    variable.set("first")
    try:
        variable.set("second")
    except Exception:
        return "raises an error"
    return "replaces it" if variable.get() == "second" else "nothing"


def worker_dies_before_task_done():
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with (
        LocalCluster(n_workers=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        future = client.submit(os._exit, 1)
        try:
            wait([future], timeout=40)
        except TimeoutError:
            return "yes"
        assert isinstance(future.exception(), KilledWorker)
    return "no"


def context_inherited():
    client = get_client()
    with decimal.localcontext(prec=5):  # it is a context variable
        seen = client.submit(decimal.getcontext).result()
    print(f"the call has a precision of {seen.prec}")
    return "yes" if seen.prec == 5 else "no"


def context_is_passed():
    def call(context):
        with decimal.localcontext(context):
            return decimal.getcontext().prec

    with decimal.localcontext(prec=5) as context:
        seen = get_client().submit(call, context).result()
    return "works" if seen == 5 else "fails"


def context_in_worker_thread():
    def child():
        return decimal.getcontext().prec

    def parent():
        with decimal.localcontext(prec=5), worker_client() as client:
            return client.submit(child).result()

    return "yes" if get_client().submit(parent).result() == 5 else "no"


def thread_local_per_task():
    def call(number):
        local = vars(get_worker()).setdefault("kept", threading.local())
        before, local.number = getattr(local, "number", None), number
        return before

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.submit(call, 1).result()
        seen = client.submit(call, 2).result()
    print(f"the second call finds {seen}")
    return "yes" if seen is None else "no"


def foreign_thread_wakes():
    client, event = get_client(), Event("go")
    future = client.submit(lambda: Event("go").wait(timeout=60))
    setter = threading.Timer(1, event.set)
    setter.start()
    answer = "yes" if future.result() else "no"
    setter.join()
    return answer


def lock_outlives_loop_object():
    address = get_client().scheduler.address
    with Client(address):
        lock = Lock("printer")
        with lock:
            print("locked by the first client")
    with Client(address):
        try:
            with lock:
                return "yes"
        except Exception as error:
            print(repr(error))
            return f"raises {type(error).__name__}"


def lock_outlives_loop_name():
    address = get_client().scheduler.address
    for _ in range(2):
        with Client(address) as client:
            lock = Lock("printer")
            with lock:
                waiting = client.submit(lambda: Lock("printer").acquire(timeout=0))
                assert not waiting.result()
    return "yes"


def nested_pool_worker_client():
    def outer():
        with worker_client() as client:
            return client.submit(abs, -1).result()

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        return "completes" if client.submit(outer).result() == 1 else "hangs"


def nested_pool_get_client():
    def outer():
        return get_client().submit(abs, -1).result(timeout=3600)

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        error = client.submit(outer).exception()
        print(f"the outer call has raised {error!r}")
    return "hangs" if isinstance(error, TimeoutError) else "completes"


def notify_without_lock():
    return "nothing" if hasattr(distributed, "Condition") else "absent"


def extra_semaphore_release():
    semaphore = Semaphore(max_leases=1, name="printers")
    semaphore.acquire()
    semaphore.release()
    try:
        semaphore.release()
    except RuntimeError as error:
        print(error)
        return "raises RuntimeError"
    taken = [semaphore.acquire(timeout=0) for _ in range(2)]
    return "raises its value" if taken == [True, True] else "nothing"


def yielding_starves_timers():
    def spin():
        while not Event("stop").is_set():
            time.sleep(0)

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        busy = client.submit(spin)
        begin = time.monotonic()
        client.submit(time.sleep, 0.1).result(timeout=30)
        took = time.monotonic() - begin
        Event("stop").set()
        busy.result()
    return "at once" if took < 5 else "later"
