"""Signals to processes, cancelled futures, and timeouts."""

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
    wait,
)


def swallowed_once_terminate():
    def child():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        try:
            time.sleep(5)
        except SystemExit:
            print("ignored")
        time.sleep(5)
        print("not disturbed again")

    process = multiprocessing.Process(target=child)
    process.start()
    time.sleep(1)
    process.terminate()
    process.join()
    return "no" if process.exitcode == 0 else "yes"


def swallowed_once_event():
    stop = multiprocessing.Event()
    looks = multiprocessing.SimpleQueue()

    def worker():
        stop.wait()  # asked to stop, and ignores it
        print("ignored")
        time.sleep(5)
        looks.put("yes" if stop.is_set() else "no")
        print("told again")

    process = multiprocessing.Process(target=worker)
    process.start()
    time.sleep(1)
    stop.set()
    answer = looks.get()
    process.join()
    looks.close()
    return answer


def cancel_waits_for_cleanup_terminate():
    def child():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        try:
            time.sleep(60)
        finally:
            time.sleep(1)
            print("cleaned up")

    process = multiprocessing.Process(target=child)
    process.start()
    time.sleep(1)
    process.terminate()
    print("terminate has returned")
    answer = "no" if process.is_alive() else "yes"
    process.join()
    return answer


def cancel_waits_for_cleanup_shutdown():
    pool = ProcessPoolExecutor(max_workers=1)
    running = pool.submit(time.sleep, 2)
    time.sleep(1)
    pool.shutdown(cancel_futures=True)
    print("shutdown has returned")
    return "yes" if running.done() else "no"


def cancel_interrupts_blocking_future():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(time.sleep, 2)
        time.sleep(1)
        print(f"cancel() returns {future.cancel()}")
    return "yes" if future.cancelled() else "no"


def cancel_interrupts_blocking_terminate():
    process = multiprocessing.Process(target=time.sleep, args=(60,))
    process.start()
    time.sleep(1)
    process.terminate()
    process.join()
    print(f"exit code {process.exitcode}")
    return "yes" if process.exitcode == -signal.SIGTERM else "no"


def cancel_interrupts_blocking_computing():
    begun = multiprocessing.Event()
    code = "begun.set()\nsum(range(10**12))"
    process = multiprocessing.Process(target=exec, args=(code, {"begun": begun}))
    process.start()
    begun.wait()
    process.terminate()
    process.join(timeout=30)
    answer = "yes" if process.exitcode == -signal.SIGTERM else "no"
    process.kill()
    process.join()
    return answer


def cancel_interrupts_blocking_handler():
    code = "signal(15, lambda *_: exit())\nbegun.set()\nsum(range(10**12))"
    begun = multiprocessing.Event()
    names = {"signal": signal.signal, "exit": sys.exit, "begun": begun}
    process = multiprocessing.Process(target=exec, args=(code, names))
    process.start()
    begun.wait()
    time.sleep(0.5)  # until it computes
    process.terminate()
    process.join(timeout=0.5)
    answer = "no" if process.is_alive() else "yes"
    process.kill()
    process.join()
    return answer


def killed_if_it_does_not_end():
    def stubborn():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3600)

    process = multiprocessing.Process(target=stubborn)
    process.start()
    time.sleep(1)
    process.terminate()
    process.join(timeout=5)
    if process.exitcode is None:
        process.kill()
        process.join()
    return "works" if process.exitcode == -signal.SIGKILL else "fails"


def overdue_and_zero_wait_as_completed():
    with ProcessPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(time.sleep, seconds) for seconds in (1, 2)]
        try:
            for _ in as_completed(futures, timeout=3):
                time.sleep(5)  # by then the other one is done as well
        except TimeoutError:
            print("caught TimeoutError")
            return "yes"
    return "no"


def overdue_and_zero_wait_map():
    with ProcessPoolExecutor(max_workers=2) as pool:
        try:
            for _ in pool.map(time.sleep, (1, 2), timeout=3):
                time.sleep(5)
        except TimeoutError:
            return "yes"
    print("no timeout")
    return "no"


def overdue_and_no_wait():
    with ProcessPoolExecutor(max_workers=1) as pool:
        futures = [pool.submit(time.sleep, 1)]
        try:
            for _ in as_completed(futures, timeout=2):
                time.sleep(5)
        except TimeoutError:
            return "yes"
    print("no timeout")
    return "no"


def deadline_checked():
    deadline = time.monotonic() + 2
    try:
        time.sleep(5)
        if time.monotonic() > deadline:
            raise TimeoutError
    except TimeoutError:
        return "works"


def timeout_of_zero_wait():
    lock, (ours, theirs) = multiprocessing.Lock(), multiprocessing.Pipe()
    theirs.send("item")
    with ProcessPoolExecutor(max_workers=1) as pool, ours, theirs:
        future = pool.submit(abs, -1)
        time.sleep(1)
        try:
            got = future.result(timeout=0), ours.poll(0), lock.acquire(timeout=0)
        except TimeoutError:
            return "no"
    return "yes" if got == (1, True, True) else "no"


def timeout_of_zero_queue():
    outcomes = set()
    for number in range(20):
        items = multiprocessing.Queue()
        items.put("item")
        time.sleep(number % 2 / 10)
        try:
            items.get(timeout=0)
            outcomes.add("yes")
        except queue.Empty:
            outcomes.add("no")
            items.get()
        items.close()
        items.join_thread()
    return outcomes


def cancel_while_thread_works_result():
    with ProcessPoolExecutor(max_workers=1) as pool:
        begin = time.monotonic()
        try:
            pool.submit(time.sleep, 5).result(timeout=1)
        except TimeoutError:
            took = time.monotonic() - begin
            print("result() has raised")
    return "at once" if took < 5 else "when the thread ends"


def cancel_while_thread_works_block():
    begin = time.monotonic()
    try:
        with ProcessPoolExecutor(max_workers=1) as pool:
            pool.submit(time.sleep, 5).result(timeout=1)
    except TimeoutError:
        took = time.monotonic() - begin
        print("the block has raised")
    return "at once" if took < 5 else "when the thread ends"


def process_is_terminated():
    begin = time.monotonic()
    process = multiprocessing.Process(target=time.sleep, args=(60,))
    process.start()
    process.join(timeout=1)
    if process.is_alive():
        process.terminate()
    process.join()
    return "works" if time.monotonic() - begin < 60 else "fails"


def cancel_reaches_children_terminate():
    ours, theirs = multiprocessing.Pipe()

    def child():
        time.sleep(3)
        theirs.send("child")
        print("child has finished")

    def parent():
        process = multiprocessing.Process(target=child)
        process.start()
        process.join()

    process = multiprocessing.Process(target=parent)
    process.start()
    theirs.close()
    time.sleep(1)
    process.terminate()
    print("parent is terminated")
    process.join()
    with ours:
        try:
            return "no" if ours.recv() else "yes"
        except EOFError:
            return "yes"


def cancel_reaches_children_group():
    ours, theirs = multiprocessing.Pipe()

    def child():
        time.sleep(3)
        theirs.send("child")
        print("child has finished")

    def parent():
        os.setpgid(0, 0)
        process = multiprocessing.Process(target=child)
        process.start()
        process.join()

    process = multiprocessing.Process(target=parent)
    process.start()
    theirs.close()
    time.sleep(1)
    os.killpg(process.pid, signal.SIGTERM)
    print("the group is terminated")
    process.join()
    with ours:
        try:
            return "no" if ours.recv() else "yes"
        except EOFError:
            return "yes"


def delivered_then_cancelled_get():
    items = multiprocessing.Queue()
    received = []

    def sender():
        time.sleep(2)
        items.put("item")

    process = multiprocessing.Process(target=sender)
    process.start()
    time.sleep(1)
    try:
        received.append(items.get(timeout=1))  # expires at the instant of the put
    except queue.Empty:
        print("get has timed out")
        received.append(items.get(timeout=60))
    process.join()
    return "no" if received == ["item"] else "yes"


def delivered_then_cancelled_terminate():
    items = multiprocessing.SimpleQueue()

    def receiver():
        items.get()
        print("has the item")
        time.sleep(5)

    process = multiprocessing.Process(target=receiver)
    process.start()
    time.sleep(1)
    items.put("item")
    time.sleep(1)
    process.terminate()
    print("terminated")
    process.join()
    answer = "yes" if items.empty() else "no"
    items.close()
    return answer


def cancelled_then_delivered_get():
    items = multiprocessing.Queue()
    try:
        items.get(timeout=1)
    except queue.Empty:
        print("get has timed out")
        items.put("item")
    answer = "no" if items.get(timeout=60) == "item" else "yes"
    items.close()
    items.join_thread()
    return answer


def cancelled_then_delivered_terminate():
    items = multiprocessing.Queue()
    getter = multiprocessing.Process(target=items.get)
    getter.start()
    time.sleep(1)
    getter.terminate()  # it holds the lock of the queue, for ever
    getter.join()
    print("the getter is terminated")
    items.put("item")
    time.sleep(1)
    try:
        return "no" if items.get_nowait() else "yes"
    except queue.Empty:
        print("the queue seems to be empty")
        return "yes"
    finally:
        items.close()
        items.join_thread()


def killed_at_its_own_pipe():
    pipes = [multiprocessing.Pipe(duplex=False) for _ in range(2)]
    readers = [multiprocessing.Process(target=ours.recv) for ours, _ in pipes]
    for reader in readers:
        reader.start()
    time.sleep(1)
    readers[0].terminate()
    pipes[1][1].send("item")
    for reader in readers:
        reader.join()
    for ours, theirs in pipes:
        ours.close()
        theirs.close()
    return "works" if readers[1].exitcode == 0 else "fails"


def woken_lock_waiter_cancelled():
    lock = multiprocessing.Lock()

    def waiter():
        with lock:
            print("the first waiter has it")
            time.sleep(60)

    lock.acquire()
    first = multiprocessing.Process(target=waiter)
    first.start()
    time.sleep(1)
    lock.release()
    time.sleep(1)
    first.terminate()
    first.join()
    print("the first waiter is terminated")
    return "yes" if lock.acquire(block=False) else "no"


def shared_result_waiter_cancelled_timeout():
    def waiter(timeout):
        try:
            shared.result(timeout)
            print("got the result")
            return "result"
        except TimeoutError:
            print("timed out")
            return "timed out"

    with ProcessPoolExecutor(max_workers=1) as pool, ThreadPoolExecutor() as threads:
        shared = pool.submit(time.sleep, 2)
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

    with ProcessPoolExecutor(max_workers=1) as pool, ThreadPoolExecutor() as threads:
        *_, shared = [pool.submit(time.sleep, 2) for _ in range(5)]
        other = threads.submit(waiter)
        time.sleep(1)
        shared.cancel()
        print("the future is cancelled")
        answer = other.result()
    return "is cancelled" if answer == "cancelled" else "gets the result"


def cleanup_may_wait_handler():
    def child():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        try:
            time.sleep(60)
        finally:
            print("cleanup begins")
            time.sleep(1)
            print("cleaned up")

    process = multiprocessing.Process(target=child)
    process.start()
    time.sleep(1)
    process.terminate()
    process.join()
    return "yes" if process.exitcode == 3 else "only in a shield"


def cleanup_may_wait_default():
    cleaned = multiprocessing.Event()

    def child():
        try:
            time.sleep(60)
        finally:
            cleaned.set()

    process = multiprocessing.Process(target=child)
    process.start()
    time.sleep(1)
    process.terminate()
    process.join()
    return "yes" if cleaned.is_set() else "absent"


def deadline_reaches_into_shield_terminate():
    def child():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(3)
        print("the shielded part is over")
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        time.sleep(3)

    begin = time.monotonic()
    process = multiprocessing.Process(target=child)
    process.start()
    process.join(timeout=1)
    process.terminate()
    print("terminated")
    process.join()
    return "no" if time.monotonic() - begin >= 3 else "yes"


def deadline_reaches_into_shield_kill():
    def child():
        signals = signal.valid_signals()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        time.sleep(3)
        print("the shielded part is over")
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    begin = time.monotonic()
    process = multiprocessing.Process(target=child)
    process.start()
    process.join(timeout=1)
    process.kill()
    print("killed")
    process.join()
    return "yes" if time.monotonic() - begin < 3 else "no"


def shield_with_deadline():
    modules = multiprocessing, concurrent.futures, signal
    names = {name.lower() for module in modules for name in dir(module)}
    return "yes" if {"shield", "deadline", "cancelscope"} & names else "absent"


def nested_timeouts():
    def middle():
        inner = multiprocessing.Process(target=time.sleep, args=(5,))
        inner.start()
        inner.join(timeout=2)
        print("the inner one expires")
        inner.terminate()
        inner.join()

    outer = multiprocessing.Process(target=middle)
    outer.start()
    outer.join(timeout=1)
    expired = outer.is_alive()
    print("the outer one expires")
    outer.join()
    return "yes" if expired else "no"


def own_timeout_or_its_error():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(exec, "raise TimeoutError('of the call itself')")
        try:
            future.result(timeout=1)
        except TimeoutError as error:
            of_the_call = future.done() and future.exception() is error
    return "works" if of_the_call else "fails"


def which_except_catches_timeout_result():
    with ProcessPoolExecutor(max_workers=1) as pool:
        try:
            pool.submit(time.sleep, 2).result(timeout=1)
        except TimeoutError:
            print("caught TimeoutError")
            return "TimeoutError"


def which_except_catches_timeout_pool():
    with multiprocessing.Pool(1) as pool:
        try:
            pool.apply_async(time.sleep, (1,)).get(timeout=0.1)
        except TimeoutError:
            return "TimeoutError"
        except multiprocessing.TimeoutError:
            return "multiprocessing.TimeoutError"


def which_except_catches_timeout_queue():
    items = multiprocessing.Queue()
    try:
        items.get(timeout=1)
    except TimeoutError:
        return "TimeoutError"
    except queue.Empty:
        print("caught queue.Empty")
        return "queue.Empty"


def which_except_catches_timeout_join():
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=time.sleep, args=(5,))
    process.start()
    try:
        results = process.join(timeout=1), ours.poll(timeout=1)
        print("join and poll have returned")
    except TimeoutError:
        return "TimeoutError"
    finally:
        process.join()
        ours.close()
        theirs.close()
    return "none" if results == (None, False) else "an error"


def timeout_leaves_running_result():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(time.sleep, 2)
        try:
            future.result(timeout=1)
        except TimeoutError:
            print("the timeout is over")
            time.sleep(2)
    return "yes" if future.done() and future.exception() is None else "no"


def timeout_leaves_running_join():
    process = multiprocessing.Process(target=time.sleep, args=(2,))
    process.start()
    process.join(timeout=1)
    print("the timeout is over")
    process.join()
    return "yes" if process.exitcode == 0 else "no"


def timeout_leaves_running_get():
    items = multiprocessing.Queue()
    try:
        items.get(timeout=1)
    except queue.Empty:
        items.put("item")
        print("the timeout is over")
        time.sleep(2)
    answer = "no" if items.get(timeout=60) == "item" else "yes"
    items.close()
    items.join_thread()
    return answer


def cancellation_races_completion():
    ours, theirs = multiprocessing.Pipe()

    def child():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        theirs.recv()
        time.sleep(1)
        print("not stopped")

    process = multiprocessing.Process(target=child)
    process.start()
    time.sleep(1)
    ours.send("item")
    process.terminate()
    print("sent, then terminated")
    process.join()
    ours.close()
    theirs.close()
    return "no" if process.exitcode == 3 else "yes"


def scope_cancelled_by_hand():
    modules = multiprocessing, concurrent.futures
    names = {name.lower() for module in modules for name in dir(module)}
    return "nothing" if {"timeout", "cancelscope", "fail_after"} & names else "absent"


def wait_is_ended_by_hand():
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=time.sleep, args=(60,))
    process.start()
    threading.Timer(1, theirs.send, ["enough"]).start()
    ready = multiprocessing.connection.wait([process.sentinel, ours], timeout=30)
    process.terminate()
    process.join()
    ours.close()
    theirs.close()
    return "works" if ready == [ours] else "fails"


def first_result_stops_rest():
    with ProcessPoolExecutor(max_workers=3) as pool:
        futures = [pool.submit(time.sleep, seconds) for seconds in (1, 2, 3)]
        _, rest = wait(futures, return_when=FIRST_COMPLETED)
        print("the first result is there")
        for future in rest:
            future.cancel()
    return "yes" if any(future.cancelled() for future in futures) else "no"


def the_rest_is_stopped():
    processes = [multiprocessing.Process(target=time.sleep, args=(n,)) for n in (1, 2)]
    for process in processes:
        process.start()
    multiprocessing.connection.wait([process.sentinel for process in processes])
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
    return "works" if processes[1].exitcode == -signal.SIGTERM else "fails"


def cancel_finished_task_future():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(abs, -1)
        future.result()
        try:
            cancelled = future.cancel()
        except RuntimeError:
            return "raises RuntimeError"
    return "returns False" if cancelled is False else "nothing"


def cancel_finished_task_process():
    process = multiprocessing.Process(target=print, args=("done",))
    process.start()
    process.join()
    try:
        given = process.terminate()
    except RuntimeError:
        return "raises RuntimeError"
    return "nothing" if given is None and process.exitcode == 0 else "an error"
