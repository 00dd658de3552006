"""The client of all echo servers: it keeps a message on its way in every connection.

It is run as a file, ``python -I client.py PORT PID CONNECTIONS CORE``, and is one and
the same for all contestants: plain sockets and epoll. It reads the server's clock of
processor time, so that what a server costs is told apart from what it costs to ask.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time

MESSAGE = b"x" * 1024


def exchange(
    epoll: select.epoll, sockets: dict[int, socket.socket], times: int
) -> None:
    """So many round trips in each connection."""
    left = dict.fromkeys(sockets, times)
    missing = dict.fromkeys(sockets, len(MESSAGE))
    for connection in sockets.values():
        connection.sendall(MESSAGE)
    while left:
        for descriptor, _ in epoll.poll():
            connection = sockets[descriptor]
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("the server has closed a connection")
            missing[descriptor] -= len(data)
            if missing[descriptor]:
                continue
            missing[descriptor] = len(MESSAGE)
            left[descriptor] -= 1
            if left[descriptor]:
                connection.sendall(MESSAGE)
            else:
                del left[descriptor]


def at_rest(clock: int) -> int:
    """The clock of another process, in nanoseconds, once it stands.

    It is only brought up to date when that process pauses, or by a timer of the kernel.
    """
    now, before = time.clock_gettime_ns(clock), -1
    while now != before:
        time.sleep(0.001)
        now, before = time.clock_gettime_ns(clock), now
    return now


def main(port: str, pid: str, connections: str, core: str) -> None:
    """Answer requests, JSON in lines, until there are no more."""
    os.sched_setaffinity(0, {int(core)})
    clock = (~int(pid) << 3) | 2  # that of another process, as clock_getcpuclockid says
    sockets: dict[int, socket.socket] = {}
    epoll = select.epoll()
    for _ in range(int(connections)):
        connection = socket.create_connection(("127.0.0.1", int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[connection.fileno()] = connection
        epoll.register(connection, select.EPOLLIN)
    for line in sys.stdin:
        times = json.loads(line)["times"]
        cpu, wall = at_rest(clock), time.perf_counter_ns()
        exchange(epoll, sockets, times)
        wall = time.perf_counter_ns() - wall
        took = {"wall": wall / 1e9, "cpu": (at_rest(clock) - cpu) / 1e9}
        print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
