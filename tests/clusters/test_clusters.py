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
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import dask_kubernetes
import jsonschema
import pytest
import yaml
from dask_kubernetes.operator.controller.controller import (
    build_scheduler_deployment_spec,
    build_worker_deployment_spec,
)
from dask_study.use_cases.results_at_end import results_at_end
from distributed import Client, LocalCluster

pytestmark = pytest.mark.usefixtures("temporary_folder")
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
def ssh(tmp_path, temporary_folder):
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
        f"SetEnv TMPDIR={tempfile.gettempdir()}",  # for what a worker leaves
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


def manifest(*words):
    """Return what kubectl would apply for a cluster with the image study:1."""
    command = [sys.executable, "-m", f"{PROGRAM}.kubernetes", "study:1", "--dry-run"]
    done = subprocess.run([*command, *words], capture_output=True, check=True)
    return json.loads(done.stdout)


def strict(schema):
    """Return a schema that refuses what Kubernetes would only warn of and drop."""
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {**closed, **{name: strict(value) for name, value in schema.items()}}


def test_the_manifest_for_kubernetes_is_of_the_schema_of_the_operator():
    chart = "operator/deployment/helm/dask-kubernetes-operator"
    path = Path(dask_kubernetes.__file__).parent / chart / "crds/daskcluster.yaml"
    (version,) = yaml.safe_load(path.read_text("utf-8"))["spec"]["versions"]
    schema = strict(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    spec = manifest("--workers", "5")["spec"]
    jsonschema.validate(spec, schema)
    spec["worker"]["replica"] = spec["worker"].pop("replicas")
    with pytest.raises(jsonschema.ValidationError, match="'replica' was unexpected"):
        jsonschema.validate(spec, schema)


def command_of(pod, *options):
    """Return the command of a pod's container as Kubernetes starts it, and its env.

    The options follow it: as all runs on one machine here, ports must be free ones.
    """
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "study:1"
    env = {each["name"]: each["value"] for each in container["env"]}
    words = [*container["args"], *options]
    for name, value in env.items():
        words = [word.replace(f"$({name})", value) for word in words]
    return words, env


def test_an_answer_runs_on_the_containers_for_kubernetes(tmp_path, monkeypatch):
    """The commands that the operator makes of the manifest are run on this machine."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    spec = manifest("--workers", "2", "--threads", "3")["spec"]
    about = {"annotations": {}, "labels": {}}
    pod = build_scheduler_deployment_spec("study", spec["scheduler"]["spec"], **about)
    file = tmp_path / "scheduler.json"
    dashboard = ("--dashboard-address", "127.0.0.1:0")
    free = ("--port", "0", "--scheduler-file", str(file), *dashboard)
    words, _ = command_of(pod["spec"]["template"], *free)
    with ExitStack() as stack:

        def run(words, env):
            process = subprocess.Popen(
                words, env={**os.environ, **env}, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
            return process

        process = run(words, {})
        scheduler = None
        while scheduler is None:
            assert process.poll() is None, "the scheduler has ended"
            time.sleep(0.01)
            with suppress(FileNotFoundError, json.JSONDecodeError):  # not written yet
                scheduler = json.loads(file.read_text())
        address = scheduler["address"]
        health = f"http://127.0.0.1:{scheduler['services']['dashboard']}/health"
        with urllib.request.urlopen(health, timeout=60) as response:
            assert response.status == 200
        for uuid in "ab":
            pod = build_worker_deployment_spec(
                *("study-default", "default", "study", uuid, spec["worker"]["spec"]),
                **about,
            )
            words, env = command_of(pod["spec"]["template"], *dashboard)
            assert env["DASK_SCHEDULER_ADDRESS"].startswith("tcp://study-scheduler.")
            run(words, {**env, "DASK_SCHEDULER_ADDRESS": address})
        assert answer(address) == "['0.3 s', '0.1 s', '0.2 s']\n"
        with Client(address) as client:
            client.wait_for_workers(2)
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            names = [f"study-default-worker-{uuid}" for uuid in "ab"]
            assert sorted(each["name"] for each in workers) == names
            assert [each["nthreads"] for each in workers] == [3, 3]


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
