# /// script
# dependencies = ["nox", "uv"]
# ///
"""One session per study, named after it, and the checks around them.

nox                 everything, with the oldest and the newest Python
nox -s compare      every study, alone; then the pages, and a site of them
nox -s trio         one study, installed alone: its suite in virtual time
nox -s trio-3.12    ... with that Python
nox -s trio -- -k cancel    ... or a part of its tests
nox -s trio -- --suite      ... or what all studies are asked, for the report
nox -s realtime -- trio     its programs, Ctrl-C and the obstacle course, in real time
nox -s planted -- asyncio   plant mistakes in its answers: does the suite notice?
nox -s schedules -- asyncio --schedules 200    its conformance tests in many orders
nox -s foreign              the suites of other packages, in virtual time
nox -s drift -- trio==0.30 --python 3.12    which answers change with a version
nox -s overhead             what virtual time costs
nox -s pools                what pools of threads, processes and dask cost
nox -s cpu                  computing with 1, 2 and 4 workers in every study
nox -s peers                races found, beside other tools that explore schedules
nox -s mutants -- trio      change its answers on purpose: does the suite notice?
nox -l              the list of sessions
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox
from packaging.specifiers import SpecifierSet

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.download_python = "never"

ROOT = Path(__file__).parent
PROJECTS = {
    path.parent.name: tomllib.loads(path.read_text("utf-8"))
    for path in ROOT.glob("packages/*/pyproject.toml")
}
REGISTRY = {
    study: project.get("tool", {}).get("concurrency-study", {})
    for study, project in PROJECTS.items()
}
"""The table of each study; concurrency_study.registry explains the keys."""
STUDIES = sorted(REGISTRY, key=lambda study: (REGISTRY[study].get("order", 1e3), study))
CONSTRAINTS = ("-c", "constraints.txt")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SUPPORTED = [f"3.{minor}" for minor in range(11, 15)]
BITTEN = [
    "asyncio",
    *(s for s in STUDIES if (ROOT / f"tests/mutants/planted/{s}.py").exists()),
]
"""The studies that mistakes are planted in."""
CORES = min(os.cpu_count() or 1, 8)
"""The number of processes that share the tests of a study."""
COUNTED = "3.13"
"""The Python whose instructions are counted; another one needs another number."""


def works(python: str) -> bool:
    """Return True if there is such an interpreter. A pyenv shim may lead nowhere."""
    path = shutil.which(f"python{python}")
    if path is None:
        return False
    return subprocess.run([path, "--version"], capture_output=True).returncode == 0


PYTEST = ("python", "-W", "error", "-m", "pytest", "-q")
PYTHONS = [v for v in SUPPORTED if v == HERE or works(v)]
NEWEST = PYTHONS[-1]
ENDS = list(dict.fromkeys((PYTHONS[0], NEWEST)))
MISSING = [v for v in SUPPORTED if v not in PYTHONS]


def install(session: nox.Session, study: str) -> None:
    """Install a study alone, unless its environment is as wanted already."""
    wanted = [
        *CONSTRAINTS,
        *("pytest", "pytest-randomly", "pytest-xdist"),
        *(["hypothesis"] if study == "generators" else []),
        *("-e", "./shared", "-e", f"./packages/{study}"),
    ]
    read = [
        "constraints.txt",
        "shared/pyproject.toml",
        f"packages/{study}/pyproject.toml",
    ]
    text = "\n".join([*wanted, *((ROOT / path).read_text("utf-8") for path in read)])
    done = Path(session.virtualenv.location) / "installed.txt"
    if done.exists() and done.read_text("utf-8") == text:
        session.log(f"{study} is installed; nox -N does it again")
        return
    session.install(*wanted)
    done.write_text(text, "utf-8")


def prove(session: nox.Session, study: str) -> None:
    install(session, study)
    options = session.posargs[1:]
    at_once = ()
    match session.posargs[:1]:
        case ["--mutants"]:
            session.run("python", "-m", "tests.mutants", *options)
            return
        case ["--planted"]:
            session.run(*PYTEST, "tests/mutants/test_planted.py", *options)
            if study == "asyncio":
                # It forks, so there must be no second thread.
                alone = ("-o", "faulthandler_timeout=0")
                session.run(*PYTEST, *alone, "tests/mutants/test_mutants.py")
            return
        case ["--many-orders"]:
            tests = ["tests/conformance"]
            whole = ()
            at_once = ("-n", f"{CORES}", "--dist", "worksteal")
        case ["--realtime"]:
            course = ROOT / f"packages/{study}/src/{study}_study/obstacles"
            tests = ["tests/installed", *(["tests/obstacles"] * course.exists())]
            whole = ()
        case ["--suite"]:
            tests = [
                "tests/conformance",
                "tests/behaviours/test_behaviours.py",
                "tests/races/test_report.py",
            ]
            whole = ("--complete", "tests/conformance")
        case chosen:
            tests = [
                "tests/conformance",
                "tests/behaviours",
                "tests/worlds/test_every_world.py",
                "tests/worlds/test_schedules.py",
                "tests/races",
                f"tests/worlds/test_{study}.py",
                f"tests/helpers/test_{study}.py",
                *(["tests/kernel"] if study == "generators" else []),
            ]
            whole = () if chosen else ("--complete", "tests/conformance")
            at_once = () if chosen else ("-n", f"{CORES}", "--dist", "worksteal")
            options = session.posargs
    report = ("--report", f"reports/{study}-{session.python}.jsonl") if whole else ()
    session.run(
        *PYTEST,
        *("-rxfE", "--study", study),  # failures come last
        *(*whole, *report, *at_once),
        *(path for path in tests if (ROOT / path).exists()),
        *options,
    )
    if MISSING:
        session.warn(f"not found here, so not tested: Python {', '.join(MISSING)}")


def define(study: str) -> None:
    project = PROJECTS[study].get("project", {})
    supported = SpecifierSet(project.get("requires-python", ""))
    pythons = [python for python in PYTHONS if python in supported]
    chosen = HERE if HERE in pythons else pythons[-1] if pythons else HERE
    ends = {*pythons[:1], *pythons[-1:]}

    def short(session: nox.Session) -> None:
        session.notify(f"{study}-{chosen}")

    short.__doc__ = f"Prove the study {study} with Python {chosen}."
    nox.session(short, name=study, python=False, default=False)

    for python in pythons:

        def whole(session: nox.Session) -> None:
            prove(session, study)

        whole.__doc__ = f"Install the study {study} alone and prove it."
        name = f"{study}-{python}"
        nox.session(whole, name=name, python=python, default=python in ends)


for _study in STUDIES:
    define(_study)


@nox.session(python=HERE)
def structure(session: nox.Session) -> None:
    """Read the text: same sections, same titles, no study imports another."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "pytest-xdist", "build", "hatchling", "nox"),
        *("-e", "./shared", "-e", "./comparisons"),
    )
    session.run("study", "pages", "--check")
    at_once = ("-n", f"{CORES}", "--dist", "worksteal")
    tests = ("tests/structure", "tests/topics")
    session.run(*PYTEST, *at_once, *tests, *session.posargs)


@nox.session(python=HERE)
def comparisons(session: nox.Session) -> None:
    """Test the `study` command and what it is made of."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "pytest-xdist", "hypothesis", "jsonschema", "packaging"),
        *("-e", "./shared", "-e", "./comparisons"),
    )
    at_once = ("-n", f"{CORES}", "--dist", "loadfile")
    session.run(*PYTEST, *at_once, "tests/comparisons", *session.posargs)


def side_by_side(
    session: nox.Session, names: list[str], posargs: list[str]
) -> list[str]:
    """Run sessions at once, one more than there are cores, for each waits at times.

    Returns:
        The names of those that failed, whose last lines have been shown.
    """
    begin = time.monotonic()
    running: list[subprocess.Popen[str]] = []

    def run(name: str) -> tuple[int, str]:
        session.log(f"{time.monotonic() - begin:3.0f} s  {name} starts")
        command = [sys.executable, "-m", "nox", "-s", name, "--", *posargs]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C reaches it once, from here
        ) as process:
            running.append(process)
            said, _ = process.communicate()
        interrupted = process.returncode in (-signal.SIGINT, 130)
        outcome = "failed" if process.returncode else "passed"
        outcome = "interrupted" if interrupted else outcome
        session.log(f"{time.monotonic() - begin:3.0f} s  {name} {outcome}")
        return process.returncode, said

    with ThreadPoolExecutor(CORES + 1) as pool:
        try:
            runs = dict(zip(names, pool.map(run, names), strict=True))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)
            session.log("interrupted; the reports of earlier runs are kept")
            raise
    failed = [name for name, (code, _) in runs.items() if code]
    for name in failed:
        lines = runs[name][1].strip().splitlines()
        session.warn("\n".join([f"{name} failed; its last lines:", *lines[-25:]]))
    return failed


@nox.session(python=HERE, default=False)
def compare(session: nox.Session) -> None:
    """Run the suite of every study, then make pages and site of the reports.

    A report of the present text and the pinned versions is kept; `-- --again` makes
    all of them again.
    """
    session.install(*CONSTRAINTS, "-e", "./shared", "-e", "./comparisons[search]")
    order = STUDIES[::-1]  # the last ones take longest
    if "--again" not in session.posargs:
        reports = "concurrency_comparisons.reports"
        code = (
            f"import sys, pathlib, {reports} as r; root, here, *studies = sys.argv[1:]"
        )
        code += "; print(*r.out_of_date(pathlib.Path(root), studies, here))"
        told = session.run("python", "-c", code, str(ROOT), HERE, *order, silent=True)
        needed = str(told).split()
        kept = [study for study in order if study not in needed]
        if kept:
            session.log(f"up to date: {', '.join(kept)}; -- --again runs them again")
        order = [study for study in order if study in needed]
    names = [f"{study}-{HERE}" for study in order]
    if failed := side_by_side(session, names, ["--suite"]):
        session.error(f"for the whole of it: nox -s {' '.join(failed)}")
    study = shutil.which("study", path=session.bin) or "study"
    made = [
        subprocess.Popen([study, what, "--python", HERE], cwd=ROOT)
        for what in ("pages", "site")
    ]
    codes = [each.wait() for each in made]  # both, before it says anything
    if any(codes):
        session.error("the reports are good, but pages or site could not be made")


@nox.session(python=HERE, default=False)
def bench(session: nox.Session) -> None:
    """Measure what each way of waiting costs, beside asyncio; `-- --help` says more."""
    session.install(*CONSTRAINTS, "uv", "-e", "./shared", "-e", "./comparisons")
    session.run(
        *("python", "-m", "concurrency_comparisons.bench"),
        *("--python", NEWEST, *session.posargs),
        interrupt_timeout=30,  # it ends its processes, and tells what it has
    )


@nox.session(python=NEWEST, default=False)
def pools(session: nox.Session) -> None:
    """Measure pools of threads, processes and dask; `-- --help` says more."""
    session.install(*CONSTRAINTS, "-e", "./shared[dask]", "-e", "./comparisons")
    options = session.posargs or ["--json", "comparisons/pools.json"]
    session.run("python", "-m", "concurrency_comparisons.bench.pools", *options)


@nox.session(python=HERE, default=False)
def cpu(session: nox.Session) -> None:
    """Compute with 1, 2 and 4 workers in every study, beside threads."""
    session.install(*CONSTRAINTS, "uv", "-e", "./shared", "-e", "./comparisons")
    options = session.posargs or ["--json", "comparisons/cpu.json"]
    module = ("python", "-m", "concurrency_comparisons.bench.cpu")
    session.run(*module, "--python", NEWEST, *options)


@nox.session(python=COUNTED if works(COUNTED) else HERE)
def instructions(session: nox.Session) -> None:
    """Count the kernel's instructions; `-- --update` makes them the baseline."""
    if session.python != COUNTED:
        session.skip(f"no Python {COUNTED} here; the baseline is of that version")
    if shutil.which("valgrind") is None:
        session.skip("no valgrind here; install it to have instructions counted")
    session.install(*CONSTRAINTS, "-e", "./shared", "-e", "./packages/generators")
    session.run("python", "tests/kernel/instructions.py", *session.posargs)


@nox.session(python=HERE)
def fuzz(session: nox.Session) -> None:
    """Compare the kernel with trio on random programs; `-- --help` says more."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "pytest-randomly", "hypothesis", "trio"),
        *("-e", "./shared", "-e", "./packages/generators"),
    )
    if session.posargs:
        session.run("python", "tests/fuzz", *session.posargs)
    else:
        session.run(*PYTEST, "tests/fuzz")


def for_each_study(
    session: nox.Session, flag: str, studies: list[str], python: str
) -> list[str]:
    """Run the sessions of these studies with a flag; return those that failed."""
    options = [option for option in session.posargs if option not in STUDIES]
    asked = [name for name in session.posargs if name in STUDIES]
    failed: list[str] = []
    for study in asked or studies:
        alone = ("-s", f"{study}-{python}", "--", flag, *options)
        if subprocess.run([sys.executable, "-m", "nox", *alone], cwd=ROOT).returncode:
            failed.append(study)
    return failed


@nox.session(python=False)
def planted(session: nox.Session) -> None:
    """Plant mistakes in answers, and see the suite fail for each; `-- trio` for one."""
    if failed := for_each_study(session, "--planted", BITTEN, NEWEST):
        session.error(f"a planted mistake was not noticed, or not planted: {failed}")


@nox.session(python=False, default=False)
def mutants(session: nox.Session) -> None:
    """Mutate answers, and count what the suite notices; `-- trio --help` says more."""
    if failed := for_each_study(session, "--mutants", STUDIES, NEWEST):
        session.error(f"too many mutants survive, or the list is wrong: {failed}")


@nox.session(python=False, default=False)
def schedules(session: nox.Session) -> None:
    """Run conformance tests in many orders; `-- asyncio --schedules 200` in more."""
    bounds = ("--slack", "0", "--schedules-seconds", "5", "-k", "not thousand")
    session.posargs[:0] = ["--schedules", "20", *bounds]  # later options win
    if failed := for_each_study(session, "--many-orders", STUDIES, NEWEST):
        session.error(f"a test fails in another order than the usual one: {failed}")


@nox.session(python=False)
def realtime(session: nox.Session) -> None:
    """Run programs, Ctrl-C and the obstacle course of each study, in real time."""
    asked = [name for name in session.posargs if name in STUDIES] or STUDIES
    options = [option for option in session.posargs if option not in STUDIES]
    # The oldest and the newest Python: what differs between them are their libraries.
    # The studies that take longest come last in the order, and not side by side.
    names = [f"{study}-{python}" for python in ENDS for study in reversed(asked)]
    failed = side_by_side(session, names, ["--realtime", *options])
    if failed:
        session.error(f"for the whole of it: nox -s {failed[0]} -- --realtime")


@nox.session(python=ENDS)
def referees(session: nox.Session) -> None:
    """Judge the referees: on real sockets, with no study installed."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "pytest-randomly", "hypothesis"),
        *("-e", "./shared[http]"),
    )
    session.run(*PYTEST, "tests/referees", *session.posargs)


@nox.session(python=HERE)
def outside(session: nox.Session) -> None:
    """Use the fixtures in the tests of another project, outside of this repository."""
    session.install(*CONSTRAINTS, "pytest", "pytest-randomly")
    session.install("--force-reinstall", "--no-deps", "./shared")
    with tempfile.TemporaryDirectory() as folder:
        for world, *libraries in (("threads",), ("asyncio",), ("gevent", "gevent")):
            if libraries:
                session.install(*CONSTRAINTS, *libraries)
            found = sorted((ROOT / "tests/outside").glob(f"test_{world}*.py"))
            modules = [path.name for path in found]
            modules += ["test_async.py"] * (world == "asyncio")
            for module in modules:
                shutil.copy(ROOT / "tests/outside" / module, folder)
            with session.chdir(folder):
                session.run(*PYTEST, "--world", world, *modules)
    session.install(*CONSTRAINTS, "trio", "anyio", "pytest-xdist")
    session.install("--no-deps", "./packages/generators")
    session.run(
        *(*PYTEST, "-n", f"{CORES}", "--dist", "worksteal"),
        "tests/outside/test_calls.py",
        "tests/worlds/test_fixture.py",
        "tests/worlds/test_fixture_pytest.py",
        *session.posargs,
    )


@nox.session(python=HERE)
def clusters(session: nox.Session) -> None:
    """Run an answer with dask on clusters by SSH and SLURM, as far as they are here."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "jsonschema", "-e", "./shared", "-e", "./packages/dask[clusters]"),
    )
    session.run(*PYTEST, "tests/clusters", *session.posargs)


@nox.session(python=HERE, default=False)
def foreign(session: nox.Session) -> None:
    """Run the suites of other packages in virtual time; `-- janus` runs one."""
    table = tomllib.loads((ROOT / "tests/foreign/packages.toml").read_text("utf-8"))
    packages = {f"{each['package']}=={each['version']}" for each in table["suite"]}
    needs = {name for each in table["suite"] for name in each.get("needs", [])}
    session.install(
        *CONSTRAINTS,
        *("pip", "pytest", "-e", "./shared"),  # pip downloads source distributions
        *sorted(packages | needs),
    )
    cache = session.cache_dir / "foreign"
    session.run(*PYTEST, "tests/foreign")
    session.run("python", "-m", "tests.foreign", f"--cache={cache}", *session.posargs)


@nox.session(python=HERE, default=False)
def drift(session: nox.Session) -> None:
    """Print the answers that change with a version: `-- trio==0.30 --python 3.12`."""
    session.install("packaging", "uv")
    session.run("python", "tests/behaviours/drift.py", *session.posargs)


@nox.session(python=NEWEST, default=False)
def overhead(session: nox.Session) -> None:
    """Measure what virtual time costs, beside looptime and trio's MockClock."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "trio", "anyio", "gevent", "looptime"),
        *("-e", "./shared", "-e", "./packages/generators"),
    )
    session.run("python", "-m", "tests.worlds.overhead", *session.posargs)


@nox.session(python=NEWEST, default=False)
def peers(session: nox.Session) -> None:
    """Find the races beside detangle, frontrun and interleave-test; `-- --help`."""
    session.install(
        *CONSTRAINTS,
        *("detangle", "frontrun", "interleave-test", "greenlet", "-e", "./shared"),
        *("-e", "./packages/asyncio", "-e", "./packages/threads"),
    )
    session.run("python", "-m", "tests.peers.measure", *session.posargs)


@nox.session(python=ENDS)
def fixtures(session: nox.Session) -> None:
    """Test the fixtures with all libraries: options, hangs, and real time."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "pytest-randomly", "pytest-xdist", "hypothesis"),
        *("trio", "anyio", "gevent", "-e", "./shared[processes,dask]"),
        *("-e", "./packages/generators"),
    )
    at_once = ("-n", f"{min(CORES, 2)}", "--dist", "worksteal")
    worlds = [name for study in STUDIES for name in _worlds(study)]
    everywhere = (word for name in worlds for word in ("--world", name))
    session.run(*PYTEST, *at_once, *everywhere, "tests/worlds/test_everywhere.py")
    session.run(
        *(*PYTEST, *at_once),
        "tests/worlds/test_fixture.py",
        "tests/worlds/test_fixture_pytest.py",
        "tests/worlds/test_real_time.py",
        "tests/hangs",
        *session.posargs,
    )


def _worlds(study: str) -> list[str]:
    """Return the worlds of a study that every supported Python has."""
    names = REGISTRY[study].get("worlds", [study])
    return [name for name in names if " " not in name]


@nox.session(python=HERE)
def lint(session: nox.Session) -> None:
    """Lint and format, with ruff."""
    session.install(*CONSTRAINTS, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=HERE)
def types(session: nox.Session) -> None:
    """Check the types of all that is published, with pyright, strictly."""
    session.install(
        *CONSTRAINTS,
        *("pyright", "pytest", "types-gevent", "-e", "./shared", "-e", "./comparisons"),
        *(word for study in STUDIES for word in ("-e", f"./packages/{study}")),
    )
    session.run("pyright", *session.posargs)


@nox.session(python=HERE)
def browser(session: nox.Session) -> None:
    """Make the site, and look at it in a real browser; the reports must be there."""
    session.install(
        *CONSTRAINTS,
        *("pytest", "pytest-xdist", "playwright", "axe-playwright-python"),
        *("-e", "./shared", "-e", "./comparisons[search]"),
    )
    session.run("study", "site")
    start = ROOT / "comparisons/site/index.html"
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.skip(f"no Chromium here to look at the site; it starts at {start}")
    at_once = ("-n", f"{min(CORES, 2)}", "--dist", "loadgroup")
    session.run(*PYTEST, *at_once, "tests/browser", *session.posargs)
    session.log(f"The site starts at {start}")


if __name__ == "__main__":
    nox.main()
