"""The programs that start a cluster: each is run as far as this machine allows."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from dask_study.use_cases.results_at_end import results_at_end
from distributed import Client, LocalCluster

PROGRAM = "dask_study.clusters"
SBATCH = """#!/bin/sh
cp "$1" "$STARTED.$$"  # the caller removes its file
setsid bash "$STARTED.$$" >"$STARTED.$$.log" 2>&1 &
echo $! >>"$STARTED"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -s TERM -- "-$1"
"""


@contextmanager
def started(*words, env=None):
    """Start a program, and yield the address that it prints; end it by Ctrl-C."""
    with subprocess.Popen(
        [sys.executable, "-m", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    ) as program:
        # What it logs must not fill the pipe.
        logged = []
        reader = threading.Thread(target=lambda: logged.extend(program.stderr))
        reader.start()
        try:
            address = program.stdout.readline().strip()
            assert address.startswith("tcp://"), "".join(logged)
            yield address
        finally:
            program.send_signal(signal.SIGINT)
            code = program.wait(60)
            reader.join()
    # distributed logs a traceback if a connection ends while it sends.
    assert code == 0, "".join(logged)
    assert "KeyboardInterrupt" not in "".join(logged)


def answer(address):
    """Run the example of an answer on the cluster with this address."""
    words = ["dask_study.use_cases.results_at_end", "--scheduler", address]
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sshd(also="/usr/sbin"):
    return shutil.which("sshd", path=f"{os.environ['PATH']}:{also}")


@pytest.fixture
def ssh(tmp_path):
    """The options for a server of SSH on this machine, which accepts a new key."""
    if sshd() is None:
        pytest.skip("sshd is not installed")
    for name in ("host", "user"):
        line = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name]
        subprocess.run(line, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    public = (tmp_path / "host.pub").read_text()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {public}")
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {tmp_path / 'host'}",
        f"AuthorizedKeysFile {tmp_path / 'user.pub'}",
        f"PidFile {tmp_path / 'pid'}",
        "StrictModes no",
        "UsePAM no",
    ]
    (tmp_path / "config").write_text("\n".join(lines))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    command = [sshd(), "-D", "-e", "-f", tmp_path / "config"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        line = server.stderr.readline()
        assert "listening" in line, line + server.stderr.read()
        yield [
            *("--port", str(port), "--key", str(tmp_path / "user")),
            *("--known-hosts", str(tmp_path / "known")),
        ]
        server.terminate()
        server.stderr.read()


def test_an_answer_runs_on_a_cluster_by_ssh(ssh):
    hosts = ["127.0.0.1"] * 3
    with started(f"{PROGRAM}.ssh", *ssh, *hosts) as address:
        assert answer(address) == "['0.3 s', '0.1 s', '0.2 s']\n"
        with Client(address) as client:
            assert len(client.scheduler_info(n_workers=-1)["workers"]) == 2


def test_a_server_is_found_where_it_is_and_missed_where_it_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sshd(also=tmp_path) is None
    (tmp_path / "sshd").touch(0o700)
    assert sshd(also=tmp_path) == str(tmp_path / "sshd")


def test_one_host_is_not_enough():
    command = [sys.executable, "-m", f"{PROGRAM}.ssh", "localhost"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "two hosts or more" in done.stderr


def test_an_answer_runs_on_the_jobs_of_slurm(tmp_path):
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    path = f"{tmp_path}:{os.environ['PATH']}"
    log = tmp_path / "started"
    env = {**os.environ, "PATH": path, "STARTED": str(log), "USER": getpass.getuser()}
    with started(f"{PROGRAM}.slurm", "--memory", "300MB", env=env) as address:
        # The client may come before the workers, and waits for one.
        assert answer(address) == "['0.3 s', '0.1 s', '0.2 s']\n"
        jobs = [int(word) for word in log.read_text().split()]
        assert len(jobs) == 2
    for job in jobs:
        with suppress(ProcessLookupError):
            while True:  # until nothing is left of it
                os.killpg(job, 0)
                time.sleep(0.01)


def test_the_script_of_a_job_names_what_it_was_asked_for():
    words = ["--dry-run", "--queue", "short", "--threads", "7", "--cores", "3"]
    command = [sys.executable, "-m", f"{PROGRAM}.slurm", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.rstrip().splitlines()
    assert "#SBATCH -p short" in lines
    assert "#SBATCH --cpus-per-task=3" in lines
    assert lines[-1].endswith("--nthreads 7")


def test_the_manifest_for_kubernetes_names_image_and_workers():
    words = ["study:1", "--dry-run", "--workers", "5", "--threads", "7"]
    command = [sys.executable, "-m", f"{PROGRAM}.kubernetes", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    spec = json.loads(done.stdout)
    assert spec["kind"] == "DaskCluster"
    worker = spec["spec"]["worker"]
    assert worker["replicas"] == 5
    (container,) = worker["spec"]["containers"]
    assert container["image"] == "study:1"
    assert container["args"][:4] == ["dask", "worker", "--nthreads", "7"]


def test_an_answer_waits_for_the_first_worker():
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        results = []

        def call():
            results.extend(results_at_end(abs_of, [-1, -2, -3]))

        thread = threading.Thread(target=call)
        thread.start()
        # Until the call waits in the scheduler.
        while thread.is_alive() and not cluster.scheduler.tasks:
            time.sleep(0.01)
        cluster.scale(1)
        thread.join()
    assert results == [1, 2, 3]


def abs_of(item, stop):
    return abs(item)
