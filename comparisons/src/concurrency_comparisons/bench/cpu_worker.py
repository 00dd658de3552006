"""One call of a study's answer to `cpu`: prints the seconds that it took.

It is run as a file, ``python -I cpu_worker.py WORKERS LIMIT...``, by an interpreter
that has one study and not this package. The time includes the start of the workers, for
which a program has to wait as well. It does not include the import of the library.
"""

from __future__ import annotations

import sys
import time
from functools import partial


def main(workers: int, limits: list[int]) -> None:
    """Count primes below each limit, and print how long that took."""
    # Not at the top: the worker processes of a study read this file, too.
    from concurrency_study.study import installed_studies
    from concurrency_study.topics.cpu import primes

    (study,) = installed_studies()
    answer, *_ = study.answers("cpu")
    call = partial(answer.function, primes, limits, workers)
    begin = time.perf_counter()
    # A plain function needs no loop, and that of dask starts a cluster of its own.
    counted = call() if study.entry.waits.plain else study.package.run(call)
    seconds = time.perf_counter() - begin
    if len({*counted}) != len({*limits}):
        raise RuntimeError(f"{answer.module} returned {counted}")
    print(seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]), [int(limit) for limit in sys.argv[2:]])
