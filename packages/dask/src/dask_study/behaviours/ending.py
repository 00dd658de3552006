"""Ctrl-C, ends of programs, and calls that are left over."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import distributed
from distributed import (
    Client,
    Event,
    LocalCluster,
    Lock,
    Queue,
    Variable,
    as_completed,
    fire_and_forget,
    get_client,
    wait,
    worker_client,
)


def interrupt_while_waiting():
    cleaned = []

    def job(folder):
        Path(folder, "begun").touch()
        try:
            time.sleep(60)
        finally:
            Path(folder, "cleaned up").touch()

    def ctrl_c():  # a terminal sends it to all processes of the group
        while not Path(folder, "begun").exists():
            time.sleep(0.1)
        os.killpg(0, signal.SIGINT)

    one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with TemporaryDirectory() as folder:
        try:
            with LocalCluster(**one) as cluster, Client(cluster) as client:
                try:
                    threading.Thread(target=ctrl_c).start()
                    client.submit(job, folder).result()
                finally:
                    cleaned.append("main")
        except KeyboardInterrupt:
            cleaned += [path.name for path in Path(folder).glob("cleaned*")]
    return "of all" if len(cleaned) == 2 else "of the main task"


def interrupt_while_computing_client():
    pressed = []
    try:
        while len(pressed) < 3:
            pressed.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))
    except KeyboardInterrupt:
        return {1: "the first", 2: "the second"}.get(len(pressed), "none")
    return "none"


def interrupt_while_computing_worker():
    code = """if True:
        from distributed import Client, LocalCluster

        if __name__ == "__main__":
            compute = "print('begun', flush=True)\\nwhile True: pass"
            one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
            with LocalCluster(**one) as cluster, Client(cluster) as client:
                client.submit(exec, compute).result()
    """
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, start_new_session=True) as process:
        assert process.stdout.readline() == b"begun\n"
        for answer in ("the first", "the second"):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            try:
                # The output ends with the last process.
                process.communicate(timeout=20)
                return answer
            except subprocess.TimeoutExpired:
                pass
        os.killpg(process.pid, signal.SIGKILL)
    return "none"


def left_over_at_end_cluster():
    code = """if True:
        from distributed import Client, Event, LocalCluster

        def job(begun):
            begun.set()
            Event("never").wait(timeout=60)

        if __name__ == "__main__":
            one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
            client, begun = Client(LocalCluster(**one)), Event()
            future = client.submit(job, begun)
            print(begun.wait(), future.status)
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    try:  # the output of the program ends with its last process
        done = subprocess.run(command, capture_output=True, timeout=30)
        assert done.stdout == b"True pending\n"
    except subprocess.TimeoutExpired:
        return "is waited for"
    return "is cancelled"


def left_over_at_end_client():
    begun, ended = Event(), Event()

    def job():
        begun.set()
        time.sleep(2)
        print("finished")
        ended.set()

    with Client(get_client().scheduler.address) as client:
        future = client.submit(job)
        begun.wait()
    print(f"the client has left, and its future is {future.status}")
    if ended.is_set():
        return "is waited for"
    return "is abandoned" if ended.wait(timeout=60) else "is cancelled"


def break_out_of_generator_loop():
    steps = []

    def lines():
        try:
            yield "first"
            yield "second"
        finally:
            steps.append("finally")
            print("finally runs")

    for _ in lines():
        time.sleep(1)
        break
    steps.append("after the loop")
    print("after the loop")
    return "at once" if steps[0] == "finally" else "at garbage collection"


def break_out_of_generator_name():
    steps = []

    def lines():
        try:
            yield "first"
            yield "second"
        finally:
            steps.append("finally")
            print("finally runs")

    kept = lines()
    for _ in kept:
        time.sleep(1)
        break
    steps.append("after the loop")
    print("after the loop")
    del kept
    return "at once" if steps[0] == "finally" else "at garbage collection"


def break_out_of_generator_closing():
    steps = []

    def lines():
        try:
            yield "first"
            yield "second"
        finally:
            steps.append("finally")

    with closing(lines()) as kept:
        for _ in kept:
            time.sleep(1)
            break
    steps.append("after the block")
    return "works" if steps == ["finally", "after the block"] else "fails"


def yield_inside_timeout():
    names = {name.lower() for name in dir(distributed)}
    return "an error" if {"timeout", "cancelscope", "fail_after"} & names else "absent"


def two_consumers():
    shared = (number for number in range(6))
    try:
        wait([get_client().submit(list, shared, pure=False) for _ in range(2)])
    except (TypeError, ValueError, RuntimeError) as error:
        print("submit has raised")
        return f"raises {type(error).__name__}"
    return "yes"


def two_consumers_of_a_queue():
    client, shared = get_client(), Queue()

    def consumer():
        return list(iter(shared.get, None))

    consumers = [client.submit(consumer, pure=False) for _ in range(2)]
    for number in [*range(6), None, None]:
        shared.put(number)
    one, other = client.gather(consumers)
    return "works" if sorted(one + other) == [*range(6)] else "fails"


def socket_closed_under_reader():
    ours, theirs = socket.socketpair()

    def reader(connection):
        return connection.recv(1)

    with ours, theirs:
        try:
            future = get_client().submit(reader, ours, pure=False)
        except TypeError:
            print("a socket does not travel")
            return "absent"
        ours.close()
        return "end of file" if future.result() == b"" else "an error"


def server_closed_while_idle():
    one = {"n_workers": 1, "threads_per_worker": 1, "processes": False}
    cluster = LocalCluster(**one, dashboard_address=":0")
    with Client(cluster) as client:
        time.sleep(10)
        print(f"the idle client is {client.status}")
        cluster.close()
        time.sleep(10)
        print(f"ten seconds after the end of the cluster, it is {client.status}")
        return "no" if client.status == "running" else "yes"


def subprocess_after_cancel():
    def job(pids):
        with subprocess.Popen(["sleep", "60"]) as process:
            pids.put(process.pid)

    one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**one) as cluster, Client(cluster) as client:
        pids = Queue()
        future = client.submit(job, pids)
        pid = pids.get()
        future.cancel()
        client.run(time.sleep, 0.1)  # on the worker, which knows of it by now
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
        os.kill(pid, signal.SIGKILL)
    return "lives on" if state == "S" else "is killed"


def deadlock_detected_locks():
    client, one, two = get_client(), Lock(), Lock()

    def take(first, second):
        with first:
            time.sleep(1)
            if second.acquire(timeout=120):
                second.release()

    takers = [client.submit(take, *pair) for pair in ((one, two), (two, one))]
    try:
        wait(takers, timeout=60)
    except TimeoutError:
        print("both still wait")
        return "no"
    return "yes"


def locks_in_one_order():
    client, one, two = get_client(), Lock(), Lock()

    def take(first, second):
        with first:
            time.sleep(1)
            with second:
                pass

    takers = [client.submit(take, one, two, pure=False) for _ in range(2)]
    try:
        wait(takers, timeout=60)
    except TimeoutError:
        return "fails"
    return "works"


def deadlock_detected_futures():
    def take(other):
        time.sleep(1)
        return other.get(timeout=120).result(timeout=120)

    client, one, two = get_client(), Variable(), Variable()
    calls = [client.submit(take, other) for other in (one, two)]
    two.set(calls[0])
    one.set(calls[1])
    try:
        wait(calls, timeout=60)
    except TimeoutError:
        print("each waits for the result of the other")
        return "no"
    return "yes"


def lost_update_variable():
    count = Variable()
    count.set(0)

    def increment():
        before = count.get()
        time.sleep(1)
        count.set(before + 1)

    wait([get_client().submit(increment, pure=False) for _ in range(5)])
    print(f"the count is {count.get()}")
    return "no" if count.get() == 5 else "yes"


def lost_update_actor():
    class Counter:
        value = 0

        def increment(self):
            before = self.value
            time.sleep(1)
            self.value = before + 1

    counter = get_client().submit(Counter, actor=True).result()
    for call in [counter.increment() for _ in range(5)]:
        call.result()
    print(f"the count is {counter.value}")
    return "no" if counter.value == 5 else "yes"


def update_with_lock():
    count, lock = Variable(), Lock()
    count.set(0)

    def increment():
        with lock:
            before = count.get()
            time.sleep(1)
            count.set(before + 1)

    wait([get_client().submit(increment, pure=False) for _ in range(5)])
    return "works" if count.get() == 5 else "fails"


def ten_blocking_sleeps():
    begin = time.monotonic()
    wait([get_client().submit(time.sleep, 0.1, pure=False) for _ in range(10)])
    return f"{time.monotonic() - begin:.2g} s"


def run_inside_run():
    def outer():
        with worker_client() as client:
            return client.submit(abs, -1).result()

    try:
        return "yes" if get_client().submit(outer).result() == 1 else "absent"
    except RuntimeError:
        return "raises RuntimeError"


def child_return_value_submit():
    future = get_client().submit(abs, -1)
    return "yes" if future.result() == 1 else "no"


def child_return_value_fire_and_forget():
    given = fire_and_forget(get_client().submit(abs, -1))
    return "no" if given is None else "yes"


def results_in_input_order_gather():
    client = get_client()

    def nap(seconds):
        time.sleep(seconds)
        return seconds

    seconds = client.gather(client.map(nap, [3, 1, 2]))
    print(f"gather has returned {seconds}")
    return "input order" if seconds == [3, 1, 2] else "completion order"


def results_in_input_order_as_completed():
    def nap(seconds):
        time.sleep(seconds)
        return seconds

    seconds = []
    for future in as_completed(get_client().map(nap, [3, 1, 2])):
        print("a result")
        seconds.append(future.result())
    return "input order" if seconds == [3, 1, 2] else "completion order"


def abandoned_thread_delays_exit():
    code = """if True:
        import time
        from distributed import Client, LocalCluster

        if __name__ == "__main__":
            one = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0"}
            with LocalCluster(**one) as cluster, Client(cluster) as client:
                future = client.submit(time.sleep, 60)
                try:
                    future.result(timeout=1)
                except TimeoutError:
                    print(future.status)
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    try:  # the output of the program ends with its last process
        done = subprocess.run(command, capture_output=True, timeout=30)
        assert done.stdout == b"pending\n"
    except subprocess.TimeoutExpired:
        return "the exit waits"
    return "nothing waits"
