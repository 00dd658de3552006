"""The client of all echo servers: it keeps one message in flight per connection.

It is run as a file, ``python -I client.py PORT PID CONNECTIONS CORE``. All contestants
get the same client, made of plain sockets and epoll. It reads the server's clock of
processor time, which separates the cost of the server from the cost of the client.
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
    """Make ``times`` round trips in each connection."""
    left = dict.fromkeys(sockets, times)
    missing = dict.fromkeys(sockets, len(MESSAGE))
    for connection in sockets.values():
        connection.sendall(MESSAGE)
    while left:
        for descriptor, _ in epoll.poll():
            connection = sockets[descriptor]
            data = connection.recv(65536)
            if not data:
                raise ConnectionError(
                    "the server has closed a connection before all of its "
                    f"{times} round trips; look at the contestant's echo"
                )
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
    """Return another process's clock, in nanoseconds, once it no longer advances.

    The kernel updates such a clock only when the process pauses, or by a timer.
    """
    now, before = time.clock_gettime_ns(clock), -1
    while now != before:
        time.sleep(0.001)
        now, before = time.clock_gettime_ns(clock), now
    return now


def main(port: str, pid: str, connections: str, core: str) -> None:
    """Answer requests, a line of JSON each, until there are no more."""
    os.sched_setaffinity(0, {int(core)})
    clock = (~int(pid) << 3) | 2  # the process's, as clock_getcpuclockid computes it
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
