"""Start a cluster by SSH: ``python -m dask_study.clusters.ssh HOST HOST...``.

The first host gets the scheduler, each other one a worker. It is right to name a host
twice. SSH must log in without a password. The package asyncssh is needed here, but not
on the hosts. See https://docs.dask.org/en/stable/deploying-ssh.html
"""

from __future__ import annotations

from typing import Any

from distributed import SSHCluster

from . import ended_by_signal, hold, options


def main() -> None:
    """Read the command line, and keep the cluster until Ctrl-C."""
    parser = options(__doc__)
    parser.add_argument("host", nargs="+", help="the scheduler's host, then workers'")
    parser.add_argument(
        "--port", type=int, default=22, help="of the SSH servers; by default 22"
    )
    parser.add_argument("--key", help="file of the private key, if not the usual one")
    parser.add_argument("--known-hosts", help="by default ~/.ssh/known_hosts")
    parser.add_argument("--python", help="the hosts' Python; by default the one here")
    given = parser.parse_args()
    if len(given.host) < 2:
        parser.error("name two hosts or more: the scheduler's, then the workers'")
    connect: dict[str, Any] = {"port": given.port}
    if given.key:
        connect["client_keys"] = [given.key]
    if given.known_hosts:
        connect["known_hosts"] = given.known_hosts
    with (
        ended_by_signal(),
        SSHCluster(
            given.host,
            connect_options=connect,
            scheduler_options={"dashboard_address": ":0"},
            worker_options={"nthreads": given.threads},
            remote_python=given.python,
        ) as cluster,
    ):
        hold(cluster)


if __name__ == "__main__":
    main()
