"""Start a cluster on Kubernetes: ``python -m dask_study.clusters.kubernetes IMAGE``.

The image has Python, `distributed` and this package. The operator of dask must run in
Kubernetes, and kubectl be set up here. The package dask-kubernetes is needed. It
forwards a local port to the scheduler. See https://kubernetes.dask.org
"""

from __future__ import annotations

import json

from dask_kubernetes.operator import (  # pyright: ignore[reportMissingImports]
    KubeCluster,
    make_cluster_spec,
)

from . import ended_by_signal, hold, options


def main() -> None:
    """Read the command line, and keep the cluster until Ctrl-C."""
    parser = options(__doc__)
    parser.add_argument("image", help="the image of scheduler and workers")
    parser.add_argument("--name", default="study", help="by default study")
    parser.add_argument("--workers", type=int, default=2, help="by default 2")
    parser.add_argument(
        "--dry-run", action="store_true", help="only print what kubectl would apply"
    )
    given = parser.parse_args()
    spec = make_cluster_spec(
        given.name,
        image=given.image,
        n_workers=given.workers,
        worker_command=["dask", "worker", "--nthreads", str(given.threads)],
        env={},
        resources={},
    )
    # The command that it names has left distributed:
    # https://github.com/dask/distributed/issues/9335
    (container,) = spec["spec"]["scheduler"]["spec"]["containers"]
    container["args"] = ["dask", "scheduler", "--host", "0.0.0.0"]
    if given.dry_run:
        print(json.dumps(spec, indent=2))
        return
    with ended_by_signal(), KubeCluster(custom_cluster_spec=spec) as cluster:
        hold(cluster)


if __name__ == "__main__":
    main()
