"""Ctrl-C, ends of programs, and processes that are left over."""

import concurrent.futures
import multiprocessing
import os
import select
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing


def interrupt_while_waiting_all():
    ours, theirs = multiprocessing.Pipe()
    cleaned = []

    def child():
        try:
            theirs.send("begun")
            time.sleep(60)
        finally:
            theirs.send("cleaned up")

    def ctrl_c():  # a terminal sends it to all processes of the group
        os.killpg(0, signal.SIGINT)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    ours.recv()
    try:
        try:
            threading.Timer(0.2, ctrl_c).start()
            time.sleep(60)
        finally:
            cleaned.append("main")
    except KeyboardInterrupt:
        cleaned.append("child" if ours.poll(timeout=30) else "")
    return "of all" if cleaned == ["main", "child"] else "of the main task"


def interrupt_while_waiting_ignored():
    ours, theirs = multiprocessing.Pipe()
    cleaned = []

    def child():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            theirs.send("begun")
            time.sleep(60)
        finally:
            theirs.send("cleaned up")

    def ctrl_c():  # a terminal sends it to all processes of the group
        os.killpg(0, signal.SIGINT)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    ours.recv()
    try:
        try:
            threading.Timer(0.2, ctrl_c).start()
            time.sleep(60)
        finally:
            cleaned.append("main")
    except KeyboardInterrupt:
        cleaned.append("child" if ours.poll(timeout=0.5) else "")
        process.terminate()
        process.join()
    return "of all" if cleaned == ["main", "child"] else "of the main task"


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


def interrupt_while_computing_process():
    code = """if True:
        import multiprocessing

        if __name__ == "__main__":
            compute = "print('begun', flush=True)\\nwhile True: pass"
            multiprocessing.Process(target=exec, args=(compute,)).start()
    """
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, start_new_session=True) as process:
        process.stdout.readline()
        time.sleep(0.5)  # until the parent waits as well
        for answer in ("the first", "the second"):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            try:
                # The output ends with the last process.
                process.communicate(timeout=10)
                return answer
            except subprocess.TimeoutExpired:
                pass
        os.killpg(process.pid, signal.SIGKILL)
    return "none"


def left_over_at_end_process():
    code = """if True:
        import multiprocessing

        if __name__ == "__main__":
            later = "import time; time.sleep(0.2); print('ended')"
            multiprocessing.Process(target=exec, args=(later,)).start()
    """
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryFile() as output:  # it has no end to wait for
        subprocess.run(command, stdout=output, timeout=30)
        output.seek(0)
        return "is waited for" if output.read() else "is abandoned"


def left_over_at_end_daemon():
    code = """if True:
        import multiprocessing, time

        if __name__ == "__main__":
            multiprocessing.Process(
                target=time.sleep, args=(60,), daemon=True
            ).start()
    """
    command = [sys.executable, "-c", code]
    try:  # the output of the program ends with its last process
        subprocess.run(command, capture_output=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "is waited for"
    return "is cancelled"


def left_over_at_end_executor():
    code = """if True:
        from concurrent.futures import ProcessPoolExecutor

        if __name__ == "__main__":
            later = "import time; time.sleep(0.2); print('ended', flush=True)"
            ProcessPoolExecutor(1).submit(exec, later)
    """
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryFile() as output:  # it has no end to wait for
        subprocess.run(command, stdout=output, timeout=30)
        output.seek(0)
        return "is waited for" if output.read() else "is abandoned"


def left_over_at_end_pool():
    code = """if True:
        import multiprocessing, time

        if __name__ == "__main__":
            pool = multiprocessing.Pool(1)
            pool.apply_async(time.sleep, (60,))
    """
    command = [sys.executable, "-W", "ignore", "-c", code]
    try:  # the output of the program ends with its last process
        subprocess.run(command, capture_output=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "is waited for"
    return "is cancelled"


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
    modules = multiprocessing, concurrent.futures
    names = {name.lower() for module in modules for name in dir(module)}
    return "an error" if {"timeout", "cancelscope", "fail_after"} & names else "absent"


def two_consumers_pool():
    shared = (number for number in range(6))
    with ProcessPoolExecutor(max_workers=2) as pool:
        consumers = [pool.submit(list, shared) for _ in range(2)]
    errors = [type(each.exception()) for each in consumers if each.exception()]
    return f"raises {errors[0].__name__}" if errors else "yes"


def two_consumers_of_a_queue():
    shared, received = multiprocessing.SimpleQueue(), multiprocessing.SimpleQueue()

    def consumer():
        for number in iter(shared.get, None):
            received.put(number)

    processes = [multiprocessing.Process(target=consumer) for _ in range(2)]
    for process in processes:
        process.start()
    for number in [*range(6), None, None]:
        shared.put(number)
    numbers = sorted(received.get() for _ in range(6))
    for process in processes:
        process.join()
    shared.close()
    received.close()
    return "works" if numbers == [*range(6)] else "fails"


def socket_closed_under_reader_close():
    ours, theirs = socket.socketpair()

    def reader():
        ours.recv(1)

    process = multiprocessing.Process(target=reader)
    process.start()
    time.sleep(1)
    ours.close()
    print("closed")
    process.join(timeout=60)
    answer = "nothing, for ever" if process.exitcode is None else "end of file"
    theirs.send(b"1")  # the reader has a copy of the socket, and still gets it
    process.join()
    theirs.close()
    return "an error" if process.exitcode else answer


def socket_closed_under_reader_shutdown():
    ours, theirs = socket.socketpair()

    def reader():
        sys.exit(3 if ours.recv(1) == b"" else 0)

    with ours, theirs:
        process = multiprocessing.Process(target=reader)
        process.start()
        time.sleep(1)
        ours.shutdown(socket.SHUT_RDWR)
        print("shut down")
        process.join()
    return "end of file" if process.exitcode == 3 else "an error"


def server_closed_while_idle():
    class Echo(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(line)

    server = socketserver.ForkingTCPServer(("127.0.0.1", 0), Echo)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    with socket.create_connection(server.server_address) as client:
        client.sendall(b"begin\n")
        client.recv(100)
        server.shutdown()
        server.socket.close()  # server_close would wait for the idle client
        client.sendall(b"still here\n")
        answer = client.recv(100)
        client.shutdown(socket.SHUT_WR)  # its process has a copy, so close would not do
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


def deadlock_detected_locks():
    one, two = multiprocessing.Lock(), multiprocessing.Lock()

    def take(first, second):
        with first:
            time.sleep(1)
            with second:
                print("has both")

    processes = [
        multiprocessing.Process(target=take, args=pair)
        for pair in ((one, two), (two, one))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    print("both still wait")
    answer = "no" if all(process.is_alive() for process in processes) else "yes"
    for process in processes:
        process.terminate()
        process.join()
    return answer


def deadlock_detected_join():
    items = multiprocessing.Queue()
    process = multiprocessing.Process(target=items.put, args=(b"." * 1_000_000,))
    process.start()
    process.join(timeout=60)
    print("the process waits until its item is taken")
    answer = "no" if process.is_alive() else "yes"
    items.get()
    process.join()
    return answer


def locks_in_one_order():
    one, two = multiprocessing.Lock(), multiprocessing.Lock()

    def take(first, second):
        with first:
            time.sleep(1)
            with second:
                pass

    processes = [multiprocessing.Process(target=take, args=(one, two)) for _ in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    codes = [process.exitcode for process in processes]
    return "works" if codes == [0, 0] else "fails"


def items_are_taken_before_join():
    items = multiprocessing.Queue()
    process = multiprocessing.Process(target=items.put, args=(b"." * 1_000_000,))
    process.start()
    items.get()
    process.join(timeout=60)
    return "works" if process.exitcode == 0 else "fails"


def lost_update_value():
    count = multiprocessing.Value("i", 0)

    def increment():
        before = count.value
        time.sleep(1)
        count.value = before + 1

    processes = [multiprocessing.Process(target=increment) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(f"count is {count.value}")
    return "yes" if count.value < 5 else "no"


def lost_update_copy():
    shared = {"count": 0}

    def increment():
        shared["count"] += 1
        print(f"count is {shared['count']} here")

    processes = [multiprocessing.Process(target=increment) for _ in range(5)]
    for process in processes:
        process.start()
        process.join()
    print(f"count is {shared['count']} for the parent")
    return "yes" if shared["count"] < 5 else "no"


def lost_update_manager():
    def increment():
        count = shared["count"]
        time.sleep(1)
        shared["count"] = count + 1

    with multiprocessing.Manager() as manager:
        shared = manager.dict(count=0)
        processes = [multiprocessing.Process(target=increment) for _ in range(5)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        print(f"count is {shared['count']}")
        return "yes" if shared["count"] < 5 else "no"


def update_with_lock():
    count = multiprocessing.Value("i", 0)

    def increment():
        with count.get_lock():
            before = count.value
            time.sleep(1)
            count.value = before + 1

    processes = [multiprocessing.Process(target=increment) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return "works" if count.value == 5 else "fails"


def ten_blocking_sleeps():
    begin = time.monotonic()
    processes = [
        multiprocessing.Process(target=time.sleep, args=(0.1,)) for _ in range(10)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return f"{time.monotonic() - begin:.2g} s"


def run_inside_run_process():
    def outer():
        with ProcessPoolExecutor(max_workers=1) as inner_pool:
            inner_pool.submit(time.sleep, 1).result()

    process = multiprocessing.Process(target=outer)
    process.start()
    process.join()
    return "raises RuntimeError" if process.exitcode else "yes"


def run_inside_run_daemon():
    ours, theirs = multiprocessing.Pipe()

    def outer():
        try:
            multiprocessing.Process(target=print).start()
        except AssertionError:
            theirs.send("raises AssertionError")
        else:
            theirs.send("yes")

    process = multiprocessing.Process(target=outer, daemon=True)
    process.start()
    answer = ours.recv()
    process.join()
    ours.close()
    theirs.close()
    return answer


def child_return_value_process():
    process = multiprocessing.Process(target=abs, args=(-1,))
    process.start()
    given = process.join()
    names = ("result", "get", "value", "return_value")
    return "yes" if given or any(hasattr(process, n) for n in names) else "no"


def child_return_value_pool():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(abs, -1)
    return "yes" if future.result() == 1 else "no"


def results_in_input_order_map():
    begin, took = time.monotonic(), []
    with ProcessPoolExecutor(max_workers=3) as pool:
        for _ in pool.map(time.sleep, (3, 1, 2)):
            print("a result")
            took.append(time.monotonic() - begin)
    return "input order" if took[0] >= 3 else "completion order"


def results_in_input_order_as_completed():
    begin, took = time.monotonic(), []
    with ProcessPoolExecutor(max_workers=3) as pool:
        futures = [pool.submit(time.sleep, seconds) for seconds in (3, 1, 2)]
        for _ in as_completed(futures):
            print("a result")
            took.append(time.monotonic() - begin)
    return "input order" if took[0] >= 3 else "completion order"


def abandoned_thread_delays_exit_pool():
    code = """if True:
        from concurrent.futures import ProcessPoolExecutor, wait

        if __name__ == "__main__":
            call = "import time; time.sleep(1); print('worker', flush=True)"
            pool = ProcessPoolExecutor(1)
            wait([pool.submit(exec, call)], timeout=0.1)
            pool.shutdown(wait=False, cancel_futures=True)
            print("main", flush=True)
    """
    command = [sys.executable, "-c", code]
    with tempfile.TemporaryFile() as output:  # it has no end to wait for
        subprocess.run(command, stdout=output, timeout=30)
        output.seek(0)
        printed = b" ".join(output.read().split())
    ends = {b"main": "nothing waits", b"main worker": "the exit waits"}
    return ends.get(printed, "run() waits")


def abandoned_thread_delays_exit_daemon():
    code = """if True:
        import multiprocessing, time

        if __name__ == "__main__":
            process = multiprocessing.Process(
                target=time.sleep, args=(60,), daemon=True
            )
            process.start()
            process.join(timeout=0.1)
    """
    try:
        subprocess.run([sys.executable, "-c", code], timeout=30)
    except subprocess.TimeoutExpired:
        return "the exit waits"
    return "nothing waits"
