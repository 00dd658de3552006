"""Run a cluster in network namespaces, and cut one worker off in the middle of a call.

A program for test_dask.py, which needs root. Scheduler, workers and client have
addresses of their own, on a bridge. A call that waits runs on the worker "one". Then
the cable of that worker is pulled out. The program prints the results, and the workers
that have begun the call.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

ADDRESSES = {
    name: f"10.213.7.{last}" for last, name in enumerate(("hub", "one", "two"), 2)
}
FAST = {
    # The scheduler gives a worker up that is silent for so long.
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "3s",
}
CLIENT = """
import sys
from pathlib import Path
from distributed import Client, get_worker

folder = Path(sys.argv[2])

def call(item):
    place = get_worker().name
    with open(folder / "log", "a") as log:
        log.write(f"{item} {place}\\n")
    if item == "long" and place == "one":
        with open(folder / "begun", "w") as pipe:
            pipe.write("begun")
        with open(folder / "never") as pipe:  # has no writer
            pipe.read()
    return item

with Client(sys.argv[1]) as client:
    client.wait_for_workers(2)
    first = client.submit(call, "long", workers=["one"], allow_other_workers=True)
    rest = client.map(call, list("abcdefgh"))
    print(client.gather([first, *rest]), flush=True)
"""


def run(*command: str) -> None:
    """Run a command of the system, which has to succeed."""
    subprocess.run(command, check=True, capture_output=True, text=True)


def why_not() -> str:
    """Return why this process may not make network namespaces, or ""."""
    name = f"study{os.getpid()}"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "delete", name)
    except FileNotFoundError:
        return "ip(8) is not installed"
    except subprocess.CalledProcessError as error:
        return f"ip netns add: {error.stderr.strip()}"
    return ""


class Network:
    """Namespaces on one bridge, which lies in that of the hub."""

    def __init__(self) -> None:
        self.names = {each: f"study{os.getpid()}{each}" for each in ADDRESSES}
        self.processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Network:
        for each, name in self.names.items():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            if each == "hub":
                run("ip", "-n", name, "link", "add", "bridge", "type", "bridge")
                run("ip", "-n", name, "link", "set", "bridge", "up")
            else:
                far = ("peer", "name", "eth", "netns", name)
                hub = self.names["hub"]
                run("ip", "-n", hub, "link", "add", each, "type", "veth", *far)
                run("ip", "-n", hub, "link", "set", each, "master", "bridge", "up")
            device = "bridge" if each == "hub" else "eth"
            run("ip", "-n", name, "addr", "add", f"{ADDRESSES[each]}/24", "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        return self

    def start(self, place: str, *command: object) -> subprocess.Popen[str]:
        """Start a program in a namespace."""
        started = subprocess.Popen(
            [
                "ip",
                "netns",
                "exec",
                self.names[place],
                sys.executable,
                *map(str, command),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **FAST},
        )
        self.processes.append(started)
        return started

    def cut_off(self, place: str) -> None:
        """Pull out the cable of a namespace."""
        run("ip", "-n", self.names["hub"], "link", "set", place, "down")

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for name in self.names.values():
            with contextlib.suppress(subprocess.CalledProcessError):
                run("ip", "netns", "delete", name)


def main(folder: Path) -> None:
    os.mkfifo(folder / "begun")
    os.mkfifo(folder / "never")
    program = folder / "client.py"
    program.write_text(CLIENT)
    address = f"tcp://{ADDRESSES['hub']}:8786"
    os.environ["DASK_TEMPORARY_DIRECTORY"] = str(folder)
    quiet = ("--no-dashboard", "--dashboard-address", ":0")
    with Network() as network:
        network.start(
            "hub", "-m", "dask", "scheduler", "--host", ADDRESSES["hub"], *quiet
        )
        for each in ("one", "two"):
            own = ("--name", each, "--host", ADDRESSES[each], "--no-nanny")
            own = (*own, "--nthreads", "2")
            network.start(each, "-m", "dask", "worker", address, *own, *quiet)
        client = network.start("hub", program, address, folder)
        with open(folder / "begun") as pipe:
            assert pipe.read() == "begun"
        network.cut_off("one")
        assert client.stdout is not None
        print(client.stdout.read().strip())
    log = (folder / "log").read_text().split("\n")
    print(*[line.split()[1] for line in log if line.startswith("long")])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
