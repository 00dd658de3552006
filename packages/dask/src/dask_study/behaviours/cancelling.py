"""Cancelled futures, calls that are asked to stop, and timeouts."""

import os
import queue
import signal
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

import dask
import distributed
from distributed import (
    Client,
    Event,
    Future,
    LocalCluster,
    Lock,
    Queue,
    as_completed,
    get_client,
    wait,
    worker_client,
)


def swallowed_once():
    client, stop = get_client(), Event()

    def call():
        stop.wait()
        print("asked to stop, and ignores it")
        time.sleep(5)
        return "yes" if stop.is_set() else "no"

    future = client.submit(call)
    time.sleep(1)
    stop.set()
    return future.result()


def cancel_waits_for_cleanup_cancel():
    client, begun, cleaned = get_client(), Event(), Event()

    def call():
        begun.set()
        time.sleep(2)
        cleaned.set()

    future = client.submit(call)
    begun.wait()
    future.cancel()
    print(f"cancel has returned, the future is {future.status}")
    answer = "yes" if cleaned.is_set() else "no"
    cleaned.wait()
    return answer


def cancel_waits_for_cleanup_stop():
    client, stop = get_client(), Event()

    def call():
        stop.wait()
        time.sleep(2)
        print("cleaned up")

    future = client.submit(call)
    time.sleep(1)
    stop.set()
    print("set has returned")
    answer = "yes" if future.done() else "no"
    future.result()
    return answer


def stopped_and_waited_for():
    client, stop = get_client(), Event()

    def call():
        stop.wait()
        time.sleep(2)
        return "cleaned up"

    future = client.submit(call)
    stop.set()
    wait([future])
    return "works" if future.result() == "cleaned up" else "fails"


def cancel_interrupts_blocking_cancel():
    client, begun, ended = get_client(), Event(), Event()

    def call():
        begun.set()
        time.sleep(60)
        print("has slept to the end")
        ended.set()

    future = client.submit(call)
    begun.wait()
    future.cancel()
    print(f"the future is {future.status}")
    return "no" if ended.wait(timeout=3600) else "yes"


def cancel_interrupts_blocking_restart():
    def call():
        Queue("workers").put(os.getpid())
        time.sleep(3600)

    with (
        LocalCluster(n_workers=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        future = client.submit(call)
        worker = Queue("workers").get()
        client.restart()
        assert future.cancelled()
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return "yes"
    return "no"


def stops_when_it_looks():
    client, stop = get_client(), Event()

    def call():
        for number in range(3600):
            if stop.is_set():
                return number
            time.sleep(1)

    future = client.submit(call)
    time.sleep(2.5)
    stop.set()
    return "works" if future.result() == 3 else "fails"


def overdue_and_zero_wait():
    futures = get_client().map(time.sleep, (1, 2), pure=False)
    ended = as_completed(futures, timeout=3)
    next(ended)
    time.sleep(5)  # by then the other one is done as well
    try:
        next(ended)
    except TimeoutError:
        return "yes"
    print("the late result is returned")
    return "no"


def overdue_and_no_wait():
    future = get_client().submit(time.sleep, 1)
    try:
        for _ in as_completed([future], timeout=2):
            time.sleep(5)
    except TimeoutError:
        print("caught TimeoutError, after the only future")
        return "yes"
    return "no"


def waits_and_then_loops():
    future = get_client().submit(time.sleep, 1)
    done, _ = wait([future], timeout=2)
    for _ in as_completed(done):
        time.sleep(5)
    return "works" if future.status == "finished" else "fails"


def timeout_of_zero_result():
    future = get_client().submit(abs, -1)
    wait([future])
    try:
        return "yes" if future.result(timeout=0) == 1 else "no"
    except TimeoutError:
        print("caught TimeoutError")
        return "no"


def done_is_asked_first():
    future = get_client().submit(abs, -1)
    wait([future])
    return "works" if future.done() and future.result() == 1 else "fails"


def timeout_of_zero_lock():
    return "yes" if Lock().acquire(timeout=0) else "no"


def timeout_of_zero_queue():
    items = Queue()
    items.put("item")
    try:
        return "yes" if items.get(timeout=0) == "item" else "no"
    except TimeoutError:
        return "no"


def cancel_while_thread_works():
    client, ended = get_client(), Event()

    def call():
        time.sleep(5)
        ended.set()

    future = client.submit(call)
    try:
        future.result(timeout=1)
    except TimeoutError:
        print("result has raised")
    answer = "when the thread ends" if ended.is_set() else "at once"
    ended.wait()
    return answer


def cancel_reaches_children_worker_client():
    client, begun, ended = get_client(), Event(), Event()

    def child():
        begun.set()
        time.sleep(2)
        ended.set()
        print("the child has finished")

    def parent():
        with worker_client() as inner:
            inner.submit(child).result()

    future = client.submit(parent)
    begun.wait()
    future.cancel()
    print("the parent is cancelled")
    return "no" if ended.wait(timeout=60) else "yes"


def cancel_reaches_children_dependent():
    client = get_client()
    first = client.submit(time.sleep, 1)
    second = client.submit(print, first)
    first.cancel()
    print(f"the first one is {first.status}")
    try:
        second.result(timeout=60)
    except CancelledError:
        print("the second one raises CancelledError")
        return "yes"
    return "no"


def one_event_stops_all():
    client, stop, ended = get_client(), Event(), Queue()

    def child(number):
        stop.wait(timeout=60)
        ended.put(number)

    def parent():
        with worker_client() as inner:
            wait(inner.map(child, range(3)))

    future = client.submit(parent)
    time.sleep(1)
    stop.set()
    future.result(timeout=30)
    return "works" if sorted(ended.get(batch=True)) == [0, 1, 2] else "fails"


def delivered_then_cancelled():
    client, items, received = get_client(), Queue(), []

    def sender():
        time.sleep(2)
        items.put("item")

    future = client.submit(sender)
    time.sleep(1)
    try:
        received.append(items.get(timeout=1))  # expires at the instant of the put
    except TimeoutError:
        print("get has timed out")
        received.append(items.get(timeout=60))
    wait([future])
    return "no" if received == ["item"] else "yes"


def cancelled_then_delivered_get():
    items = Queue()
    try:
        items.get(timeout=1)
    except TimeoutError:
        print("get has timed out")
        items.put("item")
    return "no" if items.get(timeout=60) == "item" else "yes"


def cancelled_then_delivered_interrupt():
    items = Queue()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        items.get()
    except KeyboardInterrupt:
        print("get is interrupted")
    finally:
        signal.signal(signal.SIGALRM, before)
    items.put("item")
    time.sleep(1)
    return "no" if items.qsize() else "yes"


def a_thread_gets():
    items = Queue()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1)
    with ThreadPoolExecutor(1) as threads:
        getter = threads.submit(items.get)
        try:
            getter.result()
        except KeyboardInterrupt:
            print("the main thread is interrupted")
        finally:
            signal.signal(signal.SIGALRM, before)
        items.put("item")
        return "works" if getter.result() == "item" else "fails"


def woken_lock_waiter_cancelled_timeout():
    name, client, held = "printer", get_client(), Lock("printer")

    def first():
        lock = Lock(name)
        if lock.acquire(timeout=2):  # it expires in the instant of the release
            print("the first waiter has it, and releases it")
            lock.release()

    held.acquire()
    client.submit(first)
    time.sleep(1)
    second = client.submit(lambda: Lock(name).acquire(timeout=60))
    time.sleep(1)
    held.release()
    return "yes" if second.result() else "no"


def woken_lock_waiter_cancelled_interrupt():
    dask.config.set({"distributed.scheduler.locks.lease-timeout": "2s"})
    dask.config.set({"distributed.scheduler.locks.lease-validation-interval": "1s"})
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        held, wanted = Lock("printer"), Lock("printer")
        held.acquire()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 1)
        try:
            wanted.acquire()
        except KeyboardInterrupt:
            held.release()  # the scheduler now hands the lock to the lost waiter
        begin = time.monotonic()
        got = Lock("printer").acquire(timeout=30)
        print(f"after {time.monotonic() - begin} s")
        return "yes" if got else "no"


def shared_result_waiter_cancelled_timeout():
    def waiter(timeout):
        try:
            return shared.result(timeout)
        except TimeoutError:
            print("timed out")
            return "timed out"

    shared = get_client().submit(lambda: time.sleep(2) or "result")
    with ThreadPoolExecutor() as threads:
        first, second = threads.submit(waiter, 1), threads.submit(waiter, None)
        assert first.result() == "timed out"
        return "gets the result" if second.result() == "result" else "is cancelled"


def shared_result_waiter_cancelled_cancel():
    def waiter():
        try:
            return shared.result()
        except CancelledError:
            print("caught CancelledError")
            return "cancelled"

    shared = get_client().submit(time.sleep, 2)
    with ThreadPoolExecutor() as threads:
        other = threads.submit(waiter)
        time.sleep(1)
        shared.cancel()
        answer = other.result()
    return "is cancelled" if answer == "cancelled" else "gets the result"


def shared_result_waiter_cancelled_client():
    first = get_client()
    with Client(first.scheduler.address, set_as_default=False) as second:
        ours = first.submit(time.sleep, 2, key="shared")
        time.sleep(1)
        theirs = second.submit(time.sleep, 2, key="shared")
        second.sync(second.scheduler.identity)  # until the scheduler knows of it
        ours.cancel()
        print(f"cancelled by the first client: {ours.status}")
        try:
            theirs.result(timeout=60)
        except CancelledError:
            return "is cancelled"
    return "gets the result"


def cleanup_may_wait():
    client, stop = get_client(), Event()

    def call():
        try:
            while not stop.wait(timeout=60):
                pass
        finally:
            print("cleanup begins")
            time.sleep(1)
            print("cleaned up")
        return "yes"

    future = client.submit(call)
    time.sleep(1)
    stop.set()
    return future.result()


def deadline_reaches_into_shield():
    names = {name.lower() for name in (*dir(distributed), *dir(Client), *dir(Future))}
    return "yes" if {"shield", "shielded", "mask"} & names else "absent"


def shield_with_deadline():
    names = {name.lower() for name in (*dir(distributed), *dir(Client), *dir(Future))}
    return "yes" if {"shield", "deadline", "cancelscope"} & names else "absent"


def nested_timeouts():
    ended = Event()

    def middle():
        with worker_client() as client:
            inner = client.submit(time.sleep, 5)
            try:
                inner.result(timeout=2)
            except TimeoutError:
                print("the inner one expires")
            ended.set()

    outer = get_client().submit(middle)
    try:
        outer.result(timeout=1)
    except TimeoutError:
        answer = "no" if ended.is_set() else "yes"
        print("the outer one expires")
    ended.wait()
    return answer


def own_timeout_or_its_error():
    def call():
        raise TimeoutError("of the call itself")

    future = get_client().submit(call)
    try:
        future.result(timeout=1)
    except TimeoutError:
        of_the_call = future.status == "error"
    return "works" if of_the_call else "fails"


def which_except_catches_timeout_result():
    try:
        get_client().submit(time.sleep, 2).result(timeout=1)
    except TimeoutError:
        print("caught TimeoutError")
        return "TimeoutError"


def which_except_catches_timeout_queue():
    try:
        Queue().get(timeout=1)
    except queue.Empty:
        return "queue.Empty"
    except TimeoutError:
        print("caught TimeoutError")
        return "TimeoutError"


def which_except_catches_timeout_lock():
    lock = Lock()
    lock.acquire()
    try:
        results = lock.acquire(timeout=1), Event().wait(timeout=1)
    except TimeoutError:
        return "TimeoutError"
    print(f"they have returned {results}")
    return "none" if results == (False, False) else "an error"


def timeout_leaves_running_result():
    client, ended = get_client(), Event()

    def call():
        time.sleep(2)
        ended.set()

    future = client.submit(call)
    try:
        future.result(timeout=1)
    except TimeoutError:
        print("the timeout is over")
    return "yes" if ended.wait(timeout=60) else "no"


def timeout_leaves_running_get():
    items = Queue()
    try:
        items.get(timeout=1)
    except TimeoutError:
        print("the timeout is over")
        items.put("item")
        time.sleep(2)
    return "no" if items.qsize() == 1 else "yes"


def cancellation_races_completion():
    future = get_client().submit(time.sleep, 1)
    time.sleep(1)  # it ends in the instant in which it is cancelled
    future.cancel()
    try:
        future.result(timeout=60)
    except CancelledError:
        print("caught CancelledError")
        return "no"
    return "yes"


def scope_cancelled_by_hand():
    names = {name.lower() for name in (*dir(distributed), *dir(Client))}
    return "nothing" if {"timeout", "cancelscope", "fail_after"} & names else "absent"


def first_result_stops_rest():
    client, ended = get_client(), Event()

    def slow():
        time.sleep(2)
        ended.set()
        print("the slow call has ended")

    futures = [client.submit(time.sleep, 1), client.submit(slow)]
    _, rest = wait(futures, return_when="FIRST_COMPLETED")
    print("the first result is there")
    client.cancel(list(rest))
    return "no" if ended.wait(timeout=60) else "yes"


def cancel_finished_task():
    future = get_client().submit(abs, -1)
    assert future.result() == 1
    try:
        returned = future.cancel()
        future.result()
    except RuntimeError:
        return "raises RuntimeError"
    except CancelledError:
        print("the result is gone")
        return "forgets the result"
    return "returns False" if returned is False else "nothing"


def only_the_others_are_cancelled():
    client = get_client()
    futures = [client.submit(time.sleep, seconds) for seconds in (1, 2)]
    done, rest = wait(futures, return_when="FIRST_COMPLETED")
    client.cancel(list(rest))
    kept = [future.status for future in futures]
    return "works" if len(done) == 1 and kept == ["finished", "cancelled"] else "fails"
