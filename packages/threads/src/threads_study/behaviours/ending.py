"""Ctrl-C, ends of programs, and things that are left over."""

import concurrent.futures
import os
import queue
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing


def interrupt_while_waiting():
    begun, leave = threading.Semaphore(0), threading.Event()
    cleaned = []

    def waiting(name):
        try:
            begun.release()
            leave.wait()
        finally:
            cleaned.append(name)

    def ctrl_c():
        for _ in range(2):
            begun.acquire()
        while not cleaned:  # a signal right before a wait does not interrupt that wait
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    try:
        threading.Thread(target=waiting, args=("child",), daemon=True).start()
        threading.Thread(target=ctrl_c).start()
        waiting("main")
    except KeyboardInterrupt:
        if cleaned == ["main"]:
            return "of the main task"
        return "of all" if cleaned else "of none"


def threads_are_asked_to_stop():
    stop = threading.Event()
    cleaned = []

    def worker():
        try:
            stop.wait()
        finally:
            cleaned.append("worker")

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        signal.raise_signal(signal.SIGINT)
        thread.join()
    except KeyboardInterrupt:
        stop.set()
        thread.join()
    return "works" if cleaned else "fails"


def interrupt_while_computing_main():
    pressed = []
    try:
        while len(pressed) < 3:
            pressed.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))
    except KeyboardInterrupt:
        return {1: "the first", 2: "the second"}.get(len(pressed), "none")
    return "none"


def interrupt_while_computing_thread():
    code = """if True:
        import threading

        def compute():
            while True:
                pass

        threading.Thread(target=compute).start()
        print("begun", flush=True)
        threading.Event().wait()
    """
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        for line in process.stderr:
            if b"KeyboardInterrupt" in line:  # the main thread has ended
                break
        for number, seconds in ("first", 1), ("second", 30):
            try:
                process.wait(timeout=seconds)
                return f"the {number}"
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
        process.kill()
    return "none"


def left_over_at_end_thread():
    code = "import threading; threading.Timer(0.2, print, ['ended']).start()"
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, timeout=30).stdout
    return "is waited for" if output else "is abandoned"


def left_over_at_end_daemon():
    code = "import threading, time; threading.Thread(target=time.sleep, args=(60,)"
    command = [sys.executable, "-c", f"{code}, daemon=True).start()"]
    try:
        subprocess.run(command, timeout=30)
    except subprocess.TimeoutExpired:
        return "is waited for"
    return "is abandoned"


def left_over_at_end_pool():
    code = """if True:
        import time
        from concurrent.futures import ThreadPoolExecutor

        ThreadPoolExecutor().submit(lambda: time.sleep(0.2) or print("ended"))
    """
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, timeout=30).stdout
    return "is waited for" if output else "is abandoned"


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
    modules = threading, queue, concurrent.futures
    names = {name.lower() for module in modules for name in dir(module)}
    return "an error" if {"timeout", "cancelscope", "fail_after"} & names else "absent"


def two_consumers():
    def numbers():
        for number in range(6):
            time.sleep(1)
            yield number

    shared = numbers()
    with ThreadPoolExecutor() as pool:
        consumers = [pool.submit(list, shared) for _ in range(2)]
    errors = [type(each.exception()) for each in consumers if each.exception()]
    return f"raises {errors[0].__name__}" if errors else "yes"


def two_consumers_with_lock():
    def numbers():
        for number in range(6):
            time.sleep(1)
            yield number

    def consumer():
        while True:
            with lock:
                number = next(shared, None)
            if number is None:
                return
            received.append(number)

    shared, lock, received = numbers(), threading.Lock(), []
    with ThreadPoolExecutor() as pool:
        consumers = [pool.submit(consumer) for _ in range(2)]
    assert not any(each.exception() for each in consumers)
    return "works" if sorted(received) == list(range(6)) else "fails"


def socket_closed_under_reader_close():
    seen = []

    def reader():
        try:
            received = ours.recv(2, socket.MSG_WAITALL)
            seen.append("data" if len(received) == 2 else "end of file")
        except OSError:
            seen.append("an error")

    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=reader)
    thread.start()
    theirs.send(b"1")
    while select.select([ours], [], [], 0)[0]:
        time.sleep(0.001)  # until recv has taken the first of its two bytes
    ours.close()
    thread.join(timeout=0.5)
    answer = seen[0] if seen else "nothing, for ever"
    if thread.is_alive():
        theirs.send(b"2")  # the system still hands it to the reader
    thread.join()
    theirs.close()
    return answer


def socket_closed_under_reader_shutdown():
    seen = []

    def reader():
        try:
            seen.append("end of file" if ours.recv(1) == b"" else "data")
        except OSError:
            seen.append("an error")

    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=reader)
        thread.start()
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()
    return seen[0]


def server_closed_while_idle():
    class Echo(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(line)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    with socket.create_connection(server.server_address) as client:
        client.sendall(b"begin\n")
        client.recv(100)
        server.shutdown()
        server.socket.close()  # server_close would wait for the idle client
        client.sendall(b"still here\n")
        answer = client.recv(100)
    serving.join()
    server.server_close()
    return "no" if answer == b"still here\n" else "yes"


def subprocess_after_cancel_wait():
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            answer = "lives on" if process.poll() is None else "is killed"
        process.kill()
    return answer


def subprocess_after_cancel_run():
    reader, writer = os.pipe()
    try:
        subprocess.run(["sleep", "60"], stdout=writer, timeout=0.1)
    except subprocess.TimeoutExpired:
        os.close(writer)
    closed, _, _ = select.select([reader], [], [], 5)
    os.close(reader)
    return "is killed" if closed else "lives on"


def deadlock_detected():
    one, two, both = threading.Lock(), threading.Lock(), threading.Barrier(2)

    def take(first, second):
        with first:
            both.wait()
            with second:
                pass

    pairs = (one, two), (two, one)
    threads = [threading.Thread(target=take, args=p, daemon=True) for p in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=0.5)
    return "no" if all(thread.is_alive() for thread in threads) else "yes"


def locks_in_one_order():
    one, two = threading.Lock(), threading.Lock()

    def take(first, second):
        with first:
            time.sleep(0.1)
            with second:
                pass

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(take, one, two) for _ in range(2)]
        for future in futures:
            future.result()
    return "works"


def lost_update():
    shared = {"count": 0}

    def increment():
        count = shared["count"]
        time.sleep(1)
        shared["count"] = count + 1

    with ThreadPoolExecutor(max_workers=10) as pool:
        for _ in range(10):
            pool.submit(increment)
    return "yes" if shared["count"] < 10 else "no"


def update_with_lock():
    shared, lock = {"count": 0}, threading.Lock()

    def increment():
        with lock:
            count = shared["count"]
            time.sleep(1)
            shared["count"] = count + 1

    with ThreadPoolExecutor(max_workers=10) as pool:
        for _ in range(10):
            pool.submit(increment)
    return "works" if shared["count"] == 10 else "fails"


def ten_blocking_sleeps():
    begin = time.monotonic()
    threads = [threading.Thread(target=time.sleep, args=(0.1,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{time.monotonic() - begin:.2g} s"


def run_inside_run():
    def inner():
        time.sleep(1)
        return "yes"

    def outer():
        with ThreadPoolExecutor() as inner_pool:
            return inner_pool.submit(inner).result()

    try:
        with ThreadPoolExecutor() as pool:
            return pool.submit(outer).result()
    except RuntimeError:
        return "raises RuntimeError"


def child_return_value_thread():
    thread = threading.Thread(target=lambda: "value")
    thread.start()
    given = thread.join()
    names = ("result", "get", "value", "return_value")
    return "yes" if given or any(hasattr(thread, n) for n in names) else "no"


def child_return_value_pool():
    with ThreadPoolExecutor() as pool:
        future = pool.submit(lambda: "value")
    return "yes" if future.result() == "value" else "no"


def results_in_input_order_map():
    def job(seconds):
        time.sleep(seconds)
        return seconds

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(job, (3, 1, 2)))
    print(results)
    return "input order" if results == [3, 1, 2] else "completion order"


def results_in_input_order_as_completed():
    def job(seconds):
        time.sleep(seconds)
        return seconds

    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(job, seconds) for seconds in (3, 1, 2)]
        results = [future.result() for future in as_completed(futures)]
    print(results)
    return "input order" if results == [3, 1, 2] else "completion order"


def abandoned_thread_delays_exit_pool():
    code = """if True:
        import threading, time
        from concurrent.futures import ThreadPoolExecutor, wait

        def call():
            at_end.wait(timeout=5)
            time.sleep(0.2)
            print("thread")

        at_end = threading.Event()
        pool = ThreadPoolExecutor()
        wait([pool.submit(call)], timeout=0.1)
        pool.shutdown(wait=False, cancel_futures=True)
        print("main")
        at_end.set()
    """
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, timeout=30).stdout
    ends = {b"main": "nothing waits", b"main thread": "the exit waits"}
    return ends.get(b" ".join(output.split()), "run() waits")


def abandoned_thread_delays_exit_daemon():
    code = """if True:
        import threading, time

        thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
        thread.start()
        thread.join(timeout=0.1)
    """
    try:
        subprocess.run([sys.executable, "-c", code], timeout=30)
    except subprocess.TimeoutExpired:
        return "the exit waits"
    return "nothing waits"
