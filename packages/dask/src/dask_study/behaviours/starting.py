"""Starting calls on a cluster."""

import gc
import inspect
import time
import uuid
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import dask
import distributed
from dask.system import CPU_COUNT
from distributed import (
    Client,
    Event,
    LocalCluster,
    Lock,
    Queue,
    as_completed,
    get_client,
    wait,
    worker_client,
)
from distributed.client import ClosedClientError


def spawn_returns_first():
    outcomes = set()
    for _ in range(10):
        ran = Event()
        future = get_client().submit(ran.set, pure=False)
        outcomes.add("no" if future.done() else "yes")
        future.result()
    return outcomes


def start_order_threads():
    outcomes = set()
    for _ in range(5):
        order = Queue()
        wait(get_client().map(order.put, range(5), pure=False))
        seen = list(order.get(batch=True))
        outcomes.add("yes" if seen == sorted(seen) else "no")
    return outcomes


def start_order_one_thread():
    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**one, dashboard_address=":0") as cluster:
        with Client(cluster) as client:
            first = client.submit(time.sleep, 1)
            calls = as_completed([client.submit(abs, n) for n in range(20)])
            seen = [call.result() for call in calls]
            print(f"after {first.status}, the order was {seen}")
    return "yes" if seen == [*range(20)] else "no"


def start_order_priority():
    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**one, dashboard_address=":0") as cluster:
        with Client(cluster) as client:
            first = client.submit(time.sleep, 1)
            calls = [client.submit(abs, n, priority=-n) for n in range(20)]
            seen = [call.result() for call in as_completed(calls)]
            print(f"after {first.status}, the order was {seen}")
    return "yes" if seen == [*range(20)] else "no"


def wait_until_ready():
    ready = Event()

    def child():
        time.sleep(1)
        ready.set()
        print("ready")

    future = get_client().submit(child)
    print("submit has returned")
    answer = "yes" if ready.is_set() else "no"
    future.result()
    return answer


def ready_with_event():
    ready = Event()

    def child():
        time.sleep(1)
        ready.set()
        time.sleep(1)

    future = get_client().submit(child)
    answer = "works" if ready.wait(timeout=60) and not future.done() else "fails"
    future.result()
    return answer


def cancelled_before_start_input():
    client, ran = get_client(), Event()
    first = client.submit(time.sleep, 2)
    second = client.submit(lambda _: ran.set(), first)
    time.sleep(1)
    second.cancel()
    print("cancelled")
    first.result()
    return "to its end" if ran.wait(timeout=1) else "never runs"


def cancelled_before_start_thread():
    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    one["dashboard_address"] = ":0"
    with TemporaryDirectory() as folder, LocalCluster(**one) as cluster:
        with Client(cluster) as client:
            trace = Path(folder, "ran")
            first = client.submit(time.sleep, 2)
            second = client.submit(trace.touch)
            time.sleep(1)
            second.cancel()
            print("cancelled")
            client.gather([first, client.submit(abs, -1)])
            return "to its end" if trace.exists() else "never runs"


def free_operation_yields():
    lock, ran = Lock(), Event()
    future = get_client().submit(ran.set)
    for _ in range(100):
        with lock:
            pass
    answer = "yes" if future.done() else "no"
    future.result()
    return answer


def checkpoint_lets_all_run():
    outcomes = set()
    for _ in range(10):
        futures = get_client().map(abs, range(5), pure=False)
        time.sleep(0)
        outcomes.add("yes" if all(future.done() for future in futures) else "no")
        wait(futures)
    return outcomes


def equal_deadlines():
    outcomes = set()

    def sleeper(number):
        time.sleep(1)
        order.put(number)

    for _ in range(5):
        order = Queue()
        wait(get_client().map(sleeper, range(5), pure=False))
        seen = list(order.get(batch=True))
        outcomes.add("yes" if seen == sorted(seen) else "no")
    return outcomes


def spawn_into_ended_group_client():
    with Client(get_client().scheduler.address) as client:
        print("the client is closed at the end of the block")
    try:
        future = client.submit(abs, -1)
    except (RuntimeError, ClosedClientError) as error:
        return f"raises {type(error).__name__}"
    return "cancels the child" if future.cancelled() else "starts the child"


def spawn_into_ended_group_workers():
    none = {"n_workers": 0, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**none, dashboard_address=":0") as cluster:
        with Client(cluster) as client:
            future = client.submit(abs, -1)
            time.sleep(60)
            print(f"after a minute, the call is {future.status}")
            cluster.scale(1)
            wait(future)
            return "cancels the child" if future.cancelled() else "starts the child"


def child_inherits_timeout():
    ended = Event()

    def child():
        time.sleep(3)
        print("finished")
        ended.set()

    def parent():
        with worker_client() as client:
            client.submit(child).result()

    future = get_client().submit(parent)
    try:
        future.result(timeout=1)
    except TimeoutError:
        print("the timeout is over")
    return "no" if ended.wait(timeout=60) else "yes"


def call_without_await():
    ran = Event()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dask.delayed(ran.set)()
        gc.collect()
    time.sleep(1)
    return "it runs" if ran.is_set() else "a warning" if caught else "nothing"


def group_limits_children_threads():
    two = {"n_workers": 1, "threads_per_worker": 2, "processes": False}
    with LocalCluster(**two, dashboard_address=":0") as cluster, Client(cluster):
        begin = time.monotonic()
        for _ in as_completed(get_client().map(time.sleep, [1] * 6, pure=False)):
            print("one has ended")
        return "yes" if time.monotonic() - begin > 2 else "no"


def group_limits_children_resources():
    six = {"n_workers": 1, "threads_per_worker": 6, "processes": False}
    six["resources"] = {"licence": 2}
    with LocalCluster(**six, dashboard_address=":0") as cluster, Client(cluster):
        begin = time.monotonic()
        each = {"pure": False, "resources": {"licence": 1}}
        for _ in as_completed(get_client().map(time.sleep, [1] * 6, **each)):
            print("one has ended")
        return "yes" if time.monotonic() - begin > 2 else "no"


def plain_function_waits_result():
    def outer():
        try:
            get_client().submit(time.sleep, 1).result(timeout=60)
        except TimeoutError:
            print("the only thread is taken by the call that waits")
            return "no"
        return "yes"

    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**one, dashboard_address=":0") as cluster, Client(cluster):
        return get_client().submit(outer).result()


def plain_function_waits_worker_client():
    def outer():
        with worker_client() as client:  # another call gets the thread's place
            client.submit(time.sleep, 1).result(timeout=60)
        return "yes"

    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**one, dashboard_address=":0") as cluster, Client(cluster):
        try:
            return get_client().submit(outer).result()
        except TimeoutError:
            return "no"


def import_before_patching():
    names = dir(distributed)
    return "yes" if any("patch" in name for name in names) else "absent"


def default_thread_limit():
    rounds = []
    with LocalCluster(processes=False, dashboard_address=":0") as cluster:
        with Client(cluster) as client:
            for calls in (CPU_COUNT, CPU_COUNT + 1):
                begin = time.monotonic()
                wait(client.map(time.sleep, [1] * calls, pure=False))
                rounds.append(round(time.monotonic() - begin))
    return "cpu" if rounds == [1, 2] else "unlimited"


def await_without_suspending():
    def compute():
        return sum(range(1000))

    return "no" if inspect.isawaitable(compute()) else "absent"


def start_same_twice_submit():
    client = get_client()
    first, second = (client.submit(uuid.uuid4) for _ in range(2))
    same = first.result() == second.result()
    return "gives the same result" if same else "runs it again"


def start_same_twice_impure():
    client = get_client()
    first, second = (client.submit(uuid.uuid4, pure=False) for _ in range(2))
    same = first.result() == second.result()
    return "gives the same result" if same else "runs it again"


def full_pool_blocks_submitter():
    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    with LocalCluster(**one, dashboard_address=":0") as cluster, Client(cluster):
        begin = time.monotonic()
        futures = [get_client().submit(time.sleep, 1, pure=False) for _ in range(5)]
        waited = time.monotonic() - begin
        print("submitted")
        wait(futures)
    return "yes" if waited >= 1 else "no"


def submitter_waits():
    client = get_client()
    begin = time.monotonic()
    running = as_completed(client.map(time.sleep, [1, 1], pure=False))
    for _ in range(4):
        next(running)
        running.add(client.submit(time.sleep, 1, pure=False))
    waited = time.monotonic() - begin
    list(running)
    return "works" if waited > 1.5 else "fails"
