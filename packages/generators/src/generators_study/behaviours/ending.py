"""Ends of runs of the kernel, and things that are left over."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from socket import socketpair

from .. import kernel
from ..kernel import (
    Cancelled,
    CancelScope,
    Closed,
    Deadlock,
    Socket,
    checkpoint,
    connect,
    current_task,
    in_thread,
    listen,
    move_on_after,
    open_group,
    run,
    sleep,
    sleep_forever,
    wait_readable,
)


def interrupt_while_waiting():
    cleaned = []

    def waiting(name):
        try:
            yield from sleep(60)
        finally:
            cleaned.append(name)

    def body(group):
        group.spawn(waiting, "child")
        yield from checkpoint()
        ctrl_c = (os.getpid(), signal.SIGINT)
        threading.Thread(target=os.kill, args=ctrl_c).start()
        yield from waiting("main")

    try:
        run(open_group, body)
    except KeyboardInterrupt:
        ends = {0: "of none", 1: f"of the {cleaned[0]} task", 2: "of all"}
        return ends[len(cleaned)]


def interrupt_while_computing():
    pressed = []

    def main():
        while len(pressed) < 3:
            pressed.append("Ctrl-C")
            signal.raise_signal(signal.SIGINT)
            sum(range(100_000))
        yield from checkpoint()

    try:
        run(main)
    except KeyboardInterrupt:
        return {1: "the first", 2: "the second", 3: "none"}[len(pressed)]


def left_over_at_end():
    ended = []

    def left_over():
        try:
            yield from sleep(0.05)
            ended.append("is waited for")
        except Cancelled:
            ended.append("is cancelled")
            raise

    def main():
        current_task().group.spawn(left_over)
        yield from checkpoint()

    run(main)
    return ended[0] if ended else "is abandoned"


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
        yield from sleep(1)
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
        yield from sleep(1)
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
            yield from sleep(1)
            break
    steps.append("after the block")
    return "works" if steps == ["finally", "after the block"] else "fails"


def yield_inside_timeout():
    def ticks():
        with move_on_after(2):
            while True:
                yield "tick"

    for _ in ticks():
        try:
            yield from sleep(5)
        except Cancelled:
            print("the consumer is cancelled")
            return "the consumer"
    return "the generator"


def yield_inside_timeout_around():
    def ticks():
        while True:
            yield "tick"

    with move_on_after(2) as scope:
        for _ in ticks():
            yield from sleep(5)
    return "works" if scope.cancelled_caught else "fails"


def two_consumers():
    taken = []

    def consumer(numbers):
        for number in numbers:
            taken.append(number)
            yield from sleep(1)

    def body(group):
        numbers = (number for number in range(6))
        group.spawn(consumer, numbers)
        group.spawn(consumer, numbers)

    try:
        yield from open_group(body)
    except* (RuntimeError, ValueError) as group:
        taken = [type(group.exceptions[0]).__name__]
    return "yes" if taken == list(range(6)) else f"raises {taken[0]}"


def socket_closed_under_reader_socket():
    seen = []

    def reader(ours):
        try:
            data = yield from ours.receive()
            seen.append("end of file" if data == b"" else "data")
        except Closed:
            seen.append("an error")

    def body(group):
        ours, theirs = map(Socket, socketpair())
        with theirs:
            group.spawn(reader, ours)
            yield from checkpoint()
            ours.close()

    with move_on_after(5):
        yield from open_group(body)
    return seen[0] if seen else "nothing, for ever"


def socket_closed_under_reader_descriptor():
    seen = []

    def reader(descriptor):
        try:
            yield from wait_readable(descriptor)
            seen.append("end of file")
        except OSError:
            seen.append("an error")

    def body(group):
        ours, theirs = socketpair()
        with theirs:
            group.spawn(reader, ours.fileno())
            yield from checkpoint()
            ours.close()
            yield from sleep(0.1)
        group.cancel()

    yield from open_group(body)
    return seen[0] if seen else "nothing, for ever"


def server_closed_while_idle():
    def serve(listener):
        with (yield from listener.accept()) as connection:
            while data := (yield from connection.receive()):
                yield from connection.send(data)

    def body(group):
        listener = listen("127.0.0.1", 0)
        address = listener.plain.getsockname()
        group.spawn(serve, listener)
        with (yield from connect(*address)) as client:
            yield from client.send(b"begin")
            yield from client.receive()
            listener.close()
            yield from client.send(b"still here")
            answer = yield from client.receive()
        return "no" if answer == b"still here" else "yes"

    return (yield from open_group(body))


def server_closed_while_idle_group():
    def serve(connection):
        with connection:
            while data := (yield from connection.receive()):
                yield from connection.send(data)

    def server(group):
        with listener:
            while True:
                group.spawn(serve, (yield from listener.accept()))

    def body(group):
        address = listener.plain.getsockname()
        group.spawn(open_group, server)
        with (yield from connect(*address)) as client:
            yield from client.send(b"begin")
            yield from client.receive()
            group.cancel()
            with CancelScope(5, shield=True):
                end = yield from client.receive()
        return "works" if end == b"" else "fails"

    listener = listen("127.0.0.1", 0)
    return (yield from open_group(body))


def subprocess_after_cancel():
    def body(group):
        task = group.spawn(in_thread, process.wait)
        yield from checkpoint()
        group.cancel()
        with CancelScope(shield=True):
            yield from sleep(0.05)
        waiting = not task.done
        alive = waiting or process.poll() is None
        process.kill()
        return waiting, alive

    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        waiting, alive = yield from open_group(body)
    if waiting:
        return "is waited for"
    return "lives on" if alive else "is killed"


def subprocess_after_cancel_kill():
    def kill_when_cancelled(process):
        try:
            yield from sleep_forever()
        finally:
            process.kill()

    def body(group, process):
        group.spawn(kill_when_cancelled, process)
        yield from in_thread(process.wait)
        group.cancel()

    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        with move_on_after(0.1):
            yield from open_group(body, process)
    return "works" if process.returncode == -signal.SIGKILL else "fails"


def deadlock_detected():
    try:
        run(sleep_forever)
    except Deadlock:
        return "yes"


def lost_update():
    shared = {"count": 0}

    def increment():
        count = shared["count"]
        yield from checkpoint()
        shared["count"] = count + 1

    def body(group):
        for _ in range(10):
            group.spawn(increment)

    yield from open_group(body)
    return "yes" if shared["count"] < 10 else "no"


def lost_update_without_switch():
    shared = {"count": 0}

    def increment():
        yield from checkpoint()
        shared["count"] = shared["count"] + 1

    def body(group):
        for _ in range(10):
            group.spawn(increment)

    yield from open_group(body)
    return "works" if shared["count"] == 10 else "fails"


def ten_blocking_sleeps_tasks():
    def blocking():
        yield from checkpoint()
        time.sleep(0.1)

    def body(group):
        for _ in range(10):
            group.spawn(blocking)

    begin = time.monotonic()
    yield from open_group(body)
    return f"{time.monotonic() - begin:.2g} s"


def ten_blocking_sleeps_threads():
    def body(group):
        for _ in range(10):
            group.spawn(in_thread, time.sleep, 0.1)

    begin = time.monotonic()
    yield from open_group(body)
    return f"{time.monotonic() - begin:.2g} s"


def run_inside_run():
    yield from checkpoint()
    try:
        run(sleep, 1)
    except RuntimeError:
        return "raises RuntimeError"
    return "yes"


def run_inside_run_yield_from():
    def other():
        yield from sleep(1)
        return "works"

    return (yield from other())


def child_return_value():
    def child():
        yield from sleep(1)
        return 42

    def body(group):
        task = group.spawn(child)
        value = yield from task.join()
        return "yes" if value == task.result == 42 else "no"

    return (yield from open_group(body))


def results_in_input_order():
    names = ("gather", "map", "wait_all", "run_all")
    return "input order" if any(name in dir(kernel) for name in names) else "absent"


def results_in_input_order_join():
    def job(seconds):
        yield from sleep(seconds)
        return seconds

    def body(group):
        tasks = [group.spawn(job, seconds) for seconds in (3, 1, 2)]
        results = []
        for task in tasks:
            results.append((yield from task.join()))
        return results

    results = yield from open_group(body)
    return "works" if results == [3, 1, 2] else "fails"


def abandoned_thread_delays_exit():
    finished = threading.Event()

    def worker():
        time.sleep(0.1)
        finished.set()

    def main():
        with move_on_after(0.01):
            yield from in_thread(worker)
        return finished.is_set()

    if run(main):
        return "the caller waits"
    return "run() waits" if finished.is_set() else "nothing waits"
