"""Mutation testing of a study's answers: does the suite notice every small change?

    nox -s mutants -- trio threads
    nox -s mutants -- trio --topic race --jobs 2
    nox -s mutants -- trio --only 1f0c22ab      one mutant and the output of the suite

Every answer and every shared helper is mutated at one point at a time.
The suite of its topic and the common questions then run until the first failure. A
mutant that no test notices has survived. Mutants that no test can notice are listed in
``equivalent.toml``, each with a reason.

mutmut and cosmic-ray do the same for projects with one suite. Here a mutant needs only
the tests of one answer, in a process in which no event loop has run before; both start
a process for each mutant and run all of it (cosmic-ray), or put switches into the code
and fork after a run (mutmut), which leaves out nested functions and gevent.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from concurrency_study.available import installed_worlds
from concurrency_study.registry import answers_in
from concurrency_study.study import Study, installed_studies
from concurrency_study.topics import SECTIONS, TOPICS, VIRTUAL

from .mutations import Mutant, mutants
from .runs import BROKEN, Run, carry_out, warm_up

ROOT = Path(__file__).parent.parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
SUITE = "tests/conformance"
ENOUGH = 97.0
"""The percentage of mutants that the suite has to notice."""

Key = tuple[str, str, str]
"""The file of a mutant, and the changed lines before and after."""


@dataclass
class File:
    """A file of a study that is mutated."""

    name: str
    """Its path in the package."""
    module: str
    source: str
    topics: list[str]
    """Topics whose suites can notice a change of the file."""
    answers: frozenset[str]
    """Modules of the answers that a change of the file affects."""
    mutants: list[Mutant]
    direct: list[str] = field(default_factory=list)
    """The test modules that test it directly, if it is a helper."""
    limit: float = 0.0
    """Seconds after which a run with a mutant counts as endless."""
    failing: frozenset[str] = frozenset()
    """Tests that fail without a mutation; they notice nothing."""

    @property
    def topic(self) -> str:
        """The topic that it answers, or the helper's own name."""
        return self.topics[0] if self.name.startswith(tuple(SECTIONS)) else self.name

    @property
    def tests(self) -> list[str]:
        """The test modules that run with each mutant."""
        common = sorted((ROOT / SUITE).glob("test_common*.py"))
        own = [f"{SUITE}/test_{topic}.py" for topic in self.topics]
        return [*self.direct, *own, *(str(path.relative_to(ROOT)) for path in common)]


@dataclass
class Equivalent:
    """An entry in the list of mutants that no test can notice."""

    study: str
    file: str
    before: str
    after: str
    reason: str
    within: str = ""
    """The function or class, where the same change is possible in several."""
    matched: int = field(default=0, compare=False)

    def matches(self, study: str, file: File, mutant: Mutant) -> bool:
        return (
            (self.study, self.file) == (study, file.name)
            and (self.before.strip(), self.after.strip())
            == (mutant.before.strip(), mutant.after.strip())
            and self.within in ("", mutant.within)
        )

    def __str__(self) -> str:
        return f"{self.study} {self.file}: {self.before.strip()!r}"


def equivalents(text: str) -> list[Equivalent]:
    """Return the entries of the list; one entry may name several studies."""
    found: list[Equivalent] = []
    for entry in tomllib.loads(text).get("equivalent", []):
        studies = entry.pop("study")
        for study in [studies] if isinstance(studies, str) else studies:
            found.append(Equivalent(study, **entry))
    return found


def uses(source: str, helper: str) -> bool:
    """Return whether the source imports a module of that name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = {(node.module or "").rpartition(".")[2]}
            names |= {alias.name for alias in node.names}
            if node.level and helper in names:
                return True
    return False


def files_of(study: Study) -> list[File]:
    """Return the answers of a study, and the helpers that they import."""
    package = study.package.__name__
    (folder,) = map(Path, study.package.__path__)
    listed = answers_in(folder, SECTIONS)
    topics = {path: topic for topic, path in listed if topic in VIRTUAL}
    answers = [*topics]
    texts = {path: path.read_text("utf-8") for path in answers}
    helpers = [p for p in sorted(folder.glob("*.py")) if not p.stem.startswith("__")]

    def module(path: Path) -> str:
        parts = path.relative_to(folder).with_suffix("").parts
        return ".".join((package, *parts))

    def file(path: Path, concerned: list[Path], roots: set[str] | None) -> File:
        source = path.read_text("utf-8")
        return File(
            path.relative_to(folder).as_posix(),
            module(path),
            source,
            list(dict.fromkeys(topics[each] for each in concerned)),
            frozenset(map(module, concerned)),
            mutants(source, roots),
        )

    found = [file(path, [path], {topics[path]}) for path in answers]
    for helper in helpers:
        concerned = [path for path in answers if uses(texts[path], helper.stem)]
        if concerned:
            found.append(file(helper, concerned, None))
            direct = f"tests/helpers/test_{study.name}.py"
            found[-1].direct = [direct] * (ROOT / direct).exists()
    return found


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nox -s mutants -- STUDY ...",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="TOPIC",
        help="mutate only answers to this topic (may be repeated)",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="run N mutants side by side (default: one for each core)",
    )
    parser.add_argument(
        "--list", action="store_true", help="print the mutants and run none"
    )
    parser.add_argument(
        "--only", metavar="ID", help="run one mutant and show its output"
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Mutate the installed study. Return 1 if too many mutants survive."""
    options = arguments(argv)
    (study,) = installed_studies()
    files = files_of(study)
    if options.topic:
        files = [file for file in files if file.topic in options.topic]
    if options.only:
        for file in files:
            file.mutants = [m for m in file.mutants if m.id(file.name) == options.only]
        files = [file for file in files if file.mutants]
    if not files:
        print("no such mutant; --list prints all of them")
        return 2
    if options.list:
        for file in files:
            for mutant in file.mutants:
                print(told(file, mutant))
        return 0
    tally = Tally(study.name, equivalents(EQUIVALENT.read_text("utf-8")))
    for line in measure(study, files, tally, options.jobs):
        print(line, flush=True)
    if not options.only:
        tally.finish({file.name for file in files} if options.topic else None)
    print(tally)
    return 0 if tally.passed else 1


def told(file: File, mutant: Mutant) -> str:
    """Return the mutant as a reader sees it."""
    head = f"{mutant.id(file.name)}  {mutant.kind}  ({mutant.within})"
    return f"{head}\n{mutant.diff(file.name)}\n"


def prepare(study: Study, files: list[File]) -> None:
    """Import the modules that the runs need, except the answers."""
    warm_up(
        [
            *(installed_worlds()[world].module for world in study.worlds),
            *(f"concurrency_study.topics.{topic}" for topic in TOPICS),
            *(file.module for file in files),
        ],
        [file.module for file in files],
    )


def baselines(study: Study, files: list[File], jobs: int) -> Iterator[str]:
    """Run the tests of each file without a mutation, and set the limits."""
    runs = [Run(file, file.tests, file.answers, failures=0) for file in files]
    for run in carry_out(runs, study.name, ROOT, jobs):
        run.label.limit = 5 + 5 * run.seconds
        run.label.failing = run.failed
        yield from (f"{name} fails without a mutation" for name in sorted(run.failed))
        if not run.passed and not run.failed:
            yield f"{run.label.name} cannot be tested:\n{run.output}"


@dataclass
class Tally:
    """The outcomes of all mutants of a study."""

    study: str
    entries: list[Equivalent]
    problems: list[str] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """Outcomes by topic."""
    survivors: dict[str, list[str]] = field(default_factory=dict)
    """Texts by kind of mutation."""

    def add(self, run: Run[tuple[File, Mutant]]) -> Counter[str]:
        """Count a mutant, and return the counts of its topic."""
        file, mutant = run.label
        count = self.counts.setdefault(file.topic, Counter())
        listed = [e for e in self.entries if e.matches(self.study, file, mutant)]
        for entry in listed:
            entry.matched += 1
        if run.code in BROKEN:
            name = mutant.id(file.name)
            self.problems.append(f"{name} was not judged:\n{run.output}")
        elif not run.passed:
            count["killed"] += 1
            count["by the limit"] += run.code is None
            self.problems += [f"{EQUIVALENT.name}: {e} is killed" for e in listed]
        elif listed:
            count["equivalent"] += 1
        else:
            count["survived"] += 1
            self.survivors.setdefault(mutant.kind, []).append(told(file, mutant))
        return count

    def finish(self, files: set[str] | None) -> None:
        """Find entries that match no mutant of these files; None: of any file."""
        for entry in self.entries:
            mine = entry.study == self.study and (files is None or entry.file in files)
            if mine and not entry.matched:
                self.problems.append(f"{EQUIVALENT.name}: {entry} is not a mutant")

    @property
    def whole(self) -> Counter[str]:
        return sum(self.counts.values(), Counter[str]())

    @property
    def passed(self) -> bool:
        return not self.problems and score(self.whole) >= ENOUGH

    def __str__(self) -> str:
        lines: list[str] = []
        for kind, texts in sorted(self.survivors.items()):
            lines += ["", f"## Survived: {kind} ({len(texts)})", "", *texts]
        lines.append("")
        lines += [f"{t:24} {summary(count)}" for t, count in self.counts.items()]
        lines.append(f"{self.study:24} {summary(self.whole)}")
        lines += [f"PROBLEM: {problem}" for problem in self.problems]
        return "\n".join(lines)


def measure(study: Study, files: list[File], tally: Tally, jobs: int) -> Iterator[str]:
    """Run all mutants of the files and yield lines about the progress."""
    begin = time.monotonic()
    total = sum(len(file.mutants) for file in files)
    yield f"{study.name}: {total} mutants in {len(files)} files"
    prepare(study, files)
    tally.problems += dict.fromkeys(baselines(study, files, jobs))
    yield from tally.problems

    left = Counter({file.name: len(file.mutants) for file in files})
    runs = (run_of(file, mutant) for file in files for mutant in file.mutants)
    for run in carry_out(runs, study.name, ROOT, jobs):
        file, _ = run.label
        count = tally.add(run)
        left[file.name] -= 1
        if total == 1:
            yield told(*run.label) + run.output
        elif not left[file.name]:
            yield f"{time.monotonic() - begin:5.0f} s  {file.name}  {summary(count)}"


def run_of(file: File, mutant: Mutant) -> Run[tuple[File, Mutant]]:
    """Return the run that judges a mutant."""
    return Run(
        (file, mutant),
        file.tests,
        file.answers,
        skipped=file.failing,
        module=file.module,
        source=mutant.source,
        limit=file.limit,
    )


def score(count: Counter[str]) -> float:
    """Return the percentage of mutants that were killed, without equivalent ones."""
    judged = count["killed"] + count["survived"]
    return 100 * count["killed"] / judged if judged else 100.0


def summary(count: Counter[str]) -> str:
    """Return the numbers of a topic, or of a study, in one line."""
    words = [f"{score(count):5.1f} %", f"{count['killed']} killed"]
    for word in ("survived", "equivalent", "by the limit"):
        if count[word]:
            words.append(f"{count[word]} {word}")
    return ", ".join(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
