"""The number of instructions that the kernel needs, counted by valgrind without noise.

python tests/kernel/instructions.py             compare with instructions.json
python tests/kernel/instructions.py --update    write the counts to that file

The count is a slope: the work is done N times and 2 N times, and the difference is
divided by N, so that starting Python does not count. Garbage collection is off, because
it would run at different moments. The figures hold for one build of Python. They do
not measure speed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BASELINE = Path(__file__).with_suffix(".json")
TOLERANCE = 0.03
"""The accepted increase of the cost of an operation, relative to its last cost."""
WORK = {
    "switch": ("switch_ready", 500, 2, 2),
    "spawn": ("spawn_and_join", 10, 100, 100),
    "cancel": ("cancel", 10, 100, 100),
    "ping-pong": ("ping_pong_channel", 500, 2, 1),
}
"""By name: a benchmark of ``comparisons/benchmarks/generators.py``, its repetitions
(N), its number of tasks, and its operations in one repetition."""


class Watch:
    """A stopwatch that measures nothing, for the interface of the benchmarks."""

    def start(self) -> None:
        pass

    stop = __enter__ = start

    def __exit__(self, *_: object) -> None:
        pass


def work(name: str, times: int) -> None:
    """Run a benchmark. The caller counts the instructions of this process."""
    sys.path.append(str(ROOT / "comparisons"))
    from benchmarks import generators
    from generators_study.kernel import loop

    gc.disable()
    loop.TURN = float("inf")  # otherwise a slower run would poll more often
    function, _, size, _ = WORK[name]
    generators.run(getattr(generators, function), times, size, Watch())


def count(name: str, times: int) -> int:
    """Return the number of instructions of a whole process."""
    command = [
        *("valgrind", "--tool=cachegrind", "--cache-sim=no"),
        *(f"--cachegrind-out-file={os.devnull}", sys.executable, "-s", "-P", "-B"),
        *(__file__, "--work", name, str(times)),
    ]
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"instructions: valgrind could not run {name}:\n{done.stderr}")
    return int(found[1].replace(",", ""))


def counted() -> dict[str, int]:
    """Instructions for each operation."""
    runs = [(name, n) for name, (_, n, *_) in WORK.items() for n in (n, 2 * n)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        totals = dict(zip(runs, pool.map(lambda run: count(*run), runs), strict=True))
    return {
        name: round((totals[name, 2 * n] - totals[name, n]) / (n * operations))
        for name, (_, n, _, operations) in WORK.items()
    }


def build() -> str:
    """Which Python this is: another one needs another number of instructions."""
    flags = str(sysconfig.get_config_var("PY_CFLAGS") or "").split()
    level = " ".join(flag for flag in flags if flag.startswith("-O"))
    options = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    guided = " profile-guided" if "--enable-optimizations" in options else ""
    compiler = platform.python_compiler()
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {compiler} "
        f"{level}{guided}, {platform.machine()}"
    )


def main() -> str | None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--update", action="store_true", help="take what is counted as the new baseline"
    )
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        name, times = asked.work
        return work(name, int(times))
    if shutil.which("valgrind") is None:
        return "instructions: valgrind is not here"
    baseline = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {}
    before = baseline.get(build(), {})
    now = counted()
    print(f"Instructions for each operation of the kernel, {build()}")
    for name, instructions in now.items():
        change = ""
        if name in before:
            change = f"{instructions / before[name] - 1:+8.2%} of {before[name]:,}"
        print(f"  {name:10} {instructions:9,} {change}")
    if asked.update:
        baseline[build()] = now
        text = json.dumps(dict(sorted(baseline.items())), indent=2)
        BASELINE.write_text(text + "\n", "utf-8")
        print(f"{BASELINE.relative_to(ROOT)} is updated.")
        return None
    update = "`nox -s instructions -- --update`"
    if not before:
        print(
            f"This Python has no baseline, so nothing was compared; {update} makes one."
        )
        return None
    more = [n for n in now if n in before and now[n] > before[n] * (1 + TOLERANCE)]
    if more:
        return (
            f"instructions: {', '.join(more)}: more than {TOLERANCE:.0%} more than "
            f"before. If that is the price of something worth it, {update} makes it "
            "the baseline."
        )
    if any(now[name] < before[name] * (1 - TOLERANCE) for name in before):
        print(f"Fewer than before: {update} keeps it so.")
    return None


if __name__ == "__main__":
    sys.exit(main())
