"""Programs that hang in real time, each with the end that it has in a world.

The text of each program defines ``program``, the function that `World.run` calls. An
end is the beginning of an error's name and message, a regular expression. Or it is the
value that the program returns, where the world can make it work.
"""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A program that hangs."""

    name: str
    world: str
    end: str
    text: str
    fault: str = ""
    """The known fault of the world, because of which the test fails."""

    def __str__(self) -> str:
        return f"{self.world}: {self.name}"


PROGRAMS: list[Program] = []
OLD_FAULTS = {
    "two locks from before the run in opposite order": "the process does not end",
    "a TLS handshake without an answer": "the next test gets a warning",
}
"""Faults that were seen with Python 3.11."""


def hangs(name: str, world: str, end: str, text: str, **options: str) -> None:
    """Add a program to the table."""
    if sys.version_info < (3, 13) and name in OLD_FAULTS:
        options["fault"] = OLD_FAULTS[name]
    PROGRAMS.append(Program(name, world, end, textwrap.dedent(text), **options))


# Locks

hangs(
    "a lock from before the run, acquired twice",
    "threads",
    r"NotCovered: .*real time|Deadlock: ",
    """
    import threading
    lock = threading.Lock()
    def program():
        lock.acquire()
        lock.acquire()
    """,
)
hangs(
    "a lock of the run, acquired twice",
    "threads",
    r"Deadlock: .*lock\.acquire",
    """
    import threading
    def program():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    """,
)
TWO_LOCKS = """
    def program():
        one, two = locks()
        def work(first, second):
            with first:
                time.sleep(1)
                with second:
                    pass
        threads = [
            threading.Thread(target=work, args=pair)
            for pair in [(one, two), (two, one)]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """
hangs(
    "two locks in opposite order",
    "threads",
    r"Deadlock: .*held by thread",
    """
    import threading, time
    def locks():
        return threading.Lock(), threading.Lock()
    """
    + TWO_LOCKS,
)
hangs(
    "two locks from before the run in opposite order",
    "threads",
    r"Deadlock: .*with second",
    """
    import threading, time
    pair = threading.Lock(), threading.Lock()
    def locks():
        return pair
    """
    + TWO_LOCKS,
)
hangs(
    "an RLock that a thread from outside holds for ever",
    "threads",
    r"(NotCovered|Deadlock): .*lock",
    """
    import threading
    lock, held = threading.RLock(), threading.Event()
    def hold():
        with lock:
            held.set()
            threading.Event().wait()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    def program():
        with lock:
            pass
    """,
)
hangs(
    "an import lock between two threads",
    "threads",
    r"None",
    """
    import importlib, sys, threading, time
    import pathlib, tempfile
    folder = tempfile.mkdtemp()
    for name, other in (("hang_left", "hang_right"), ("hang_right", "hang_left")):
        text = f"import time; time.sleep(1); import {other}"
        pathlib.Path(folder, f"{name}.py").write_text(text)
    sys.path.append(folder)
    def program():
        names = "hang_left", "hang_right"
        threads = [
            threading.Thread(target=importlib.import_module, args=(name,))
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """,
)
hangs(
    "a module whose import waits for a thread that imports it",
    "threads",
    r"(NotCovered|Deadlock): .*(join|import)",
    """
    import importlib, sys, threading
    import pathlib, tempfile
    folder = tempfile.mkdtemp()
    pathlib.Path(folder, "hang_itself.py").write_text(
        "import threading\\n"
        "def work():\\n"
        "    import hang_itself\\n"
        "    hang_itself.value\\n"
        "thread = threading.Thread(target=work)\\n"
        "thread.start()\\n"
        "thread.join()\\n"
        "value = 1\\n"
    )
    sys.path.append(folder)
    def program():
        importlib.import_module("hang_itself")
    """,
)

# Waits that no thread ends

for _name, _end, _line in [
    ("an event that is never set", r"\.wait", "threading.Event().wait()"),
    ("a queue that is never filled", r"\.get", "queue.Queue().get()"),
    ("a simple queue that is never filled", r"\.get", "queue.SimpleQueue().get()"),
    ("a barrier with one party missing", r"\.wait", "threading.Barrier(2).wait()"),
    ("a semaphore of none", r"\.acquire", "threading.Semaphore(0).acquire()"),
    ("a future that is never done", r"\.result", "Future().result()"),
    ("a select on nothing", r"select", "select.select([], [], [])"),
    ("a poll of nothing", r"poll", "select.poll().poll()"),
]:
    hangs(
        _name,
        "threads",
        rf"Deadlock: .*{_end}",
        f"""
        import queue, select, threading
        from concurrent.futures import Future
        def program():
            {_line}
        """,
    )
hangs(
    "a condition that is never notified",
    "threads",
    r"Deadlock: .*condition\.wait",
    """
    import threading
    def program():
        condition = threading.Condition()
        with condition:
            condition.wait()
    """,
)
hangs(
    "a thread that joins a thread that never ends",
    "threads",
    r"Deadlock: .*thread\.join",
    """
    import threading
    def program():
        thread = threading.Thread(target=threading.Event().wait)
        thread.start()
        thread.join()
    """,
)
hangs(
    "a thread that waits for itself through a future",
    "threads",
    r"Deadlock: .*future\.result",
    """
    import time
    from concurrent.futures import ThreadPoolExecutor
    def program():
        with ThreadPoolExecutor(1) as pool:
            def work():
                time.sleep(1)
                return future.result()
            future = pool.submit(work)
            future.result()
    """,
)
hangs(
    "a pool whose only worker waits for the pool",
    "threads",
    r"Deadlock: .*pool\.submit",
    """
    from concurrent.futures import ThreadPoolExecutor
    def program():
        with ThreadPoolExecutor(1) as pool:
            def work():
                return pool.submit(int).result()
            pool.submit(work).result()
    """,
)
hangs(
    "a pool from before the run whose worker waits for ever",
    "threads",
    r"(NotCovered|Deadlock): .*result",
    """
    import threading
    from concurrent.futures import ThreadPoolExecutor
    pool = ThreadPoolExecutor(1)
    pool.submit(int).result()
    release = threading.Event()
    def program():
        pool.submit(release.wait).result()
    import pytest
    @pytest.fixture(scope="module", autouse=True)
    def end():
        yield
        release.set()
        pool.shutdown()
    """,
)

# Descriptors

hangs(
    "opening a FIFO without a peer",
    "threads",
    r"NotCovered: .*real time.*open\(path",
    """
    import os, tempfile
    path = os.path.join(tempfile.mkdtemp(), "fifo")
    os.mkfifo(path)
    def program():
        open(path).close()
    """,
)
hangs(
    "input()",
    "threads",
    r"NotCovered: .*real time.*input\(\)",
    """
    def program():
        input()
    """,
)
for _name, _line in [
    ("os.read of an empty pipe", "os.read(read, 1)"),
    ("a file of an empty pipe", "file.read(1)"),
    ("recv without a peer's bytes", "ours.recv(1)"),
    ("recv_into without a peer's bytes", "ours.recv_into(bytearray(1))"),
    ("recvmsg_into without a peer's bytes", "ours.recvmsg_into([bytearray(1)])"),
    ("makefile without a peer's bytes", "ours.makefile('rb').readline()"),
    ("accept without a client", "server.accept()"),
    ("sendall to a peer that does not read", "ours.sendall(bytes(10**7))"),
    ("sendmsg to a peer that does not read", "send()"),
    ("a TLS handshake without an answer", "context.wrap_socket(ours)"),
    ("select on an idle socket", "select.select([ours], [], [])"),
]:
    hangs(
        _name,
        "threads",
        rf"(Deadlock|NotCovered): .*{_line.partition('(')[0]}".replace(
            "send()", "ours"
        ),
        f"""
        import os, select, socket, ssl
        read, write = os.pipe()
        file = os.fdopen(os.dup(read), "rb", 0)
        ours, theirs = socket.socketpair()
        server = socket.create_server(("127.0.0.1", 0))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        def send():
            while True:
                ours.sendmsg([bytes(10**5)])
        def program():
            {_line}
        """,
    )

# Busy loops

hangs(
    "a busy loop on a flag",
    "threads",
    r"NotCovered: a thread polls or computes",
    """
    flag = False
    def program():
        while not flag:
            pass
    """,
)
for _name, _line in [
    ("a busy loop on sleep(0)", "time.sleep(0)"),
    ("a busy loop on a lock that is held", "lock.acquire(blocking=False)"),
    ("a busy loop on an event", "event.is_set()"),
    ("a busy loop on an empty queue", "empty.get_nowait()"),
]:
    hangs(
        _name,
        "threads",
        r"NotCovered: a thread polls or computes",
        f"""
        import queue, threading, time
        def program():
            event, lock, empty = threading.Event(), threading.Lock(), queue.Queue()
            lock.acquire()
            while True:
                try:
                    {_line}
                except queue.Empty:
                    pass
        """,
    )
for _world, _import, _def, _line in [
    ("asyncio", "asyncio", "async def", "pass"),
    ("asyncio", "asyncio", "async def", "await asyncio.sleep(0)"),
    ("trio", "trio", "async def", "pass"),
    ("trio", "trio", "async def", "await trio.lowlevel.checkpoint()"),
    ("gevent", "gevent", "def", "pass"),
    ("gevent", "gevent", "def", "gevent.sleep(0)"),
]:
    hangs(
        f"a busy loop on {_line}",
        _world,
        r"NotCovered: a thread polls or computes",
        f"""
        import {_import}
        done = []
        {_def} program():
            while not done:
                {_line}
        """,
    )
hangs(
    "a busy loop that computes",
    "threads",
    r"NotCovered: a thread polls or computes",
    """
    from concurrency_study.worlds.threads import machine
    machine.SPIN = 1  # the real limit is for threads that compute
    def program():
        looks = 0
        while True:
            looks += 1
    """,
)
hangs(
    "a busy loop until monotonic() has passed an instant",
    "threads",
    r"NotCovered: a thread polls or computes|'done'",
    """
    import time
    def program():
        end = time.monotonic() + 5
        while time.monotonic() < end:
            pass
        return "done"
    """,
)
hangs(
    "a heartbeat beside a lost event",
    "threads",
    r"TimeLimit: .*\.wait",
    """
    import threading, time
    def program():
        def beat():
            while True:
                time.sleep(10)
        threading.Thread(target=beat, daemon=True).start()
        threading.Event().wait()
    """,
)

# Signals and processes

for _name, _line in [
    ("signal.pause", "signal.pause()"),
    ("signal.sigwait", "signal.sigwait([signal.SIGUSR1])"),
]:
    hangs(
        _name,
        "threads",
        rf"(NotCovered|Deadlock): .*{_name}",
        f"""
        import signal
        def program():
            {_line}
        """,
    )
for _world in ("threads", "asyncio", "trio", "gevent"):
    hangs(
        "a subprocess that sleeps",
        _world,
        r"NotCovered: .*process",
        """
        import subprocess
        def run():
            subprocess.run(["sleep", "1000"])
        """
        + (
            """
        program = run
        """
            if _world in ("threads", "gevent")
            else """
        async def program():
            run()
        """
        ),
    )
hangs(
    "a process of multiprocessing",
    "threads",
    r"NotCovered: .*process",
    """
    import multiprocessing, time
    def program():
        process = multiprocessing.Process(target=time.sleep, args=(1000,))
        process.start()
        process.join()
    """,
)

# asyncio

for _name, _end, _line in [
    ("a future that is never set", "await future", "await future"),
    ("an event that is never set", "wait", "await asyncio.Event().wait()"),
    ("a queue that is never filled", "get", "await asyncio.Queue().get()"),
    (
        "a blocking wait in a worker thread",
        "Event",
        "await asyncio.to_thread(threading.Event().wait)",
    ),
    (
        "run_coroutine_threadsafe().result() in the thread of the loop",
        "result",
        "asyncio.run_coroutine_threadsafe(asyncio.sleep(1), loop).result()",
    ),
    ("a blocking wait in a coroutine", "wait", "threading.Event().wait()"),
    ("two tasks that await each other", "await own", "await own()"),
    ("a lock acquired twice", "acquire", "await twice(asyncio.Lock())"),
    ("a shield around a future that is never set", "gather", "await shielded(future)"),
    (
        "a worker with a loop that waits for the outer loop",
        "result|run",
        "await asyncio.to_thread(asyncio.run, outer(future))",
    ),
    (
        "a worker with a loop that waits for itself",
        "await",
        "await asyncio.to_thread(asyncio.run, forever())",
    ),
]:
    hangs(
        _name,
        "asyncio",
        rf"Deadlock: .*({_end})",
        f"""
        import asyncio, threading
        async def own():
            async def inner():
                await own
            async def outer():
                await asyncio.create_task(inner())
            own = asyncio.create_task(outer())
            await own
        async def twice(lock):
            await lock.acquire()
            await lock.acquire()
        async def shielded(future):
            waiter = asyncio.gather(asyncio.shield(future), asyncio.sleep(1))
            asyncio.get_running_loop().call_later(2, waiter.cancel)
            try:
                await waiter
            except asyncio.CancelledError:
                await asyncio.gather(asyncio.shield(future))
        async def outer(future):
            async def wait():
                await future
            asyncio.run_coroutine_threadsafe(wait(), loop[0]).result()
        async def forever():
            await asyncio.Event().wait()
        async def program():
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            {_line}
        """.replace("loop[0]", "future.get_loop()"),
    )
hangs(
    "a cleanup that swallows each cancellation",
    "asyncio",
    r"(Deadlock|TimeLimit|StillAlive): .*(sleep|swallow)",
    """
    import asyncio
    async def swallow():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
    async def program():
        task = asyncio.create_task(swallow())
        await asyncio.sleep(1)
        task.cancel()
        await task
    """,
)
hangs(
    "a left task that swallows each cancellation",
    "asyncio",
    r"(Deadlock|TimeLimit|StillAlive): .*swallow",
    """
    import asyncio
    async def swallow():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
    async def program():
        asyncio.create_task(swallow(), name="swallow")
        await asyncio.sleep(1)
    """,
)
hangs(
    "a left task whose cleanup waits for ever",
    "asyncio",
    r"(Deadlock|StillAlive): .*stubborn",
    """
    import asyncio
    async def stubborn():
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.Event().wait()
    async def program():
        asyncio.create_task(stubborn(), name="stubborn")
        await asyncio.sleep(1)
    """,
)
hangs(
    "a heartbeat beside a lost event",
    "asyncio",
    r"TimeLimit: .*wait",
    """
    import asyncio
    async def program():
        async def beat():
            while True:
                await asyncio.sleep(10)
        task = asyncio.create_task(beat())
        await asyncio.Event().wait()
    """,
)
hangs(
    "a spinner on sleep(0)",
    "asyncio",
    r"(NotCovered|TimeLimit|Deadlock): .*(polls|sleep)",
    """
    import asyncio
    async def program():
        while True:
            await asyncio.sleep(0)
    """,
)
hangs(
    "a callback that schedules itself",
    "asyncio",
    r"(NotCovered|TimeLimit|Deadlock): ",
    """
    import asyncio
    async def program():
        loop = asyncio.get_running_loop()
        def again():
            loop.call_soon(again)
        again()
        await loop.create_future()
    """,
)
hangs(
    "a reader of an empty pipe",
    "asyncio",
    r"Deadlock: .*read",
    """
    import asyncio, os, socket
    async def program():
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            try:
                await reader.read(1)
            finally:
                writer.close()
    """,
)

# trio

for _name, _end, _line in [
    ("an event that is never set", "wait", "await trio.Event().wait()"),
    ("sleep_forever", "sleep_forever", "await trio.sleep_forever()"),
    ("a lock acquired by a task that waits", "acquire", "await locked(trio.Lock())"),
    (
        "a blocking wait in a worker thread",
        "Event",
        "await trio.to_thread.run_sync(threading.Event().wait)",
    ),
    ("a blocking wait in a task", "wait", "threading.Event().wait()"),
    ("a channel without a sender", "receive", "await channel()"),
    ("a shielded cleanup that waits for ever", "sleep_forever", "await cleanup()"),
    ("run_process", "process", "await trio.run_process(['sleep', '1000'])"),
    (
        "a system task's event that is never set",
        "wait",
        "await trio.to_thread.run_sync(trio.from_thread.run, trio.Event().wait)",
    ),
    ("open_signal_receiver", "signal|receive", "await signals()"),
]:
    hangs(
        _name,
        "trio",
        rf"(Deadlock|NotCovered|TimeLimit): .*({_end})",
        f"""
        import signal, threading, trio
        async def locked(lock):
            async with trio.open_nursery() as nursery:
                async def hold():
                    async with lock:
                        await trio.Event().wait()
                nursery.start_soon(hold)
                await trio.sleep(1)
                await lock.acquire()
        async def channel():
            send, receive = trio.open_memory_channel(0)
            await receive.receive()
        async def cleanup():
            with trio.move_on_after(1):
                try:
                    await trio.sleep(10)
                finally:
                    with trio.CancelScope(shield=True):
                        await trio.sleep_forever()
        async def signals():
            with trio.open_signal_receiver(signal.SIGUSR1) as received:
                async for each in received:
                    pass
        async def program():
            {_line}
        """,
    )
hangs(
    "a loop in a worker that waits",
    "trio",
    r"(Deadlock|TimeLimit): .*inner",
    """
    import trio
    def inner():
        trio.run(trio.sleep_forever)
    async def program():
        await trio.to_thread.run_sync(inner)
    """,
    fault="the inner loop is left half-way, and warns in the next test",
)
hangs(
    "from_thread by the token of a run that is over",
    "trio",
    r"RunFinishedError|'finished'",
    """
    import trio
    token = None
    async def first():
        global token
        token = trio.lowlevel.current_trio_token()
    trio.run(first)
    def call():
        trio.from_thread.run(trio.sleep, 1, trio_token=token)
    async def program():
        await trio.to_thread.run_sync(call)
    """,
)
hangs(
    "a spinner on checkpoint()",
    "trio",
    r"(NotCovered|TimeLimit|Deadlock): .*(polls|checkpoint)",
    """
    import trio
    async def program():
        while True:
            await trio.lowlevel.checkpoint()
    """,
)
hangs(
    "a heartbeat beside a lost event",
    "trio",
    r"TimeLimit: .*wait",
    """
    import trio
    async def program():
        async with trio.open_nursery() as nursery:
            async def beat():
                while True:
                    await trio.sleep(10)
            nursery.start_soon(beat)
            await trio.Event().wait()
    """,
)
hangs(
    "a task that swallows each cancellation",
    "trio",
    r"(TimeLimit|Deadlock|NotCovered): .*",
    """
    import trio
    async def program():
        with trio.move_on_after(1):
            while True:
                try:
                    await trio.sleep(10)
                except trio.Cancelled:
                    pass
    """,
)

# gevent

for _name, _end, _line in [
    ("an event that is never set", "wait", "Event().wait()"),
    ("an AsyncResult that is never set", "get", "AsyncResult().get()"),
    ("a queue that is never filled", "get", "gevent.queue.Queue().get()"),
    ("a pool's worker that waits for the pool", "join|spawn|get", "pooled()"),
    (
        "a real event in a thread of the pool",
        "wait|Event",
        "gevent.get_hub().threadpool.apply(threading.Event().wait)",
    ),
    ("a real lock in a greenlet, acquired twice", "acquire", "twice(threading.Lock())"),
    ("a lock of before, acquired twice", "acquire", "twice(lock)"),
    ("a gevent lock acquired twice", "acquire", "twice(BoundedSemaphore(1))"),
    ("a greenlet that joins the caller", "join", "mutual()"),
    ("gevent.wait on nothing that ends", "wait", "gevent.wait([Event()])"),
    ("recv without a peer's bytes", "recv", "received()"),
    ("a blocking recv without a peer's bytes", "recv", "ours.recv(1)"),
    ("a cleanup that waits for ever", "wait|kill", "stubborn()"),
    ("a real time.sleep until killed", "wait", "slept()"),
]:
    hangs(
        _name,
        "gevent",
        rf"(Deadlock|NotCovered): .*({_end})",
        f"""
        import gevent, gevent.pool, gevent.queue, gevent.socket, socket
        import threading, time
        from gevent.event import AsyncResult, Event
        from gevent.lock import BoundedSemaphore
        lock = threading.Lock()
        ours, theirs = socket.socketpair()
        def received():
            ours, theirs = gevent.socket.socketpair()
            with ours, theirs:
                ours.recv(1)
        def pooled():
            pool = gevent.pool.Pool(1)
            pool.spawn(lambda: pool.spawn(int).get())
            pool.join()
        def twice(lock):
            lock.acquire()
            lock.acquire()
        def mutual():
            me = gevent.getcurrent()
            gevent.spawn(me.join).join()
        def slept():
            time.sleep(1)
            Event().wait()
        def stubborn():
            def wait():
                try:
                    Event().wait()
                finally:
                    Event().wait()
            waiting = gevent.spawn(wait)
            gevent.sleep(1)
            waiting.kill()
        def program():
            {_line}
        """,
    )
hangs(
    "a spinner on sleep(0)",
    "gevent",
    r"(NotCovered|TimeLimit|Deadlock): .*(polls|sleep)",
    """
    import gevent
    def program():
        while True:
            gevent.sleep(0)
    """,
)
hangs(
    "a heartbeat beside a lost event",
    "gevent",
    r"TimeLimit: .*wait",
    """
    import gevent
    from gevent.event import Event
    def program():
        def beat():
            while True:
                gevent.sleep(10)
        gevent.spawn(beat)
        Event().wait()
    """,
)

# anyio

for _world in ("anyio-on-asyncio", "anyio-on-trio"):
    for _name, _end, _line in [
        ("a stream without a sender", "receive", "await stream()"),
        (
            "a blocking wait in a worker thread",
            "wait|Event",
            "await anyio.to_thread.run_sync(threading.Event().wait)",
        ),
        ("a blocking portal that waits", "call|wait", "await portal()"),
        (
            "a call back into a loop that waits for its worker",
            "wait|result",
            "await anyio.to_thread.run_sync(anyio.from_thread.run, anyio.Event().wait)",
        ),
        ("a portal with a loop of its own that waits", "portal", "own()"),
    ]:
        hangs(
            _name,
            _world,
            rf"(Deadlock|TimeLimit): .*({_end})",
            f"""
            import anyio, anyio.from_thread, anyio.to_thread, threading
            async def stream():
                send, receive = anyio.create_memory_object_stream(0)
                with send, receive:
                    await receive.receive()
            async def portal():
                async with anyio.from_thread.BlockingPortal() as portal:
                    await anyio.to_thread.run_sync(portal.call, anyio.Event().wait)
            def own():
                with anyio.from_thread.start_blocking_portal() as portal:
                    portal.call(anyio.sleep_forever)
            async def program():
                {_line}
            """,
        )
