"""Processes, and calls in a pool, that fail or die."""

import contextlib
import gc
import multiprocessing
import multiprocessing.connection
import os
import queue
import random
import sys
import tempfile
import time
import weakref
import xmlrpc.client
from concurrent.futures import (
    CancelledError,
    Future,
    ProcessPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool


def one_of_three_fails_process():
    def sibling():
        time.sleep(2)
        print("sibling has finished")

    def failing():
        time.sleep(1)
        print("failing raises")
        raise ValueError

    targets = sibling, failing, sibling
    processes = [multiprocessing.Process(target=target) for target in targets]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    codes = [process.exitcode for process in processes]
    return "no" if codes == [0, 1, 0] else "yes"


def one_of_three_fails_pool():
    try:
        with ProcessPoolExecutor(max_workers=3) as pool:
            siblings = [pool.submit(time.sleep, 2) for _ in range(2)]
            time.sleep(1)
            pool.submit(int, "no number").result()
    except ValueError:
        print("the block has raised")
    return "yes" if any(sibling.exception() for sibling in siblings) else "no"


def one_of_three_fails_dies():
    with ProcessPoolExecutor(max_workers=3) as pool:
        siblings = [pool.submit(time.sleep, 2) for _ in range(2)]
        time.sleep(1)
        pool.submit(os._exit, 1)
        errors = [sibling.exception() for sibling in siblings]
        print("the pool is broken")
    return "yes" if all(isinstance(e, BrokenProcessPool) for e in errors) else "no"


def one_of_three_fails_unpickled():
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(1, "cannot be unpickled"))
    with ProcessPoolExecutor(max_workers=3) as pool:
        siblings = [pool.submit(time.sleep, 2) for _ in range(2)]
        time.sleep(1)
        pool.submit(xmlrpc.client.loads, fault)  # raises the Fault
        errors = [sibling.exception() for sibling in siblings]
        print("the pool is broken")
    return "yes" if all(isinstance(e, BrokenProcessPool) for e in errors) else "no"


def the_others_are_stopped():
    seconds = 2, -1, 2
    processes = [multiprocessing.Process(target=time.sleep, args=(s,)) for s in seconds]
    for process in processes:
        process.start()
    running = {process.sentinel: process for process in processes}
    while running:
        for sentinel in multiprocessing.connection.wait(list(running)):
            ended = running.pop(sentinel)
            ended.join()
            if ended.exitcode:
                for process in running.values():
                    process.terminate()
    codes = [process.exitcode for process in processes]
    return "works" if codes == [-15, 1, -15] else "fails"


def what_the_parent_sees_process():
    seconds = 1, -1, 1
    processes = [multiprocessing.Process(target=time.sleep, args=(s,)) for s in seconds]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    print("the joins have returned")
    return "nothing"


def what_the_parent_sees_result():
    try:
        with ProcessPoolExecutor(max_workers=3) as pool:
            futures = [pool.submit(time.sleep, seconds) for seconds in (1, -1, 1)]
            for future in futures:
                future.result()
    except ValueError:
        print("the block has raised")
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    return "nothing"


def what_the_parent_sees_submit():
    try:
        with ProcessPoolExecutor(max_workers=3) as pool:
            for seconds in (1, -1, 1):
                pool.submit(time.sleep, seconds)
    except ValueError:
        return "the error"
    except ExceptionGroup:
        return "an ExceptionGroup"
    print("the block has ended")
    return "nothing"


def second_error_kept_process():
    with tempfile.TemporaryFile("w+") as stderr:
        with contextlib.redirect_stderr(stderr):
            for text in ("first", "second"):
                process = multiprocessing.Process(target=int, args=(text,))
                process.start()
                process.join()
        stderr.seek(0)
        return "only logged" if "'second'" in stderr.read() else "no"


def second_error_kept_map():
    with ProcessPoolExecutor(max_workers=2) as pool:
        try:
            list(pool.map(int, ["first", "second"]))
        except* ValueError as group:
            errors = *group.exceptions, *(e.__context__ for e in group.exceptions)
            known = str(errors)
    return "yes" if "'second'" in known else "no"


def second_error_kept_submit():
    with ProcessPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(int, text) for text in ("first", "second")]
    return "yes" if "'second'" in str(futures[1].exception()) else "no"


def body_and_child_fail():
    try:
        with ProcessPoolExecutor(max_workers=1) as pool:
            pool.submit(time.sleep, 2)
            pool.submit(int, "of the child")
            time.sleep(1)
            raise ValueError("of the body")
    except* ValueError as errors:
        seen = {str(error) for error in errors.exceptions}
        print(f"caught {seen}")
    if len(seen) == 2:
        return "both errors"
    return "the body's error" if seen == {"of the body"} else "the child's error"


def fire_and_forget_error_process():
    with tempfile.TemporaryFile("w+") as stderr:
        with contextlib.redirect_stderr(stderr):
            process = multiprocessing.Process(target=int, args=("no number",))
            process.start()
            try:
                process.join()
            except ValueError:
                return "to the caller"
        stderr.seek(0)
        return "to stderr" if "ValueError" in stderr.read() else "nowhere"


def fire_and_forget_error_pool():
    with tempfile.TemporaryFile("w+") as stderr:
        with contextlib.redirect_stderr(stderr):
            try:
                with ProcessPoolExecutor(max_workers=1) as pool:
                    pool.submit(int, "no number")
                del pool
                gc.collect()
            except ValueError:
                return "to the caller"
        stderr.seek(0)
        return "to stderr" if stderr.read() else "nowhere"


def callback_takes_the_error():
    taken = []

    def report(future):
        if not future.cancelled() and future.exception():
            taken.append(future.exception())

    with ProcessPoolExecutor(max_workers=1) as pool:
        pool.submit(int, "no number").add_done_callback(report)
    return "works" if taken else "fails"


def task_is_collected_process():
    ours, theirs = multiprocessing.Pipe()

    def waiting():
        time.sleep(1)
        theirs.send("no")

    process = multiprocessing.Process(target=waiting)
    process.start()
    process = weakref.ref(process)
    gc.collect()
    print(f"{len(multiprocessing.active_children())} child is active")
    answer = ours.recv()
    ours.close()
    theirs.close()
    return answer


def task_is_collected_pool():
    pool = ProcessPoolExecutor(max_workers=1)
    futures = [pool.submit(time.sleep, 1) for _ in range(5)]
    pool = weakref.ref(pool)
    gc.collect()
    assert pool() is None
    done, _ = wait(futures, timeout=60)
    print(f"{len(done)} of 5 have ended")
    return "no" if len(done) == 5 else "yes"


def system_exit_in_child_process():
    process = multiprocessing.Process(target=sys.exit, args=(3,))
    try:
        process.start()
        process.join()
    except SystemExit:
        return "ends the program"
    return "ends the child" if process.exitcode == 3 else "is an error"


def system_exit_in_child_executor():
    with ProcessPoolExecutor(max_workers=1) as pool:
        future = pool.submit(sys.exit, 3)
    return "is an error" if future.exception() else "ends the child"


def system_exit_in_child_pool():
    with multiprocessing.Pool(1) as pool:
        try:
            pool.apply(sys.exit, (3,))
        except SystemExit:
            return "is an error"
    return "ends the child"


def child_raises_cancellation_pool():
    code = "from concurrent.futures import CancelledError as error; raise error"
    with ProcessPoolExecutor(max_workers=1) as pool:
        try:
            pool.submit(exec, code).result()
        except CancelledError:
            return "the exception"
        except Exception:
            return "an error"
    return "nothing"


def child_raises_cancellation_process():
    def child():
        raise CancelledError

    process = multiprocessing.Process(target=child)
    try:
        process.start()
        process.join()
    except CancelledError:
        return "the exception"
    except Exception:
        return "an error"
    return "nothing"


def as_completed_order():
    futures = [Future() for _ in range(50)]
    for number, future in enumerate(random.sample(futures, 50)):
        future.set_result(number)
    order = [future.result() for future in as_completed(futures)]
    return "yes" if order == sorted(order) else "no"


def order_by_callbacks():
    done = queue.SimpleQueue()
    with ProcessPoolExecutor(max_workers=5) as pool:
        delays = {}
        for delay in random.sample(range(5), 5):
            future = pool.submit(time.sleep, delay)
            delays[future] = delay
            future.add_done_callback(done.put)
    order = [delays[done.get()] for _ in range(5)]
    return "works" if order == sorted(order) else "fails"


def join_cancelled_task_process():
    process = multiprocessing.Process(target=time.sleep, args=(60,))
    process.start()
    time.sleep(1)
    process.terminate()
    try:
        given = process.join()
        print(f"exit code {process.exitcode}")
    except BaseException:
        return "raises another error"
    return "nothing" if given is None else "a value"


def join_cancelled_task_result():
    with ProcessPoolExecutor(max_workers=1) as pool:
        *_, waiting = [pool.submit(time.sleep, 1) for _ in range(5)]
        waiting.cancel()
        try:
            return "nothing" if waiting.result() is None else "a value"
        except CancelledError:
            print("result() has raised")
            return "raises the cancellation"


def join_cancelled_task_wait():
    with ProcessPoolExecutor(max_workers=1) as pool:
        *_, waiting = [pool.submit(time.sleep, 1) for _ in range(5)]
        waiting.cancel()
        try:
            done, _ = wait([waiting])
            print("wait has returned")
        except CancelledError:
            return "raises the cancellation"
    return "nothing" if done == {waiting} else "a value"


def except_exception_swallows_future():
    with ProcessPoolExecutor(max_workers=1) as pool:
        *_, waiting = [pool.submit(time.sleep, 1) for _ in range(5)]
        waiting.cancel()
        try:
            waiting.result()
        except Exception:
            print("swallowed")
            return "yes"
        except BaseException:
            return "no"


def except_exception_swallows_terminate():
    def child():
        try:
            time.sleep(60)
        except Exception:
            print("swallowed")

    process = multiprocessing.Process(target=child)
    process.start()
    time.sleep(1)
    process.terminate()
    process.join()
    return "yes" if process.exitcode == 0 else "no"


def cancellation_passes():
    with ProcessPoolExecutor(max_workers=1) as pool:
        *_, waiting = [pool.submit(time.sleep, 1) for _ in range(5)]
        waiting.cancel()
        try:
            try:
                waiting.result()
            except CancelledError:
                raise
            except Exception:
                return "fails"
        except CancelledError:
            return "works"


def block_on_own_loop():
    def child():
        try:
            multiprocessing.current_process().join()
        except AssertionError:
            theirs.send("raises AssertionError")

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=child)
    process.start()
    answer = ours.recv()
    process.join()
    ours.close()
    theirs.close()
    return answer
