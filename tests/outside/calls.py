"""Every call of the standard library that waits or reads a clock, in every world.

Each call has a tiny program. It waits for 10 seconds: for a timeout, or for a thread
that releases it then. Or it reads a clock before and after a sleep of 10 seconds. The
program runs in the main thread of the worlds of threads and generators, and in a worker
thread of the worlds with an event loop, which is where blocking calls belong. The
outcome is what really happened:

- ``virtual``: the virtual time is 10 s, and little real time has passed.
- ``refused``: `NotCovered` was raised at once, and it names the call.
- ``noticed``: `NotCovered` was raised after a second or two, and it names the line.
- ``real``: the call took real time, or read a real clock.

``python tests/outside/calls.py`` prints the table, ``--update`` writes it into the
README, and ``--only time`` tries the calls of one module.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import email.utils
import faulthandler
import fcntl
import http.client
import importlib.util
import json
import logging
import multiprocessing
import multiprocessing.connection
import os
import queue
import re
import sched
import select
import selectors
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import timeit
import urllib.request
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, NamedTuple

README = Path(__file__).parents[2] / "shared/README.md"
BEGIN = "<!-- table: made by tests/outside/calls.py -->"
END = "<!-- end of table -->"
WORLDS = {
    "threads": "",
    "generators": "generators_study",
    "asyncio": "",
    "trio": "trio",
    "gevent": "gevent",
    "anyio-on-asyncio": "anyio",
    "anyio-on-trio": "anyio",
}
"""The worlds that are tried, and the module that each needs."""
LONG = 10
PATIENCE = 40
"""Real seconds for one call, before it counts as one that hangs."""


class Call(NamedTuple):
    """A call that waits or reads a clock, and how it is tried."""

    module: str
    name: str
    program: Callable[..., Any]
    worlds: tuple[str, ...] = ()
    """The worlds that have this call; empty for all."""
    main: bool = False
    """True if the program needs the main thread."""
    clock: bool = False
    """True if the program returns the seconds that have passed on a clock."""


CALLS: list[Call] = []


def call(module: str, name: str, **options: Any) -> Callable[[Any], Any]:
    def add(program: Any) -> Any:
        CALLS.append(Call(module, name, program, **options))
        return program

    return add


def clock(
    module: str, name: str, read: Callable[[], float], wait: float = LONG
) -> None:
    def program() -> float:
        before = read()
        time.sleep(wait)
        return (read() - before) / wait * LONG

    CALLS.append(Call(module, name, program, clock=True))


def after(release: Callable[..., object], *args: Any) -> threading.Thread:
    """Call a function ten seconds from now, in another thread."""

    def later() -> None:
        time.sleep(LONG)
        release(*args)

    thread = threading.Thread(target=later)
    thread.start()
    return thread


def expires(
    error: type[BaseException], function: Callable[..., Any], *args: Any
) -> None:
    """Call a function that has to run into its timeout."""
    try:
        function(*args)
    except error:
        return
    raise AssertionError("it did not time out")


# Clocks

for each in ("monotonic", "perf_counter", "time", "process_time", "thread_time"):
    clock("time", each, lambda name=each: getattr(time, name)())
    clock("time", f"{each}_ns", lambda name=each: getattr(time, f"{name}_ns")() / 1e9)
for each in ("REALTIME", "MONOTONIC", "BOOTTIME"):
    number = getattr(time, f"CLOCK_{each}")
    clock("time", f"clock_gettime({each})", lambda n=number: time.clock_gettime(n))
    nanoseconds = f"clock_gettime_ns({each})"
    clock("time", nanoseconds, lambda n=number: time.clock_gettime_ns(n) / 1e9)
clock("time", "localtime", lambda: time.mktime(time.localtime()))
clock("time", "gmtime", lambda: time.mktime(time.gmtime()))
clock("time", "strftime", lambda: float(time.strftime("%s")))
clock("time", "ctime", lambda: time.mktime(time.strptime(time.ctime())))
clock("time", "asctime", lambda: time.mktime(time.strptime(time.asctime())))
clock("timeit", "default_timer", lambda: timeit.default_timer())
clock("datetime", "datetime.now", lambda: datetime.datetime.now().timestamp())
clock(
    "datetime",
    "datetime.now(tz)",
    lambda: datetime.datetime.now(datetime.UTC).timestamp(),
)
clock("datetime", "datetime.today", lambda: datetime.datetime.today().timestamp())
clock("datetime", "datetime.utcnow", lambda: datetime.datetime.utcnow().timestamp())
clock(
    "datetime", "date.today", lambda: datetime.date.today().toordinal() * 86400.0, 86400
)
clock(
    "logging",
    "LogRecord.created",
    lambda: logging.LogRecord("", 0, "", 0, "", (), None).created,
)
clock(
    "email",
    "utils.formatdate",
    lambda: email.utils.parsedate_to_datetime(email.utils.formatdate()).timestamp(),
)
clock("uuid", "uuid1", lambda: uuid.uuid1().time / 1e7)
clock("os", "times", lambda: os.times().elapsed)
clock("asyncio", "loop.time, in a loop of a thread", lambda: _time_of_a_loop())


def _time_of_a_loop() -> float:
    loop = asyncio.new_event_loop()
    try:
        return loop.time()
    finally:
        loop.close()


@call("os", "stat: the time of a file", clock=True)
def _() -> float:
    def written() -> float:
        with tempfile.NamedTemporaryFile() as file:
            return os.stat(file.name).st_mtime

    before = written()
    time.sleep(LONG)
    return written() - before


# time, threading, queue, concurrent.futures


@call("time", "sleep")
def _() -> None:
    time.sleep(LONG)


@call("threading", "Lock.acquire")
def _() -> None:
    lock = threading.Lock()
    lock.acquire()
    assert not lock.acquire(timeout=LONG / 2)
    after(lock.release)
    lock.acquire(timeout=LONG / 2)


@call("threading", "RLock.acquire")
def _() -> None:
    lock = threading.RLock()
    threading.Thread(target=lambda: (lock.acquire(), time.sleep(LONG + 1))).start()
    time.sleep(1)
    assert not lock.acquire(timeout=LONG - 1)


@call("threading", "Condition.wait")
def _() -> None:
    with (condition := threading.Condition()):
        assert not condition.wait(LONG)


@call("threading", "Condition.wait_for")
def _() -> None:
    with (condition := threading.Condition()):
        assert not condition.wait_for(lambda: False, LONG)


@call("threading", "Event.wait")
def _() -> None:
    assert not threading.Event().wait(LONG)


@call("threading", "Semaphore.acquire")
def _() -> None:
    assert not threading.Semaphore(0).acquire(timeout=LONG)


@call("threading", "Barrier.wait")
def _() -> None:
    expires(threading.BrokenBarrierError, threading.Barrier(2).wait, LONG)


@call("threading", "Thread.join")
def _() -> None:
    thread = after(int)
    thread.join(LONG / 2)
    thread.join()


@call("threading", "Timer")
def _() -> None:
    done = threading.Event()
    threading.Timer(LONG, done.set).start()
    done.wait()


@call("_thread", "allocate_lock().acquire")
def _() -> None:
    import _thread

    lock = _thread.allocate_lock()
    lock.acquire()
    lock.acquire(timeout=LONG)


for kind in (queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue):

    @call("queue", f"{kind.__name__}.get")
    def _(kind: Any = kind.__name__) -> None:
        made = getattr(queue, kind)()
        expires(queue.Empty, made.get, True, LONG / 2)
        after(made.put, 1)
        expires(queue.Empty, made.get, True, LONG / 2)


@call("queue", "Queue.put")
def _() -> None:
    made = queue.Queue(1)
    made.put(1)
    expires(queue.Full, made.put, 2, True, LONG)


@call("queue", "Queue.join")
def _() -> None:
    made = queue.Queue()
    made.put(1)
    after(made.task_done)
    made.join()


@call("concurrent.futures", "Future.result")
def _() -> None:
    expires(TimeoutError, futures.Future().result, LONG)


@call("concurrent.futures", "Future.exception")
def _() -> None:
    expires(TimeoutError, futures.Future().exception, LONG)


@call("concurrent.futures", "wait")
def _() -> None:
    assert not futures.wait([futures.Future()], LONG).done


@call("concurrent.futures", "as_completed")
def _() -> None:
    expires(TimeoutError, list, futures.as_completed([futures.Future()], LONG))


@call("concurrent.futures", "Executor.map")
def _() -> None:
    with futures.ThreadPoolExecutor() as pool:
        expires(TimeoutError, list, pool.map(time.sleep, [LONG], timeout=LONG / 2))


@call("concurrent.futures", "ThreadPoolExecutor")
def _() -> None:
    with futures.ThreadPoolExecutor() as pool:
        pool.submit(time.sleep, LONG)


@call("concurrent.futures", "ProcessPoolExecutor")
def _() -> None:
    with futures.ProcessPoolExecutor(1) as pool:
        pool.submit(int).result()


# select, selectors, socket


@call("select", "select")
def _() -> None:
    assert select.select([], [], [], LONG) == ([], [], [])


@call("select", "poll")
def _() -> None:
    assert select.poll().poll(LONG * 1000) == []


@call("select", "epoll")
def _() -> None:
    with select.epoll() as poll:
        assert poll.poll(LONG) == []


for kind in ("DefaultSelector", "SelectSelector", "PollSelector", "EpollSelector"):

    @call("selectors", f"{kind}.select")
    def _(kind: str = kind) -> None:
        left, right = socket.socketpair()
        with getattr(selectors, kind)() as selector, left, right:
            selector.register(left, selectors.EVENT_READ)
            after(right.send, b"x")
            assert not selector.select(LONG / 2)
            selector.select()


@contextlib.contextmanager
def pair(
    kind: int = socket.SOCK_STREAM,
) -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair(socket.AF_UNIX, kind)
    with left, right:
        yield left, right


@contextlib.contextmanager
def full(kind: int = socket.SOCK_STREAM) -> Iterator[socket.socket]:
    """Make a socket that takes no more data, with a timeout of ten seconds."""
    with pair(kind) as (left, _):
        left.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                left.send(b"x" * 1000)
        left.settimeout(LONG)
        yield left


@contextlib.contextmanager
def listening(backlog: int = 5) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield server


@contextlib.contextmanager
def crowded() -> Iterator[Any]:
    """Yield the address of a server whose queue of connections is full."""
    with listening(0) as server, contextlib.ExitStack() as stack:
        address = server.getsockname()
        for _ in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(address)
        yield address


@call("socket", "accept")
def _() -> None:
    with listening() as server:
        server.settimeout(LONG)
        expires(TimeoutError, server.accept)


@call("socket", "connect")
def _() -> None:
    with crowded() as address, socket.socket() as sock:
        sock.settimeout(LONG)
        expires(TimeoutError, sock.connect, address)


@call("socket", "create_connection")
def _() -> None:
    with crowded() as address:
        expires(TimeoutError, socket.create_connection, address, LONG)


for each, arguments in {
    "recv": (10,),
    "recv_into": (bytearray(10),),
    "recvfrom": (10,),
    "recvfrom_into": (bytearray(10),),
    "recvmsg": (10,),
    "recvmsg_into": ([bytearray(10)],),
}.items():

    @call("socket", each)
    def _(name: str = each, arguments: Any = arguments) -> None:
        with pair() as (left, right):
            left.settimeout(LONG / 2)
            expires(TimeoutError, getattr(left, name), *arguments)
            left.settimeout(None)
            thread = after(right.send, b"x")
            time.sleep(LONG / 2)
            assert getattr(left, name)(*arguments)
            thread.join()
        _at(1.5 * LONG)


def _at(seconds: float) -> None:
    """Compare the virtual time with the duration of a program that is not ten."""
    global _expected
    _expected = seconds


_expected: float = LONG


@call("socket", "makefile().read")
def _() -> None:
    with pair() as (left, right):
        after(right.send, b"x\n")
        assert left.makefile("rb").readline() == b"x\n"


for each, arguments in {
    "send": (b"x" * 1000,),
    "sendall": (b"x" * 1000,),
    "sendmsg": ([b"x" * 1000],),
}.items():

    @call("socket", each)
    def _(name: str = each, arguments: Any = arguments) -> None:
        with full() as sock:
            expires(TimeoutError, getattr(sock, name), *arguments)


@call("socket", "sendfile")
def _() -> None:
    with full() as sock, tempfile.TemporaryFile() as file:
        file.write(b"x" * 1000)
        file.seek(0)
        expires(TimeoutError, sock.sendfile, file)


@call("socket", "getaddrinfo")
def _() -> None:
    socket.getaddrinfo("localhost", 80)


@call("ssl", "SSLSocket.do_handshake")
def _() -> None:
    with pair() as (left, _):
        left.settimeout(LONG)
        context = ssl.create_default_context()
        expires(TimeoutError, lambda: context.wrap_socket(left, server_hostname="x"))


def _tls(side: int) -> ssl.SSLContext:
    """Return a context whose ciphers need no certificate."""
    context = ssl.SSLContext(side)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    return context


@contextlib.contextmanager
def tls_pair() -> Iterator[tuple[Any, Any]]:
    with pair() as (left, right), futures.ThreadPoolExecutor() as pool:
        server, client = _tls(ssl.PROTOCOL_TLS_SERVER), _tls(ssl.PROTOCOL_TLS_CLIENT)
        accepted = pool.submit(server.wrap_socket, right, server_side=True)
        with client.wrap_socket(left) as one, accepted.result() as other:
            yield one, other


for each in ("recv", "read", "recv_into"):

    @call("ssl", f"SSLSocket.{each}")
    def _(name: str = each) -> None:
        with tls_pair() as (left, right):
            after(right.send, b"x")
            getattr(left, name)(bytearray(1) if name == "recv_into" else 1)


for each in ("send", "sendall"):

    @call("ssl", f"SSLSocket.{each}")
    def _(name: str = each) -> None:
        with tls_pair() as (left, _):
            left.settimeout(0.001)
            with contextlib.suppress(TimeoutError):
                while True:
                    left.send(b"x" * 10_000)
            time.sleep(LONG - time.monotonic())
            left.settimeout(LONG)
            expires(TimeoutError, getattr(left, name), b"x" * 10_000)
        _at(2 * LONG)


# os, files


@contextlib.contextmanager
def piped() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


@contextlib.contextmanager
def fifo() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/fifo"
        os.mkfifo(path)
        yield path


def _fill(end: int) -> None:
    os.set_blocking(end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(end, b"x" * 4096)
    os.set_blocking(end, True)


@call("os", "read")
def _() -> None:
    with piped() as (source, sink):
        after(os.write, sink, b"x")
        os.read(source, 1)


@call("os", "readv")
def _() -> None:
    with piped() as (source, sink):
        after(os.write, sink, b"x")
        os.readv(source, [bytearray(1)])


@call("os", "write")
def _() -> None:
    with piped() as (source, sink):
        _fill(sink)
        after(os.read, source, 1 << 20)
        os.write(sink, b"x")


@call("os", "writev")
def _() -> None:
    with piped() as (source, sink):
        _fill(sink)
        after(os.read, source, 1 << 20)
        os.writev(sink, [b"x"])


@call("os", "sendfile")
def _() -> None:
    with pair() as (left, right), tempfile.TemporaryFile() as file:
        file.write(b"x" * 1000)
        file.flush()
        left.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                left.send(b"x" * 1000)
        left.setblocking(True)
        after(right.recv, 1 << 20)
        os.sendfile(left.fileno(), file.fileno(), 0, 1000)


@call("io", "a pipe's file: read")
def _() -> None:
    source, sink = os.pipe()
    with open(source, "rb") as file:
        after(os.close, sink)
        assert file.read() == b""


@call("io", "open of a FIFO")
def _() -> None:
    with fifo() as path:
        after(lambda: open(path, "wb").close())
        open(path, "rb").close()


@call("os", "open of a FIFO")
def _() -> None:
    with fifo() as path:
        after(lambda: os.close(os.open(path, os.O_WRONLY)))
        os.close(os.open(path, os.O_RDONLY))


@call("builtins", "input")
def _() -> None:
    source, sink = os.pipe()
    before, sys.stdin = sys.stdin, os.fdopen(source)
    try:
        after(os.write, sink, b"x\n")
        assert input() == "x"
    finally:
        os.close(sink)
        sys.stdin.close()
        sys.stdin = before


for each, lock in {"flock": fcntl.flock, "lockf": fcntl.lockf}.items():
    if each == "flock":

        @call("fcntl", each)
        def _(lock: Any = lock) -> None:
            with tempfile.NamedTemporaryFile() as one, open(one.name, "rb") as other:
                lock(one, fcntl.LOCK_EX)
                after(lock, one, fcntl.LOCK_UN)
                lock(other, fcntl.LOCK_EX)


# Processes and signals


def child() -> subprocess.Popen[bytes]:
    """Start a process for real: this runs outside of the world."""
    return subprocess.Popen(["sleep", "5"])


CHILDREN: dict[str, Callable[[int], Any]] = {
    "wait": lambda pid: os.wait(),
    "waitpid": lambda pid: os.waitpid(pid, 0),
    "wait3": lambda pid: os.wait3(0),
    "wait4": lambda pid: os.wait4(pid, 0),
    "waitid": lambda pid: os.waitid(os.P_PID, pid, os.WEXITED),
}
for each, waits in CHILDREN.items():

    @call("os", each)
    def _(waits: Any = waits) -> None:
        waits(PREPARED["process"].pid)


PREPARED: dict[str, Any] = {}


@call("subprocess", "Popen.wait")
def _() -> None:
    PREPARED["process"].wait(LONG)


@call("os", "system")
def _() -> None:
    os.system("sleep 0.3")


@call("os", "popen")
def _() -> None:
    os.popen("sleep 0.3").close()


@call("os", "fork")
def _() -> None:
    if not os.fork():
        os._exit(0)


@call("os", "posix_spawn")
def _() -> None:
    os.posix_spawn("/bin/true", ["true"], {})


@call("os", "spawnl")
def _() -> None:
    os.spawnl(os.P_WAIT, "/bin/sleep", "sleep", "0.3")


class _Rang(Exception):
    pass


def _ring(*_: object) -> None:
    raise _Rang


def _handled(number: int, begin: Callable[[], object]) -> None:
    before = signal.signal(number, _ring)
    try:
        begin()
        expires(_Rang, time.sleep, 2 * LONG)
    finally:
        signal.signal(number, before)


@call("signal", "alarm", main=True)
def _() -> None:
    _handled(signal.SIGALRM, lambda: signal.alarm(LONG))


@call("signal", "setitimer", main=True)
def _() -> None:
    _handled(signal.SIGALRM, lambda: signal.setitimer(signal.ITIMER_REAL, LONG))


@call("signal", "raise_signal", main=True)
def _() -> None:
    _handled(signal.SIGUSR1, lambda: after(signal.raise_signal, signal.SIGUSR1))


@call("os", "kill: itself", main=True)
def _() -> None:
    _handled(signal.SIGUSR1, lambda: after(os.kill, os.getpid(), signal.SIGUSR1))


@call("signal", "pause", main=True)
def _() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        signal.alarm(1)
        signal.pause()
    finally:
        signal.signal(signal.SIGALRM, before)


for each, arguments in {
    "sigwait": (),
    "sigwaitinfo": (),
    "sigtimedwait": (0.3,),
}.items():

    @call("signal", each, main=True)
    def _(name: str = each, arguments: Any = arguments) -> None:
        numbers = {signal.SIGUSR2}
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            after(signal.pthread_kill, threading.get_ident(), signal.SIGUSR2)
            getattr(signal, name)(numbers, *arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


for each in ("run", "call", "check_output", "Popen"):

    @call("subprocess", each)
    def _(name: str = each) -> None:
        getattr(subprocess, name)(["sleep", "0.3"])


@call("multiprocessing", "Process.start")
def _() -> None:
    multiprocessing.get_context("spawn").Process(target=int).start()


@call("multiprocessing", "Pool")
def _() -> None:
    multiprocessing.get_context("spawn").Pool(1)


@call("multiprocessing", "Queue.get")
def _() -> None:
    expires(queue.Empty, multiprocessing.Queue().get, True, LONG)


@call("multiprocessing", "Pipe: recv")
def _() -> None:
    left, right = multiprocessing.Pipe()
    after(right.send, 1)
    assert left.recv() == 1


@call("multiprocessing", "Pipe: poll")
def _() -> None:
    left, _right = multiprocessing.Pipe()
    assert not left.poll(LONG)


@call("multiprocessing", "Lock.acquire")
def _() -> None:
    lock = multiprocessing.Lock()
    lock.acquire()
    lock.acquire(timeout=LONG)


@call("multiprocessing", "Event.wait")
def _() -> None:
    multiprocessing.Event().wait(LONG)


# Modules on top


@call("sched", "scheduler.run")
def _() -> None:
    scheduler = sched.scheduler()
    scheduler.enter(LONG, 1, int)
    scheduler.run()


@call("http.client", "getresponse")
def _() -> None:
    with listening() as server:
        client = http.client.HTTPConnection(*server.getsockname(), timeout=LONG)
        client.request("GET", "/")
        expires(TimeoutError, client.getresponse)
        client.close()


@call("urllib", "urlopen")
def _() -> None:
    with listening() as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        expires(TimeoutError, lambda: urllib.request.urlopen(url, timeout=LONG))


class _Server(socketserver.ThreadingTCPServer):
    timeout = LONG
    expired = False

    def handle_timeout(self) -> None:
        self.expired = True


@call("socketserver", "handle_request")
def _() -> None:
    with _Server(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        server.handle_request()
        assert server.expired


@call("socketserver", "serve_forever")
def _() -> None:
    with _Server(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        after(server.shutdown)
        server.serve_forever()
    _at(-LONG)  # it polls every half second


@call("asyncio", "run, in a thread")
def _() -> None:
    if threading.current_thread() is threading.main_thread():
        asyncio.run(asyncio.sleep(LONG))
    else:
        asyncio.new_event_loop().run_until_complete(asyncio.sleep(LONG))


# What each library has of its own


def own(module: str, name: str, *worlds: str) -> Callable[[Any], Any]:
    return call(module, name, worlds=worlds, main=True)


@own("asyncio", "sleep", "asyncio")
async def _() -> None:
    await asyncio.sleep(LONG)


@own("asyncio", "wait_for", "asyncio")
async def _() -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), LONG)


@own("asyncio", "timeout", "asyncio")
async def _() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONG):
            await asyncio.Event().wait()


@own("asyncio", "to_thread", "asyncio")
async def _() -> None:
    await asyncio.to_thread(time.sleep, LONG)


@own("asyncio", "loop.run_in_executor", "asyncio")
async def _() -> None:
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, LONG)


@own("asyncio", "StreamReader.read", "asyncio")
async def _() -> None:
    async def slow(_: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(LONG)
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        await reader.read()
        writer.close()
        await writer.wait_closed()


@own("asyncio", "loop.getaddrinfo", "asyncio")
async def _() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


@own("asyncio", "create_subprocess_exec", "asyncio")
async def _() -> None:
    await (await asyncio.create_subprocess_exec("sleep", "0.3")).wait()


@own("asyncio", "create_subprocess_shell", "asyncio")
async def _() -> None:
    await (await asyncio.create_subprocess_shell("sleep 0.3")).wait()


@own("asyncio", "loop.add_signal_handler", "asyncio")
async def _() -> None:
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, done.set)
    after(os.kill, os.getpid(), signal.SIGUSR1)
    await done.wait()


@own("trio", "sleep", "trio")
async def _() -> None:
    import trio

    await trio.sleep(LONG)


@own("trio", "move_on_after", "trio")
async def _() -> None:
    import trio

    with trio.move_on_after(LONG):
        await trio.sleep_forever()


@own("trio", "to_thread.run_sync", "trio")
async def _() -> None:
    import trio

    await trio.to_thread.run_sync(time.sleep, LONG)


@own("trio", "SocketStream.receive_some", "trio")
async def _() -> None:
    import trio

    left, right = trio.socket.socketpair()
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await trio.sleep(LONG)
            await right.send(b"x")

        nursery.start_soon(send)
        await trio.SocketStream(left).receive_some()
    left.close()
    right.close()


@own("trio", "open_signal_receiver", "trio")
async def _() -> None:
    import trio

    with trio.open_signal_receiver(signal.SIGUSR1) as received:
        after(os.kill, os.getpid(), signal.SIGUSR1)
        async for _number in received:
            break


@own("trio", "run_process", "trio")
async def _() -> None:
    import trio

    await trio.run_process(["sleep", "0.3"])


for each in ("asyncio", "trio"):

    @own("anyio", "sleep", f"anyio-on-{each}")
    async def _() -> None:
        import anyio

        await anyio.sleep(LONG)

    @own("anyio", "move_on_after", f"anyio-on-{each}")
    async def _() -> None:
        import anyio

        with anyio.move_on_after(LONG):
            await anyio.sleep_forever()

    @own("anyio", "to_thread.run_sync", f"anyio-on-{each}")
    async def _() -> None:
        import anyio

        await anyio.to_thread.run_sync(time.sleep, LONG)

    @own("anyio", "run_process", f"anyio-on-{each}")
    async def _() -> None:
        import anyio

        await anyio.run_process(["sleep", "0.3"])

    @own("anyio", "to_process.run_sync", f"anyio-on-{each}")
    async def _() -> None:
        import anyio
        import anyio.to_process

        await anyio.to_process.run_sync(int)


@own("gevent", "sleep", "gevent")
def _() -> None:
    import gevent

    gevent.sleep(LONG)


@own("gevent", "Timeout", "gevent")
def _() -> None:
    import gevent.event

    with gevent.Timeout(LONG, False):
        gevent.event.Event().wait()


@own("gevent", "joinall", "gevent")
def _() -> None:
    import gevent

    gevent.joinall([gevent.spawn(gevent.sleep, LONG)])


@own("gevent", "queue.Queue.get", "gevent")
def _() -> None:
    import gevent.queue

    expires(gevent.queue.Empty, gevent.queue.Queue().get, True, LONG)


@own("gevent", "select.select", "gevent")
def _() -> None:
    import gevent.select

    gevent.select.select([], [], [], LONG)


@own("gevent", "socket.recv", "gevent")
def _() -> None:
    import gevent.socket

    left, right = gevent.socket.socketpair()
    left.settimeout(LONG)
    expires(TimeoutError, left.recv, 1)
    left.close()
    right.close()


@own("gevent", "ThreadPool.apply", "gevent")
def _() -> None:
    import gevent

    gevent.get_hub().threadpool.apply(time.sleep, (LONG,))


@own("gevent", "subprocess.Popen", "gevent")
def _() -> None:
    import gevent.subprocess

    gevent.subprocess.Popen(["sleep", "0.3"]).wait()


@own("gevent", "os.fork", "gevent")
def _() -> None:
    import gevent.os

    if not gevent.os.fork():
        os._exit(0)


@own("gevent", "signal_handler", "gevent")
def _() -> None:
    import gevent

    gevent.signal_handler(signal.SIGUSR1, int)


for each in ("sleep", "in_thread"):

    @own("generators", each, "generators")
    def _(name: str = each) -> Any:
        from generators_study import kernel

        if name == "sleep":
            yield from kernel.sleep(LONG)
        else:
            yield from kernel.in_thread(lambda: time.sleep(LONG))


# How a call is tried


def outcome(call: Call, name: str) -> str:
    """Run the program of a call in a world, and return what happened."""
    from concurrency_study import NotCovered, make_world
    from concurrency_study.world import all_within

    global _expected
    _expected = LONG
    world = make_world(name)
    world.patience = 0.3
    if call.name in (*CHILDREN, "Popen.wait"):
        PREPARED["process"] = child()
    result: list[Any] = []

    def program() -> None:
        result.append(call.program())

    function: Any = call.program if call.worlds else program
    if name not in ("threads", "generators") and not call.worlds:

        @world.job
        async def function(w: Any) -> None:
            if call.main:
                program()
            else:
                await w.in_thread(program)

    began = time.monotonic()
    try:
        world.run(function, leftovers="allow", within=10_000_000)
    except BaseException as error:
        for each in all_within(error):
            if isinstance(each, NotCovered):
                line = "in a call that this world does not replace" in str(each)
                return (
                    "noticed" if line or "has not moved it" in str(each) else "refused"
                )
        return f"fails: {type(error).__name__}: {error}".replace("\n", " ")[:200]
    finally:
        if process := PREPARED.pop("process", None):
            process.kill()
            process.wait()  # a zombie would end the next os.wait
    took = time.monotonic() - began
    if call.clock:
        return "virtual" if abs(result[0] - LONG) < 0.1 else "real"
    now = world.returned_at
    wanted = abs(_expected)
    exact = abs(now - wanted) < 1e-6 or (_expected < 0 and wanted <= now <= wanted + 1)
    if exact and took < 2:
        return "virtual"
    return (
        "real" if now == 0 else f"fails: {now:g} s of virtual time, {took:.1f} s real"
    )


def try_all(world: str, indices: list[int]) -> None:
    """Try calls in this process, and print a line of JSON for each."""
    warnings.simplefilter("ignore")
    for index in indices:
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        began = time.monotonic()
        found = outcome(CALLS[index], world)
        took = time.monotonic() - began
        print(json.dumps([index, found, took]), flush=True)
        if found == "noticed":  # the blocked thread would be there in later runs
            break
    faulthandler.cancel_dump_traceback_later()
    os._exit(0)


def tried(world: str, indices: list[int]) -> dict[int, str]:
    """Try calls in processes, and return what happened by index."""
    found: dict[int, str] = {}
    while left := [index for index in indices if index not in found]:
        words = [
            sys.executable,
            __file__,
            "--world",
            world,
            "--indices",
            json.dumps(left),
        ]
        run = subprocess.run(
            words, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        done = [json.loads(line) for line in run.stdout.splitlines() if line[:1] == "["]
        found.update({index: what for index, what, _ in done})
        for index, _what, took in done:
            if took > 3:
                slow = CALLS[index]
                print(
                    f"{world}: {slow.module}.{slow.name} took {took:.1f} s",
                    file=sys.stderr,
                )
        if run.returncode:
            hung = left[len(done)]
            found[hung] = "hangs: " + run.stderr[-1500:]
    return found


def try_worlds(
    only: str = "", worlds: tuple[str, ...] = ()
) -> dict[int, dict[str, str]]:
    """Return what happened by call and world."""
    found: dict[int, dict[str, str]] = {}
    chosen = {
        world: [
            index
            for index, each in enumerate(CALLS)
            if world in (each.worlds or (world,)) and each.module.startswith(only)
        ]
        for world, needs in WORLDS.items()
        if (not worlds or world in worlds)
        and (not needs or importlib.util.find_spec(needs))
    }
    # Side by side, because most of the time is spent on waits until they are noticed.
    with futures.ThreadPoolExecutor(3) as pool:
        made = list(pool.map(tried, chosen, chosen.values()))
    for world, by_index in zip(chosen, made, strict=True):
        for index, what in by_index.items():
            found.setdefault(index, {})[world] = what
    return found


def table(found: dict[int, dict[str, str]]) -> str:
    """Return the table of the README: a row for each module and outcome."""
    rows: dict[tuple[str, str], list[str]] = {}
    for index in sorted(found):
        each, by_world = CALLS[index], found[index]
        common = max(set(by_world.values()), key=[*by_world.values()].count)
        others = [f"{what} in {w}" for w, what in by_world.items() if what != common]
        outcome = ", ".join([common, *others])
        names = rows.setdefault((each.module, outcome), [])
        if f"`{each.name}`" not in names:
            names.append(f"`{each.name}`")
    order = list(dict.fromkeys(CALLS[index].module for index in sorted(found)))
    lines = ["| module | calls | |", "|---|---|---|"]
    for (module, what), names in sorted(
        rows.items(), key=lambda row: order.index(row[0][0])
    ):
        lines.append(f"| `{module}` | {', '.join(names)} | {what} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the README")
    parser.add_argument("--only", default="", help="try the calls of one module")
    parser.add_argument("--world", default="")
    parser.add_argument("--indices", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.indices is not None:
        try_all(options.world, options.indices)
    worlds = (options.world,) if options.world else ()
    made = table(try_worlds(options.only, worlds))
    print(made)
    if options.update:
        README.write_text(with_table(README.read_text("utf-8"), made), "utf-8")


def with_table(text: str, made: str) -> str:
    """Return a page with this table between its marks."""
    marked = f"{BEGIN}\n\n{made}\n\n{END}"
    pattern = f"{re.escape(BEGIN)}.*?{re.escape(END)}"
    return re.sub(pattern, lambda _: marked, text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
