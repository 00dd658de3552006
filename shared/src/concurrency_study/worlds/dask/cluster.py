"""The cluster of a run, and what is replaced in dask so that it takes no time."""

from __future__ import annotations

import contextlib
import copy
import gc
import logging
import queue
import socket
import sys
import tempfile
import threading
import types
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import distributed
import distributed._concurrent_futures_thread
import distributed.batched
import distributed.client
import distributed.core
import distributed.deploy.spec
import distributed.diskutils
import distributed.protocol.pickle
import distributed.utils
import distributed.versions
from dask import config

from ...world import NotCovered
from . import travel

THREADS = 200
"""The number of calls that the cluster of a run makes at once."""

CONFIG: dict[str, Any] = {
    "distributed.admin.log-length": 100,
    "distributed.admin.low-level-log-length": 10,
    "distributed.diagnostics.nvml": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.worker-ttl": None,
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.use-file-locking": False,
}
"""The settings of dask in a run. No worker is given up for want of heartbeats."""

_YEARS = 1e9

_distributed: Any = distributed
_utils: Any = distributed.utils
_spec: Any = distributed.deploy.spec
_config: Any = config
_clients: Any = distributed.client._global_clients  # pyright: ignore

# It starts a process, and keeps what it has found.
distributed.versions.get_versions()


def within_this_process() -> Any:
    """Start a scheduler and a worker, in threads of this process."""
    return _distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=THREADS,
        processes=False,
        protocol="tcp://",
        dashboard_address=":0",
        scheduler_kwargs={"dashboard": False},
        memory_limit=0,
    )


class Cluster:
    """A scheduler, a worker and a client, in threads of the run."""

    def __init__(self) -> None:
        self._cluster = within_this_process()
        self._client = _distributed.Client(self._cluster)

    def close(self) -> None:
        """Close all, while the run can still wait."""
        self._client.close()
        self._cluster.close()
        _utils._offload_executor.shutdown()
        if (executor := _distributed.Future._cb_executor) is not None:
            executor.shutdown()


@contextlib.contextmanager
def leaving_nothing(ports: set[object]) -> Generator[None]:
    """Have dask forget the clusters and clients of a run that has failed.

    A run that fails ends their threads, so that nothing can close them. Dask would try
    that when the interpreter ends.

    Args:
        ports: Those of the run, whose sockets are closed.
    """
    clusters: set[Any] = _spec.SpecCluster._instances
    kept, kept_clients = set(clusters), set(_clients)
    yield
    for each in set(clusters) - kept:
        clusters.discard(each)
    for each in set(_clients) - kept_clients:
        _clients.pop(each, None)
    everything: list[Any] = gc.get_objects() if ports else []
    for each in everything:
        if type(each) is socket.socket and _port(each) in ports:
            each.close()


def _port(one: socket.socket) -> object:
    with contextlib.suppress(OSError, IndexError):
        return one.getsockname()[1] if one.fileno() >= 0 else None


@contextlib.contextmanager
def silence() -> Generator[None]:
    """Let dask log nothing, while a run ends what the answer has left."""
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    own = [
        n for n in loggers if n.name.startswith(("distributed", "tornado", "asyncio"))
    ]
    before = [logger.disabled for logger in own]
    try:
        for logger in own:
            logger.disabled = True
        yield
    finally:
        for logger, disabled in zip(own, before, strict=True):
            logger.disabled = disabled


@contextlib.contextmanager
def settings() -> Generator[None]:
    """Set `CONFIG` for the block, and have the folders of workers in one of its own."""
    before = copy.deepcopy(_config.config)
    with tempfile.TemporaryDirectory() as folder:
        try:
            config.set({**CONFIG, "temporary-directory": folder})
            yield
        finally:
            # Clients and servers that close do so. A run that fails closes none.
            _config.config.clear()
            _config.config.update(before)
            sys.path[:] = [each for each in sys.path if not each.startswith(folder)]


class _Now(distributed.batched.BatchedSend):
    """A stream whose messages do not wait for others."""

    next_deadline: Any = property(lambda _: None, lambda _, value: None)


class _Never:
    """A periodic callback that does not run."""

    callback_time = _YEARS

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def start(self) -> None:
        """Do nothing."""

    stop = start

    def is_running(self) -> bool:
        return False


def _new_loop() -> Any:
    """Return a loop whose timers are never early.

    They may be, by the resolution of the clock. A caller that waits for the rest would
    then do so for ever, because no time passes between its looks.
    """
    loop: Any = _utils.asyncio.new_event_loop()
    loop._clock_resolution = 0.0
    return loop


class _WorkSpace(distributed.diskutils.WorkSpace):
    """A folder whose parts are not removed one by one, as all of it is."""

    def _purge_directory(self, dir_path: str) -> None:
        pass


class _Patient(threading.Event):
    """An event for which ``sync`` waits until it is set, instead of 10 s at a time."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout == 10 else timeout)


class _Queue(queue.Queue[Any]):
    """The queue of a worker's calls, at which a thread would look once in a second."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return super().get(block, None if timeout == 1 else timeout)


def _refuse_nanny(*_: Any, **__: Any) -> NoReturn:
    """Replace ``Nanny.__init__``."""
    raise NotCovered(
        "a nanny starts a process: use a LocalCluster with processes=False, or the "
        "cluster that the run begins with"
    )


def _refuse_adapt(*_: Any, **__: Any) -> NoReturn:
    """Replace ``Cluster.adapt``."""
    raise NotCovered("a cluster does not adapt to its load here: call scale instead")


async def _sync_cluster_info(_: Any) -> None:
    """Replace a task of a cluster that publishes its name once in a second."""


def _next(self: Any) -> Any:
    """Replace ``as_completed.__next__``, which looks ten times in a second."""
    while self.queue.empty():
        if self._deadline.expired:
            raise TimeoutError
        if self.is_empty():
            raise StopIteration
        with self.thread_condition:
            if self.queue.empty():
                self.thread_condition.wait(self._deadline.remaining)
    return self._get_and_raise()


def patches() -> Iterator[tuple[Any, str, Any]]:
    """Yield the names to replace in a run, each as (place, name, value)."""
    for label, module in list(sys.modules.items()):
        if label.startswith("distributed."):
            for name, value in (("BatchedSend", _Now), ("PeriodicCallback", _Never)):
                if name in vars(module):
                    yield module, name, value
    named = types.SimpleNamespace(**{**vars(threading), "Event": _Patient})
    yield _utils, "threading", named
    named = types.SimpleNamespace(**{**vars(queue), "Queue": _Queue})
    yield distributed._concurrent_futures_thread, "queue", named
    yield _utils, "get_loop_factory", lambda: _new_loop
    yield _utils, "_offload_executor", ThreadPoolExecutor(1, "Dask-Offload")
    yield distributed.protocol.pickle, "pickle", travel.by_reference
    yield distributed.protocol.pickle, "cloudpickle", travel.by_value
    yield distributed.core, "WorkSpace", _WorkSpace
    yield distributed.Nanny, "__init__", _refuse_nanny
    yield _spec.Cluster, "adapt", _refuse_adapt
    yield _spec.Cluster, "_sync_cluster_info", _sync_cluster_info
    yield distributed.as_completed, "__next__", _next
    yield distributed.as_completed, "next", _next
    yield distributed.Future, "_cb_executor", None
    yield distributed.Future, "_cb_executor_pid", None
