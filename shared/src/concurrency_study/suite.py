"""The pytest plugin that runs the suite of a study: ``-p concurrency_study.suite``.

A module ``test_<topic>.py`` gets each answer of the installed study in turn, as
``world.answer``, in each of the study's worlds. `concurrency_study.plugin` has the
fixtures for the tests of any project. This module adds the fixtures `study` and
`topic`, the marks ``needs`` and ``jobs``, and the report of a run. The options of this
repository's ``pyproject.toml`` load it.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

import pytest

from .collector import parsed
from .plugin import Chosen
from .report import EXAMPLE, Report, story_records, test_record
from .study import (
    Answer,
    Study,
    check_capabilities,
    find_studies,
)
from .topics import TOPICS, VIRTUAL
from .world import Deadlock, World, broken_code

CANNOT = "cannot"
DIFFERS = "not by default:"
"""The beginning of the reason for which a test has to fail."""

EXCUSED = (AssertionError, Deadlock)
"""The errors by which a test has to fail if it needs what a study cannot do."""

COMMON = "common_questions"
"""The module ``test_common_questions.py`` tests every answer to every topic."""

PLUGIN = "concurrency-study-suite"
"""The name of the plugin that runs the suite of a study."""

SEED = 0
"""The seed of random choices in a run whose story is in the report."""


@pytest.hookimpl
def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --study, --complete and --report."""
    group = parser.getgroup("concurrency-study")
    group.addoption(
        "--study",
        metavar="NAME",
        help="the study that must be installed here, and no other",
    )
    group.addoption(
        "--complete",
        metavar="DIR",
        help="fail if one of the conformance tests in DIR has not run, or a "
        "declaration in CANNOT was not used",
    )
    group.addoption(
        "--report",
        metavar="FILE",
        help="write what the conformance tests found out to this file (JSON lines)",
    )


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    """Find the installed studies, and compare them with --study."""
    config.addinivalue_line(
        "markers",
        "needs(capability): what a study must be able to do for this test; one that "
        "declares that it CANNOT must fail it",
    )
    config.addinivalue_line(
        "markers", "jobs(n): ask topics that run at least n native jobs side by side"
    )
    config.pluginmanager.register(_Suite(config), PLUGIN)


class Case(NamedTuple):
    """A test, asked of an answer in a world. A worker sends it as a plain tuple."""

    file: str
    test: str
    world: str
    answer: str
    """The module of the answer; "" if the test is not asked of one."""


class _Suite:
    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.studies, self.broken = find_studies()
        self.complete: str | None = config.getoption("--complete")
        self.worker: dict[str, Any] | None = getattr(config, "workeroutput", None)
        """The message of this process to the one that started it (pytest-xdist)."""
        self.ran: set[Case] = set()
        self.used: set[str] = set()
        self.problems: list[str] = []
        """The reasons for which a test cannot be asked of the answers."""
        expected: str | None = config.getoption("--study")
        names = sorted(study.name for study in self.studies)
        if expected in self.broken:
            raise pytest.UsageError(
                f"--study {expected}: it cannot be imported: {self.broken[expected]}"
            )
        if expected is not None and names != [expected]:
            raise pytest.UsageError(
                f"--study {expected}: installed here: {', '.join(names) or 'no study'}"
            )
        if expected is None:
            for option in ("--complete", "--report"):
                if config.getoption(option) is not None:
                    raise pytest.UsageError(f"{option} goes with --study")
        path: str | None = config.getoption("--report")
        self.reporting = path is not None
        self.report = (
            None
            if path is None or self.worker is not None
            else Report(Path(path), config.rootpath, self.the_study())
        )

    @property
    def study(self) -> Study | None:
        """The study under test, if there is exactly one."""
        return self.studies[0] if len(self.studies) == 1 else None

    def the_study(self) -> Study:
        """Return the study under test, or raise an error that says what to do."""
        if self.study is None:
            names = ", ".join(sorted(study.name for study in self.studies))
            raise pytest.UsageError(
                f"several studies are installed here ({names}); each is tested alone"
                if names
                else "no study is installed here; install one, as in "
                "`pip install ./shared ./packages/asyncio`"
            )
        return self.study

    @pytest.hookimpl
    def pytest_default_worlds(self) -> Sequence[str] | None:
        """Return the worlds of the study under test."""
        return self.study.worlds if self.study else None

    @pytest.hookimpl
    def pytest_world_cases(
        self, metafunc: pytest.Metafunc, world: str
    ) -> Sequence[Any] | None:
        """Make a case of the test for every answer to the module's topic."""
        cases: list[Any] = []
        try:
            for answer in self._answers(metafunc):
                if not _is_asked(metafunc, answer):
                    name = metafunc.function.__name__
                    self.ran.add(_case(metafunc.definition, name, world, answer))
                    continue
                marks = self._marks(metafunc, answer)
                common = _topic(metafunc.definition) == COMMON
                name = _id(world, answer, with_topic=common)
                cases.append(pytest.param(Chosen(world, answer), id=name, marks=marks))
        except (LookupError, pytest.UsageError) as problem:
            self.problems.append(str(problem))
        return cases

    @pytest.hookimpl
    def pytest_collection_modifyitems(self) -> None:
        """End the run with one line, if an answer or a capability is missing."""
        if self.problems:
            raise pytest.UsageError(self.problems[0])

    def _answers(self, metafunc: pytest.Metafunc) -> list[Answer] | list[None]:
        topic = _topic(metafunc.definition)
        if topic is None:
            return [None]
        study = self.the_study()
        if topic == COMMON:
            return [answer for each in VIRTUAL for answer in study.answers(each)]
        answers = study.answers(topic)
        if not answers and topic not in study.entry.leaves_out:
            raise pytest.UsageError(f"the study {study.name} has no answer to {topic}")
        return answers

    def _marks(
        self, metafunc: pytest.Metafunc, answer: Answer | None
    ) -> list[pytest.MarkDecorator]:
        marks: list[pytest.MarkDecorator] = []
        for marker in metafunc.definition.iter_markers("needs"):
            check_capabilities(marker.args, metafunc.definition.nodeid)
            for capability in marker.args:
                if answer is None:
                    continue
                for verb, declared in (
                    (CANNOT, answer.cannot),
                    (DIFFERS, answer.differs),
                ):
                    if capability in declared:
                        self.used.add(f"{answer.module}: {capability}")
                        reason = f"{verb} {capability}: {declared[capability]}"
                        marks.append(
                            pytest.mark.xfail(
                                reason=reason, raises=EXCUSED, strict=True
                            )
                        )
        return marks

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(
        self, pyfuncitem: pytest.Function
    ) -> Generator[None, object, object]:
        """Watch a run whose story is in the report, and seed its random choices.

        A declared limit does not excuse broken code: its error replaces the failure.
        """
        world = getattr(pyfuncitem, "funcargs", {}).get("world")
        if self.reporting and isinstance(world, World) and _is_told(pyfuncitem):
            world.watching = True
            random.seed(SEED)
        try:
            return (yield)
        except EXCUSED as error:
            is_excused = pyfuncitem.get_closest_marker("xfail") is not None
            broken = broken_code(error) or getattr(world, "broken", None)
            if not is_excused or broken is None:
                raise
        broken.add_note(
            "The study declares that it must fail this test, but not with this error."
        )
        raise broken

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note that a test ran."""
        report = yield
        if report.when == "call":
            world = getattr(item, "funcargs", {}).get("world")
            if isinstance(world, World):
                made: Any = item
                name, chosen = made.originalname, _chosen(item)
                noted: Any = report
                noted.concurrency_study = (
                    # A plain tuple can be sent to another process.
                    tuple(_case(item, name, chosen.world, chosen.answer)),
                    self._records(item, report, world),
                )
        return report

    def _records(
        self, item: pytest.Item, report: pytest.TestReport, world: World
    ) -> list[dict[str, Any]]:
        """Return what the report file says of a test that ran."""
        answer = _chosen(item).answer
        if not self.reporting or answer is None or _topic(item) == COMMON:
            return []
        name = cast(Any, item).originalname
        needs = [str(n) for m in item.iter_markers("needs") for n in m.args]
        reason = getattr(report, "wasxfail", "")
        declared = "differs" if reason.startswith(DIFFERS) else "cannot"
        outcome = declared if report.skipped else report.outcome
        records = [test_record(name, world, answer, needs, outcome, reason)]
        if _is_told(item):
            records += story_records(name, world, answer)
        return records

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down a test that ran, in this process or in one of its workers."""
        if self.worker is not None:
            return
        if self.report is not None and report.when == "call" and report.passed:
            for name, value in report.user_properties:
                if name in ("behaviour", "race"):
                    self.report.add(cast("dict[str, Any]", value))
        noted = getattr(report, "concurrency_study", None)
        if noted is None:
            return
        case, records = noted
        self.ran.add(Case(*case))
        if self.report is not None:
            for record in records:
                self.report.add(record)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn what a worker found while it collected the tests."""
        found = getattr(node, "workeroutput", {}).get(PLUGIN)
        if found is not None:
            self.ran.update(Case(*case) for case in found["ran"])
            self.used.update(found["used"])

    @pytest.hookimpl
    def pytest_report_header(self) -> list[str]:
        """Name the study and its worlds, and the studies that are left out."""
        lines = [
            f"the study {name} is left out: it cannot be imported: {why}"
            for name, why in self.broken.items()
        ]
        if self.study is not None:
            worlds = ", ".join(self.study.worlds)
            lines.append(f"study: {self.study.name}, in {worlds}")
        return lines

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """With --complete, fail if a test was left out or a declaration not used."""
        if self.worker is not None:
            ran = [tuple(case) for case in sorted(self.ran)]
            self.worker[PLUGIN] = {"ran": ran, "used": sorted(self.used)}
            return
        passed = session.exitstatus == pytest.ExitCode.OK
        if self.complete is not None and passed:
            for problem in self._problems(Path(self.complete)):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
                reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
                if reporter is not None:
                    reporter.write_line(f"\nINCOMPLETE: {problem}", red=True)
        if self.report is None:
            return
        if session.exitstatus < pytest.ExitCode.INTERRUPTED:
            complete = self.complete is not None and not session.exitstatus
            self.report.close(complete=complete)
        else:
            self.report.discard()

    def _problems(self, folder: Path) -> Iterator[str]:
        study = self.the_study()
        base = folder.absolute().relative_to(self.config.rootpath).as_posix()
        for topic in TOPICS:
            answers = study.answers(topic)
            for asked in (topic, COMMON) if topic in VIRTUAL else (topic,):
                path = folder / f"test_{asked}.py"
                if not path.exists():
                    if asked == topic:
                        yield f"{base} has no {path.name}"
                    continue
                for answer in answers:
                    yield from self._not_run(study, answer, path, base)
            for answer in answers:
                yield from self._unused(study, answer)
            left_out = topic in study.entry.leaves_out
            if not answers and not left_out:
                yield f"{study.name} has no answer to {topic}"
            if answers and left_out:
                yield f"{study.name} answers {topic}, which its entry leaves out"
        used = {entry.partition(": ")[2] for entry in self.used}
        for capability in {*study.cannot, *study.differs} - used:
            yield f"{study.name} declares {capability!r}, which no test needs"

    def _not_run(
        self, study: Study, answer: Answer, path: Path, base: str
    ) -> Iterator[str]:
        for name in _tests_in(path):
            for world in study.worlds:
                if Case(path.name, name, world, answer.module) not in self.ran:
                    case = _id(world, answer, path.stem == f"test_{COMMON}")
                    yield f"{base}/{path.name}::{name}[{case}] has not run"

    def _unused(self, study: Study, answer: Answer) -> Iterator[str]:
        own = {*answer.cannot, *answer.differs} - {*study.cannot, *study.differs}
        for capability in own:
            if f"{answer.module}: {capability}" not in self.used:
                yield f"{answer.module} declares {capability!r}, which no test needs"


def _is_told(item: pytest.Item) -> bool:
    """Return whether the report holds the story of this test's run.

    It does for examples, and for tests that need a capability.
    """
    example = cast(Any, item).originalname == EXAMPLE
    return example or item.get_closest_marker("needs") is not None


def _tests_in(path: Path) -> list[str]:
    """Return the names of the tests in a module's text, collected or not."""
    return [
        node.name
        for node in parsed(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def _chosen(item: Any) -> Chosen:
    """Return the world and the answer of a test that uses the fixture `world`."""
    chosen: object = item.callspec.params["world"]
    assert isinstance(chosen, Chosen)
    return chosen


def _topic(item: Any) -> str | None:
    topic = item.path.stem.removeprefix("test_")
    return topic if topic in TOPICS or topic == COMMON else None


def _is_asked(metafunc: pytest.Metafunc, answer: Answer | None) -> bool:
    """Return whether the topic runs as many jobs as the test asks for."""
    marker = metafunc.definition.get_closest_marker("jobs")
    return not marker or answer is None or marker.args[0] <= answer.question.JOBS


def _case(item: Any, test: str, world: str, answer: Answer | None) -> Case:
    return Case(item.path.name, test, world, answer.module if answer else "")


def _id(world: str, answer: Answer | None, with_topic: bool) -> str:
    """Return the name of a test's case: ``trio``, ``trio:race``, ``asyncio:gather``."""
    if answer is None:
        return world
    words = (world, answer.topic if with_topic else "", answer.variant)
    return ":".join(word for word in words if word)


@pytest.fixture
def study(request: pytest.FixtureRequest) -> Study:
    """The one study that is installed here."""
    suite: Any = request.config.pluginmanager.get_plugin(PLUGIN)
    return suite.the_study()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> ModuleType:
    """The module of the topic that ``world.answer`` answers."""
    answer = _chosen(request.node).answer
    if answer is None:
        raise pytest.UsageError("this test is not asked of the answers to a topic")
    return answer.question
