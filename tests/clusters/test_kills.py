"""Workers of dask are killed at random, and no item is lost.

It is a session of its own, because it may wait for ever on a busy machine: a nanny
gives up if its worker dies before the nanny has heard of its start. When the last nanny
has given up, the calls wait for a worker that never comes.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal

import pytest
from dask import config
from dask_study.use_cases.results_at_end import results_at_end
from distributed import Client, LocalCluster

KILLS, CLUSTERS = 200, 4


@pytest.mark.parametrize("seed", range(CLUSTERS))
def test_no_item_is_lost_when_random_workers_are_killed(tmp_path, seed):
    kills = KILLS // CLUSTERS
    items = [f"{number}" for number in range(4 * kills)]
    doomed = set(random.Random(seed).sample(items, kills))
    died = tmp_path / "died"
    died.mkdir()

    def call(item, stop):
        if item in doomed:
            # Only the first of its calls makes the file.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(died / item, os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
        return item

    settings = {
        "distributed.scheduler.allowed-failures": 1000,
        "distributed.worker.multiprocessing-method": "forkserver",
        "temporary-directory": str(tmp_path / "scratch"),
    }
    with (
        config.set(settings),
        LocalCluster(
            n_workers=3,
            threads_per_worker=2,
            dashboard_address=":0",
            silence_logs=60,
        ) as cluster,
        Client(cluster),
    ):
        assert results_at_end(call, items) == items
    assert {path.name for path in died.iterdir()} == doomed
