"""Runs of the suite, each with one mutated module, in processes forked from a warm one.

The warm process has imported pytest, the study's library and all that answers import,
but no answer: modules of answers are imported and forgotten again. It has run nothing,
so there is no event loop and no gevent hub that a fork would share. A child puts the
mutant in the way of the import system, and then runs pytest as usual.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import IO, Any, Generic, TypeVar

import pytest

MEMORY = 2 << 30
"""Bytes of memory above which a run counts as endless."""

OPTIONS = (
    *("-q", "--tb", "short", "--no-header"),
    *("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:hypothesispytest"),
    *("-o", "faulthandler_timeout=0", "-W", "ignore:Module already imported"),
)
"""Options that turn off everything that could make two runs differ."""

CRASHED = 99
BROKEN = (CRASHED, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED)
"""Exit codes of a run that proves nothing about its mutant."""

FAILED = "failed test: "
"""The beginning of a line with the name of a test that failed."""

Label = TypeVar("Label")


@dataclass
class Run(Generic[Label]):
    """A run of some tests with one module replaced, and its outcome."""

    label: Label
    files: Sequence[str]
    """Paths of test modules."""
    answers: frozenset[str]
    """Names of modules: only tests of these answers run."""
    skipped: frozenset[str] = frozenset()
    """Names of tests that do not run."""
    failures: int = 1
    """The number of failures after which the run ends. 0 means never."""
    module: str = ""
    source: str = ""
    limit: float = 600.0
    """Seconds after which the run counts as endless."""
    code: int | None = None
    """The exit code of pytest, or None if the run was killed."""
    seconds: float = 0.0
    output: str = ""

    @property
    def passed(self) -> bool:
        return self.code == pytest.ExitCode.OK

    @property
    def failed(self) -> frozenset[str]:
        """The names of the tests that failed."""
        lines = self.output.splitlines()
        return frozenset(x.removeprefix(FAILED) for x in lines if x.startswith(FAILED))


class Substitute(SourceFileLoader):
    """A meta path finder and loader that gives one module another source."""

    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self.text = source

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Only:
    """A pytest plugin that deselects the tests of other answers, and notes failures."""

    def __init__(self, run: Run[Any]) -> None:
        self.run = run
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if self._is_asked(item)]

    def _is_asked(self, item: Any) -> bool:
        params: Any = getattr(item, "callspec", None)
        world, answer = (params and params.params.get("world")) or (None, None)
        known = world is None or (answer and answer.module in self.run.answers)
        return bool(known) and item.nodeid not in self.run.skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def warm_up(modules: Iterable[str], forget: Iterable[str]) -> None:
    """Import the modules, and forget some of them again."""
    for name in modules:
        importlib.import_module(name)
    for name in forget:
        package, _, last = name.rpartition(".")
        del sys.modules[name]
        delattr(sys.modules[package], last)


def carry_out(
    runs: Iterable[Run[Label]], study: str, root: Path, jobs: int = 1
) -> Iterator[Run[Label]]:
    """Yield each run as it ends; up to ``jobs`` of them run side by side."""
    waiting = iter(runs)
    running: dict[int, tuple[Run[Label], float, IO[bytes]]] = {}
    try:
        while True:
            while len(running) < jobs and (run := next(waiting, None)) is not None:
                output = tempfile.TemporaryFile()  # noqa: SIM115
                running[_fork(run, study, root, output)] = run, time.monotonic(), output
            if not running:
                return
            for pid, (run, begin, output) in list(running.items()):
                if (code := _ended(pid, begin + run.limit)) is None:
                    continue
                del running[pid]
                run.code = code if code >= 0 else None
                run.seconds = time.monotonic() - begin
                with output:
                    output.seek(0)
                    run.output = output.read().decode(errors="replace")
                yield run
            time.sleep(0.005)
    finally:
        for pid, (_, _, output) in running.items():
            _ended(pid, 0.0)
            output.close()


def _fork(run: Run[Any], study: str, root: Path, output: IO[bytes]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = CRASHED
        try:
            os.setsid()
            os.chdir(root)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
            code = _suite(run, study)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return pid


def _suite(run: Run[Any], study: str) -> int:
    """Run pytest in this process, with the module replaced."""
    if run.module:
        spec = importlib.util.find_spec(run.module)
        assert spec is not None
        assert spec.origin is not None
        sys.meta_path.insert(0, Substitute(run.module, spec.origin, run.source))
    only = Only(run)
    arguments = [*OPTIONS, "--maxfail", str(run.failures), *run.files]
    if study:
        arguments += ["--study", study]
    try:
        code = int(pytest.main(arguments, plugins=[only]))
    except Exception:  # such as a coroutine that was never awaited, found at the end
        if not only.failed:
            raise
        code = int(pytest.ExitCode.TESTS_FAILED)
    for name in only.failed:
        print(f"{FAILED}{name}")
    return code


def _ended(pid: int, limit: float) -> int | None:
    """Return how the process has ended, and end it if it is time; else None."""
    done, status = os.waitpid(pid, os.WNOHANG)
    late = time.monotonic() > limit or _memory(pid) > MEMORY
    if done or late:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # with all processes that it has started
    if done:
        return os.waitstatus_to_exitcode(status)
    if late:
        os.waitpid(pid, 0)
        return -signal.SIGKILL
    return None


def _memory(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0  # not on this system, or it has just ended
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
