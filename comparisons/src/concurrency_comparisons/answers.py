"""The answers as text: the list of them, and the parts of each.

A `Tree` is a checkout of the study. Its files are parsed, not imported. So neither a
study nor its library has to be installed, and no answer runs.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

STUDIES = ("generators", "threads", "asyncio", "trio", "gevent", "anyio")
"""The order in which studies are shown. Other studies follow by name."""

IMPORTS, SIGNATURE, HELPERS, GUARD = "imports", "signature", "helpers", "main guard"
STEP = re.compile(r"# (\d+)\. (.*)")
ANONYMOUS = "…"
"""The mask for the name of a study's own library in lines that are compared."""

LIBRARIES: Mapping[str, frozenset[str]] = {
    "generators": frozenset({"kernel"}),
    "threads": frozenset({"threading", "time"}),
    "asyncio": frozenset({"asyncio"}),
    "trio": frozenset({"trio"}),
    "gevent": frozenset({"gevent"}),
    "anyio": frozenset({"anyio"}),
}


class NotFound(LookupError):
    """An unknown name. The message suggests a known one."""


class Unreadable(ValueError):
    """A file that cannot be read or parsed. The message says which file, and why."""


@dataclass(frozen=True)
class Waits:
    """The names that wait in a study whose library has no keyword for waiting."""

    calls: frozenset[str] = frozenset()
    """Calls that wait, except with ``block=False``. A dot means methods only."""
    blocks: frozenset[str] = frozenset()
    """Calls and types whose ``with`` block waits when it is entered or left."""
    loops: frozenset[str] = frozenset()
    """Calls and types whose ``for`` loop waits for each item."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


JOBS = _names("close compute function job open_it tick until use")
"""Parameters of the topics that are native callables, which may wait."""

WAITS: Mapping[str, Waits] = {
    "generators": Waits(calls=_names(".select .send")),
    "threads": Waits(
        calls=JOBS
        | _names(".acquire .exception .get .join .map .put .result")
        | _names("select sleep wait"),
        blocks=_names("Pool ThreadGroup ThreadPoolExecutor")
        | _names("Lock RLock Condition Semaphore BoundedSemaphore"),
        loops=_names("as_completed"),
    ),
    "gevent": Waits(
        calls=JOBS
        | _names(".acquire .get .join .kill .killone .map .put")
        | _names("joinall killall select sleep stop wait wait_read wait_write"),
        blocks=_names("GreenletGroup RLock Semaphore BoundedSemaphore"),
        loops=_names("Channel Queue imap imap_unordered iwait"),
    ),
}
"""The names that wait, by study: a heuristic.

In threads and gevent, a function that waits makes its callers in the same file wait as
well. Threads are preempted anywhere; the table holds only the calls where they wait. In
generators, ``send`` resumes another generator, and a loop waits in ``select``.
"""


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

    @property
    def asks(self) -> str:
        """The title without the name."""
        return self.title.partition(": ")[2] or self.title


@dataclass(frozen=True)
class Answer:
    """A file that answers a topic."""

    study: str
    topic: str
    variant: str
    """The suffix of the file's name; empty for the study's recommended answer."""
    path: Path
    text: str = field(repr=False)

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
        switches = switch_lines(self.tree, self.study)
        normals = normal_lines(self.text, LIBRARIES.get(self.study, frozenset()))
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
            token.start[0] for token in tokens(self.text) if token.type == _COMMENT
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
            if token.type == _COMMENT and step and token.line.lstrip().startswith("#"):
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
    def topics(self) -> dict[str, Topic]:
        """The questions by name, in the order of reading."""
        text = _read(self._questions / "__init__.py")
        names = _constant(text, "TOPICS", self._questions / "__init__.py")
        return {name: self._topic(name) for name in names}

    @cached_property
    def studies(self) -> list[str]:
        """The names of the studies, in the order in which they are shown."""
        found = {
            package.name.removesuffix("_study")
            for package in self.root.glob("packages/*/src/*_study")
            if package.is_dir()
        }
        return [
            *(name for name in STUDIES if name in found),
            *sorted(found - {*STUDIES}),
        ]

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

    def answers(self, study: str, topic: str) -> list[Answer]:
        """Return a study's answers to a topic, the recommended one first."""
        found = [
            path
            for room in ("concepts", "use_cases")
            for path in self.root.glob(f"packages/*/src/{study}_study/{room}/*.py")
            if self._asked(path.stem) == topic
        ]
        return [
            Answer(study, topic, path.stem.removeprefix(topic).lstrip("_"), path, text)
            for path in sorted(found, key=lambda path: path.stem)
            for text in [_read(path)]
        ]

    def answer(self, name: str, topic: str) -> Answer:
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
            raise NotFound(
                f"{study} has no answer to {topic!r}; `study topics {topic}` lists "
                "the answers"
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
        path = self.root / f"tests/conformance/test_{topic}.py"
        if not path.exists():
            return []
        return re.findall(r"^def (test_\w+)", _read(path), re.MULTILINE)

    @property
    def _questions(self) -> Path:
        return self.root / "shared/src/concurrency_study/topics"

    def _asked(self, stem: str) -> str | None:
        """Return the topic that a file of this name answers: the longest that fits."""
        fits = [t for t in self.topics if stem == t or stem.startswith(f"{t}_")]
        return max(fits, key=len, default=None)

    def _topic(self, name: str) -> Topic:
        path = self._questions / f"{name}.py"
        text = _read(path)
        try:
            doc = ast.get_docstring(ast.parse(text)) or ""
        except (SyntaxError, ValueError) as error:
            raise Unreadable(f"{path}: {error}") from error
        title, _, question = doc.partition("\n")
        return Topic(name, title, question.strip(), _constant(text, "STEPS", path))


def rows(answers: Sequence[Answer]) -> list[list[str]]:
    """Return the names of all parts in order. Parts with common code share a row.

    That makes answers comparable if one does steps 2 and 3 at once and another does
    them one after the other.
    """
    names = {name for answer in answers for name in answer.parts}
    numbers = sorted(int(n.removeprefix("step ")) for n in names if n[:5] == "step ")
    steps = [f"step {number}" for number in numbers]
    found: list[list[str]] = []
    until = ""  # the last step of the current row, if it has several
    for name in (IMPORTS, SIGNATURE, *steps, HELPERS, GUARD):
        if name not in names:
            continue
        if until:
            found[-1].append(name)
        else:
            found.append([name])
        ends = [a.parts[name].shares for a in answers if name in a.parts]
        until = max(("" if until == name else until, *ends), key=_step_number)
    return found


def _step_number(name: str) -> int:
    return int(name.removeprefix("step ") or 0)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return a message about an unknown name, with a hint at the known ones."""
    known = list(known)
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    return f"no {kind} {name!r}; {hint}"


def shared_lines(answers: Sequence[Answer]) -> dict[str, set[int]]:
    """Return the numbers of the lines that another answer has as well, by answer."""
    normals = {
        answer.name: {
            line.number: line.normal
            for part in answer.parts.values()
            for line in part.lines
            if line.normal
        }
        for answer in answers
    }
    having: dict[str, set[str]] = {}
    for name, lines in normals.items():
        for normal in lines.values():
            having.setdefault(normal, set()).add(name)
    return {
        name: {number for number, normal in lines.items() if len(having[normal]) > 1}
        for name, lines in normals.items()
    }


def normal_lines(text: str, library: frozenset[str]) -> dict[int, str]:
    """Return the lines that are not blank as they are compared, by number.

    A line becomes its tokens with one space between them. The names in ``library`` are
    masked. Comments are left out, except those of steps.
    """
    found: dict[int, list[str]] = {}
    for token in tokens(text):
        if token.type in _SPACE or not token.string.strip():
            continue
        if token.type == _COMMENT and not STEP.fullmatch(token.string):
            continue
        masked = token.type == tokenize.NAME and token.string in library
        for offset, piece in enumerate(token.string.splitlines()):
            number = token.start[0] + offset
            found.setdefault(number, []).append(ANONYMOUS if masked else piece)
    return {number: " ".join(pieces) for number, pieces in found.items()}


def switch_lines(tree: ast.Module, study: str) -> set[int]:
    """Return the lines at which another task may run, as far as the text shows it.

    Those are the lines with ``await``, ``async for`` or ``async with``, in generators
    those with ``yield``, and those with a name in the table `WAITS`.
    """
    waits = WAITS.get(study, Waits())
    kinds = dict(_kinds(tree))
    waiting: set[str] = set()

    def named(node: ast.expr) -> str | None:
        """Return the name of the call or type that an expression comes from."""
        return kinds.get(node.id) if isinstance(node, ast.Name) else _callee(node)

    def switches(node: ast.AST) -> bool:
        match node:
            case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                return True
            case ast.comprehension(is_async=1):
                return True
            case ast.Yield() | ast.YieldFrom():
                return study not in WAITS or study == "generators"
            case ast.Call(func=function):
                name = _last(function)
                method = f".{name}" if isinstance(function, ast.Attribute) else name
                known = waits.calls | waiting
                return (name in known or method in known) and not _at_once(node)
            case ast.With():
                return any(named(i.context_expr) in waits.blocks for i in node.items)
            case ast.For() | ast.comprehension():
                return named(node.iter) in waits.loops
            case _:
                return False

    def lines(node: ast.AST, *, nested: bool) -> set[int]:
        return {_line(each) for each in _walk(node, nested=nested) if switches(each)}

    # A function that waits makes its callers wait, so look until no more are found.
    if study in ("threads", "gevent"):
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        while more := {
            function.name
            for function in functions
            if function.name not in waiting and lines(function, nested=False)
        }:
            waiting |= more
    return lines(tree, nested=True)


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """Return the tokens of a source, which must be Python: parse it first."""
    return list(tokenize.generate_tokens(io.StringIO(text).readline))


def source_lines(text: str) -> list[str]:
    """Return the lines as Python counts them. A form feed does not end a line."""
    return [line.rstrip("\n") for line in io.StringIO(text)]


_COMMENT = tokenize.COMMENT
_SPACE = frozenset({tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})


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


def _constant(text: str, name: str, path: Path) -> tuple[str, ...]:
    """Return the names or texts that a module assigns to a constant.

    Raises:
        Unreadable: the module does not assign it.
    """
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return tuple(ast.literal_eval(node.value))
    raise Unreadable(f"{path}: does not define {name}; assign a tuple of texts to it")


def _callee(node: ast.expr) -> str | None:
    """Return the last name of the callee: ``sleep`` for ``gevent.sleep(1)``."""
    return _last(node.func) if isinstance(node, ast.Call) else None


def _last(node: ast.expr) -> str | None:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Subscript():
            return _last(node.value)
        case _:
            return None


def _kinds(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield variables, each with the name of the call or type that it comes from."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                kind = _callee(value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                kind = _last(annotation)
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                kind = _last(annotation)
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                kind = _callee(value)
            case _:
                continue
        if kind is not None:
            yield name, kind


def _at_once(call: ast.Call) -> bool:
    """Return True if the call has ``block=False``, so that it does not wait."""
    return any(
        keyword.arg == "block"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
        for keyword in call.keywords
    )


def _line(node: ast.AST) -> int:
    match node:
        case ast.comprehension():
            return node.target.lineno
        case ast.expr() | ast.stmt():
            return node.lineno
        case _:
            raise TypeError(f"{node} has no line; pass an expression or a statement")


def _walk(node: ast.AST, *, nested: bool) -> Iterator[ast.AST]:
    """Yield the nodes below a node, without ``nested`` not those in functions."""
    for child in ast.iter_child_nodes(node):
        yield child
        function = isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        if nested or not function:
            yield from _walk(child, nested=nested)
