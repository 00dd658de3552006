"""Start a cluster by SLURM: ``python -m dask_study.clusters.slurm --jobs 4``.

The scheduler runs here. Each worker is a job of SLURM's, which connects to the
scheduler when it starts. Python must be at the same path on all nodes, as on a shared
file system. The package dask-jobqueue is needed. It has classes for PBS, LSF, SGE,
HTCondor and OAR as well. See https://jobqueue.dask.org
"""

from __future__ import annotations

from dask_jobqueue import (  # pyright: ignore[reportMissingImports]
    SLURMCluster,
)

from . import ended_by_signal, hold, options


def main() -> None:
    """Read the command line, and keep the cluster until Ctrl-C."""
    parser = options(__doc__)
    parser.add_argument(
        "--jobs", type=int, default=2, help="a worker each; by default 2"
    )
    parser.add_argument("--cores", type=int, default=1, help="of a job; by default 1")
    parser.add_argument("--memory", default="1GB", help="of a job; by default 1GB")
    parser.add_argument("--walltime", default="00:30:00", help="by default 00:30:00")
    parser.add_argument("--queue", help="the partition, if not the usual one")
    parser.add_argument("--interface", help="the network between nodes, such as ib0")
    parser.add_argument(
        "--dry-run", action="store_true", help="only print the script of a job"
    )
    given = parser.parse_args()
    with (
        ended_by_signal(),
        SLURMCluster(
            cores=given.cores,
            processes=1,
            memory=given.memory,
            walltime=given.walltime,
            queue=given.queue,
            interface=given.interface,
            scheduler_options={"dashboard_address": ":0"},
            worker_extra_args=["--nthreads", str(given.threads)],
        ) as cluster,
    ):
        if given.dry_run:
            print(cluster.job_script())
            return
        cluster.scale(jobs=given.jobs)
        hold(cluster)


if __name__ == "__main__":
    main()
