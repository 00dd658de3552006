"""The answers as text: the list of them, and the parts of each.

A `Tree` is a checkout of the study. Its files are parsed, not imported. So neither a
study nor its library has to be installed, and no answer runs.
"""

from __future__ import annotations

import ast
import difflib
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from concurrency_study.registry import Entry, answers_in, registered

from .lines import COMMENT, STEP, normal_lines, source_lines, tokens
from .switches import switch_lines

IMPORTS, SIGNATURE, HELPERS, GUARD = "imports", "signature", "helpers", "main guard"
HEADINGS = {
    IMPORTS: "Imports",
    SIGNATURE: "The call",
    HELPERS: "Helpers",
    GUARD: "The program",
}
"""The headings of the parts beside the steps."""


class NotFound(LookupError):
    """An unknown name. The message suggests a known one."""


class Unreadable(ValueError):
    """A file that cannot be read or parsed. The message says which file, and why."""


@dataclass(frozen=True)
class Line:
    """A line of source."""

    number: int
    text: str
    switch: bool
    """True if another task may run here."""
    normal: str
    """The line as it is compared: its tokens, with the library's own name masked."""


@dataclass
class Part:
    """A stretch of an answer; ``name`` is also its key in `Answer.parts`."""

    name: str
    lines: list[Line] = field(default_factory=list[Line])
    title: str = ""
    """The description of a step; empty for other parts."""
    shares: str = ""
    """The step whose code does this step as well; its comment is on the next line."""

    @property
    def code(self) -> list[Line]:
        """The lines without the step's comment, and at most one blank in a row."""
        code: list[Line] = []
        blank: list[Line] = []
        for line in self.lines[1:] if self.title else self.lines:
            if not line.text.strip():
                blank = [line]
            else:
                code += [*blank, line] if code else [line]
                blank = []
        return code


@dataclass(frozen=True)
class Topic:
    """A question, from the text of its module."""

    name: str
    title: str
    """The first line of the docstring: the name and the question in short."""
    question: str
    """The rest of the docstring: the purpose, the call, the contract."""
    steps: tuple[str, ...]
    native: tuple[str, ...] = ()
    """The native callables, as answers name them."""
    neighbours: tuple[str, ...] = ()
    """The topics to look at next."""
    real: bool = False
    """True if its answers run in real time only, so that it has no timeline."""

    @property
    def asks(self) -> str:
        """The title without the name."""
        return self.title.partition(": ")[2] or self.title

    def heading(self, part: str) -> str:
        """Return the heading of a part of the answers."""
        if part in HEADINGS:
            return HEADINGS[part]
        number = int(part.removeprefix("step "))
        step = self.steps[number - 1] if number <= len(self.steps) else ""
        return f"{number}. {step}"


@dataclass(frozen=True)
class AnswerFile:
    """A file that answers a topic."""

    study: str
    topic: str
    variant: str
    """The suffix of the file's name; empty for the study's recommended answer."""
    path: Path
    text: str = field(repr=False)
    entry: Entry | None = field(default=None, repr=False)
    """The study's entry in the registry."""
    native: tuple[str, ...] = ()
    """The native callables of the topic, as answers name them."""

    @property
    def name(self) -> str:
        """The study, and a colon and the variant if there is one."""
        return f"{self.study}:{self.variant}" if self.variant else self.study

    @property
    def module(self) -> str:
        """The name of the module, for ``python -m``."""
        return f"{self.study}_study.{self.path.parent.name}.{self.path.stem}"

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree.

        Raises:
            Unreadable: the file is not Python.
        """
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError) as error:
            raise Unreadable(f"{self.path}: {error}") from error

    @property
    def title(self) -> str:
        """The first line of the docstring."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0]

    @property
    def particular(self) -> str:
        """The rest of the docstring, about what is particular to this answer."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[2].strip()

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The parts, which hold every line after the module's docstring, in order.

        The parts are ``imports``, ``signature`` (from the ``def`` to the first step),
        ``step 1`` ..., ``helpers`` (all else at module level), ``main guard``. A step
        begins with its comment. A line in no step belongs to the part before it.

        Raises:
            Unreadable: the file is not Python, or lacks the function.
        """
        owners = self._owners()
        if self.entry is None:
            switches, libraries = switch_lines(self.tree), ()
        else:
            switches = switch_lines(self.tree, self.entry.waits, self.native)
            libraries = self.entry.libraries
        normals = normal_lines(self.text, frozenset(libraries))
        steps = self._steps()
        parts: dict[str, Part] = {}
        step: str | None = None
        for number, text in enumerate(source_lines(self.text), 1):
            owner = owners.get(number)
            if owner is None:
                continue
            if owner == SIGNATURE and number in steps:
                index, title = steps[number]
                step = f"step {index}"
                part = parts.setdefault(step, Part(step, title=title))
                if number + 1 in steps:
                    part.shares = f"step {steps[number + 1][0]}"
            name = step if step is not None and owner == SIGNATURE else owner
            part = parts.setdefault(name, Part(name))
            normal = normals.get(number, "")
            part.lines.append(Line(number, text, number in switches, normal))
        return parts

    def _owners(self) -> dict[int, str]:
        """Return the part of each line, with all steps still in the signature."""
        lines = source_lines(self.text)
        body = self.tree.body
        comments = {
            token.start[0] for token in tokens(self.text) if token.type == COMMENT
        }
        first = 1
        if body and ast.get_docstring(self.tree, clean=False) is not None:
            first = (body[0].end_lineno or 1) + 1
            body = body[1:]
        starts: dict[int, str] = {}
        for node in body:
            decorators = getattr(node, "decorator_list", [])
            start = min([node.lineno, *(each.lineno for each in decorators)])
            # Comments right above a statement belong to its part.
            while start - 1 in comments and lines[start - 2].lstrip().startswith("#"):
                start -= 1
            starts.setdefault(start, self._kind(node))
        if SIGNATURE not in starts.values():
            raise Unreadable(
                f"{self.path}: there is no function {self.topic!r} at module level; "
                "an answer defines a function of its topic's name"
            )
        owner = next(iter(starts.values()))
        owners: dict[int, str] = {}
        for number in range(first, len(lines) + 1):
            owner = starts.get(number, owner)
            owners[number] = owner
        return owners

    def _kind(self, node: ast.stmt) -> str:
        match node:
            case ast.Import() | ast.ImportFrom():
                return IMPORTS
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name == self.topic:
                return SIGNATURE
            case ast.If() if "__name__" in ast.unparse(node.test):
                return GUARD
            case _:
                return HELPERS

    def _steps(self) -> dict[int, tuple[int, str]]:
        """Return the number and the title of each step, by its first line."""
        found: dict[int, tuple[int, str]] = {}
        for token in tokens(self.text):
            step = STEP.fullmatch(token.string)
            if token.type == COMMENT and step and token.line.lstrip().startswith("#"):
                found[token.start[0]] = (int(step[1]), step[2])
        return found


class Tree:
    """A checkout of the study, read as text."""

    def __init__(self, root: Path) -> None:
        if not _is_checkout(root):
            raise NotFound(
                f"{root} is not a checkout of the study: it lacks noxfile.py or the "
                "folder packages; name another folder with --root"
            )
        self.root = root

    @classmethod
    def above(cls, folder: Path) -> Tree:
        """Return the checkout that contains a folder.

        Raises:
            NotFound: no checkout contains it.
        """
        for root in (folder, *folder.parents):
            if _is_checkout(root):
                return cls(root)
        raise NotFound(
            f"found no checkout of the study in {folder} or above it (a checkout has "
            "noxfile.py and the folder packages); change to one, or name it with --root"
        )

    @cached_property
    def sections(self) -> dict[str, tuple[str, ...]]:
        """The topics of each section, in the order of reading."""
        path = self.questions / "__init__.py"
        return dict(_constant(_read(path), "SECTIONS", path))

    @cached_property
    def real(self) -> tuple[str, ...]:
        """The topics that run in real time only."""
        path = self.questions / "__init__.py"
        return tuple(_constant(_read(path), "REAL", path))

    @cached_property
    def topics(self) -> dict[str, Topic]:
        """The questions by name, in the order of reading."""
        names = [name for section in self.sections.values() for name in section]
        return {name: self._topic(name) for name in names}

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """The studies of the checkout, and others that are installed, in order."""
        try:
            return registered(self.root)
        except ValueError as error:
            raise Unreadable(str(error)) from error

    @cached_property
    def studies(self) -> list[str]:
        """The names of the studies, in the order in which they are shown."""
        return [*self.entries]

    def topic(self, name: str) -> Topic:
        """Return the topic of a name.

        Raises:
            NotFound: there is no such topic.
        """
        if name not in self.topics:
            raise NotFound(unknown("topic", name, self.topics))
        return self.topics[name]

    def study(self, name: str) -> str:
        """Return the name itself, if there is a study of that name.

        Raises:
            NotFound: there is no such study.
        """
        if name not in self.studies:
            raise NotFound(unknown("study", name, self.studies))
        return name

    def answers(self, study: str, topic: str) -> list[AnswerFile]:
        """Return a study's answers to a topic, the recommended one first."""
        if study not in self.entries:
            return []
        entry, native = self.entries[study], self.topics[topic].native
        found = [p for t, p in answers_in(entry.package, self.sections) if t == topic]
        return [
            AnswerFile(study, topic, variant, path, _read(path), entry, native)
            for path in sorted(found, key=lambda path: path.stem)
            for variant in [path.stem.removeprefix(topic).lstrip("_")]
        ]

    def answer(self, name: str, topic: str) -> AnswerFile:
        """Return the answer of ``study``, or of ``study:variant``, to a topic.

        Raises:
            NotFound: there is no such topic, study or answer.
        """
        self.topic(topic)
        study, _, variant = name.partition(":")
        answers = {
            each.variant: each for each in self.answers(self.study(study), topic)
        }
        if variant in answers:
            return answers[variant]
        if not variant:
            reason = self.entries[study].leaves_out.get(topic, "")
            raise NotFound(
                f"{study} has no answer to {topic!r}"
                + (f": {reason.rstrip('.')}" if reason else "")
                + f"; `study topics {topic}` lists the answers"
            )
        others = [each for each in answers if each]
        if not others:
            raise NotFound(
                f"{study} has only one answer to {topic!r}, without variants; leave "
                f"out {f':{variant}'!r}"
            )
        raise NotFound(unknown("variant", variant, others))

    def tests(self, topic: str) -> list[str]:
        """Return the names of the tests of a topic, in the order of the file."""
        path = self.suite(topic)
        if not path.exists():
            return []
        return re.findall(r"^def (test_\w+)", _read(path), re.MULTILINE)

    def suite(self, topic: str) -> Path:
        """Return the file with the tests of all answers to a topic."""
        return self.root / f"tests/conformance/test_{topic}.py"

    @property
    def questions(self) -> Path:
        """The folder with the modules of the topics."""
        return self.root / "shared/src/concurrency_study/topics"

    def _topic(self, name: str) -> Topic:
        path = self.questions / f"{name}.py"
        text = _read(path)
        try:
            doc = ast.get_docstring(ast.parse(text)) or ""
        except (SyntaxError, ValueError) as error:
            raise Unreadable(f"{path}: {error}") from error
        title, _, question = doc.partition("\n")
        steps = tuple(_constant(text, "STEPS", path))
        native = tuple(_constant(text, "NATIVE", path))
        neighbours = tuple(_constant(text, "NEIGHBOURS", path))
        real = name in self.real
        return Topic(name, title, question.strip(), steps, native, neighbours, real)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return a message about an unknown name, with a hint at the known ones."""
    known = list(known)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    return f"no {kind} {name!r}; {hint}"


def _is_checkout(root: Path) -> bool:
    return (root / "noxfile.py").is_file() and (root / "packages").is_dir()


def _read(path: Path) -> str:
    """Return the text of a source file, with ``\\n`` at the end of lines.

    Raises:
        Unreadable: the file is missing, or not in the encoding that it declares.
    """
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from error


def _constant(text: str, name: str, path: Path) -> Any:
    """Return the value that a module assigns to a constant.

    Raises:
        Unreadable: the module does not assign it.
    """
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise Unreadable(f"{path}: does not define {name}; assign a literal to it")
