"""The answers as a static site: a page for each question, each topic, and each pair.

The site needs no network and no JavaScript. With JavaScript, there is a search, the
address keeps the choice of columns, and code can be copied.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape as escape_text
from itertools import permutations
from pathlib import Path

from concurrency_study.behaviours import GROUPS
from concurrency_study.glossary import anchor
from concurrency_study.pasted import pasteable, pasteable_function
from concurrency_study.races import Bug
from concurrency_study.registry import QUESTIONS
from concurrency_study.topics import SECTIONS
from markupsafe import Markup, escape
from pygments.lexers.python import (  # pyright: ignore[reportMissingTypeStubs]
    PythonLexer,
)
from pygments.token import Comment, Keyword, Name, Number, Operator, String

from .answers import AnswerFile, Line, Tree
from .bench import pools
from .bench.costs import Costs
from .comparison import Change, aligned, code_of, dedented, rows, shared_lines
from .figures import microseconds, told
from .guides import choices, guides, terms
from .names import page as index_of_names
from .questions import COMMON, Asked, all_asked, changed, leading, of_topic, preference
from .races import Shown, Side, all_races
from .rendering import linked, listed, templates
from .reports import Refused, Report, spoken
from .subject import Subject, class_of, inlined, slug, versions
from .timeline.chrome import chrome_trace
from .timeline.svg import legend, style

FOLDER = "comparisons/site"
COLOURS = {
    Comment: "co",
    Keyword: "kw",
    Operator.Word: "kw",
    String: "st",
    Number: "nu",
    Name.Function: "fn",
    Name.Class: "fn",
    Name.Decorator: "fn",
    Name.Builtin: "bu",
}
"""The CSS class of each kind of token."""


@dataclass(frozen=True)
class Pair:
    """The changes from one study to another."""

    subjects: Sequence[Subject]
    one: str
    other: str

    @cached_property
    def in_order(self) -> list[Subject]:
        """The topics that both answer, those whose code is most alike first."""
        both = [each for each in self.subjects if each.topic.name in self.changes]
        return sorted(both, key=self.likeness, reverse=True)

    def likeness(self, subject: Subject) -> float:
        """Return the share of lines that are the same but for the library's name."""
        marks = [
            change.mark
            for _, lines in self.changes[subject.topic.name]
            for change in lines
            if not change.blank
        ]
        return sum(mark in "=≈" for mark in marks) / len(marks) if marks else 0

    @property
    def name(self) -> str:
        """The name of its page."""
        return f"{self.one}-to-{self.other}"

    def answers(self, subject: Subject) -> list[AnswerFile]:
        """Return the answers of the two studies."""
        return [
            answer
            for study in (self.one, self.other)
            for answer in subject.answers
            if answer.study == study
        ]

    @cached_property
    def differ(self) -> dict[tuple[str, str], list[tuple[Subject, str]]]:
        """The tests that only one study passes, by the other study and its reason."""
        found: dict[tuple[str, str], list[tuple[Subject, str]]] = {}
        for subject in self.subjects:
            answers = self.answers(subject)
            if len(answers) < 2:
                continue
            one, other = (subject.outcome(answer).cannot for answer in answers)
            sides = ((self.one, one, other), (self.other, other, one))
            for study, mine, others in sides:
                for test in subject.tests:
                    if test in mine and test not in others:
                        where = found.setdefault((study, mine[test]), [])
                        where.append((subject, test))
        return found

    @cached_property
    def words(self) -> list[tuple[str, list[tuple[str, list[str]]]]]:
        """The names that only one study uses in the topics that both answer."""
        used: dict[str, dict[str, list[str]]] = {self.one: {}, self.other: {}}
        for subject in self.in_order:
            for answer in self.answers(subject):
                for word in borrowed(answer.tree):
                    used[answer.study].setdefault(word, []).append(subject.topic.name)
        one, other = used.values()
        return [
            (
                study,
                [(word, mine[word]) for word in sorted(mine.keys() - others.keys())],
            )
            for study, mine, others in (
                (self.one, one, other),
                (self.other, other, one),
            )
        ]

    @cached_property
    def changes(self) -> dict[str, list[tuple[str, list[Change]]]]:
        """The lines of each step side by side, by topic, if both answer it."""
        both = [each for each in self.subjects if len(self.answers(each)) == 2]
        return {each.topic.name: self._changes(each) for each in both}

    def _changes(self, subject: Subject) -> list[tuple[str, list[Change]]]:
        answers = self.answers(subject)
        found: list[tuple[str, list[Change]]] = []
        for names in rows(answers):
            one, other = (code_of(answer, names) for answer in answers)
            title = " ".join(subject.topic.heading(name) for name in names)
            found.append((title, [*aligned(one, other)]))
        return found


@cache  # each answer is in ten pairs
def borrowed(tree: ast.Module) -> set[str]:
    """Return the imported names that a module uses, with their dots.

    Names that serve only as types, and names of the study itself, are left out.
    """
    roots: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                roots |= {name.asname or name.name: name.name for name in names}
            case ast.ImportFrom(module=str(module), names=names, level=0 | 1 | 2):
                if module.partition(".")[0] not in SILENT:
                    roots |= {n.asname or n.name: f"{module}.{n.name}" for n in names}
            case _:
                continue
    inner = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
            root, dot, rest = ast.unparse(node).partition(".")
            if root in roots and re.fullmatch(r"[\w.]*", rest):
                found.add(roots[root] + dot + rest)
    return found


SILENT = ("__future__", "collections", "concurrency_study", "typing")
"""Modules whose names say nothing about concurrency."""


def highlighted(code: str) -> dict[int, list[tuple[str, str]]]:
    """Return every line of a text by number: pairs of a colour and a token."""
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    lines: list[list[tuple[str, str]]] = [[]]
    for kind, text in lexer.get_tokens(code):
        while kind not in COLOURS and kind.parent:
            kind = kind.parent
        for number, piece in enumerate(text.split("\n")):
            if number:
                lines.append([])
            colour = COLOURS.get(kind, "")
            if colour and lines[-1] and lines[-1][-1][0] == colour:
                lines[-1][-1] = colour, lines[-1][-1][1] + piece
            elif piece:
                lines[-1].append((colour, piece))
    return dict(enumerate(lines, 1))


@cache
def _spanned(colour: str, text: str) -> Markup:
    # Short, as a page has thousands of them.
    written = escape_text(text, quote=False)
    if colour:
        return Markup(f"<i class={colour}>{written}</i>")
    # A line that is too long breaks after a bracket or a dot, not anywhere.
    return Markup(written + "<wbr>" * (text[-1:] in tuple("([{.")))


class Code:
    """Lines of answers in HTML."""

    def __init__(self) -> None:
        self.coloured: dict[Path, dict[int, list[tuple[str, str]]]] = {}
        self.done: dict[tuple[Path, int, int, bool], Markup] = {}

    def lines(
        self, answer: AnswerFile, lines: Sequence[Line], shared: Iterable[int] = ()
    ) -> Markup:
        """Return lines, each as an element of its own, dimmed if shared."""
        start = dedented(lines)
        return Markup("\n").join(
            self.line(answer, line, start, shared=line.number in shared)
            for line in lines
        )

    def line(
        self, answer: AnswerFile, line: Line, start: int = 0, *, shared: bool = False
    ) -> Markup:
        """Return a line, with a mark if another task may run there."""
        key = (answer.path, line.number, start, shared)
        if key not in self.done:
            self.done[key] = self._line(answer, line, start, shared=shared)
        return self.done[key]

    def _line(
        self, answer: AnswerFile, line: Line, start: int, *, shared: bool
    ) -> Markup:
        if answer.path not in self.coloured:
            self.coloured[answer.path] = highlighted(answer.text)
        if not line.text.strip():
            return Markup('<span class="line"></span>')
        tokens = self.coloured[answer.path][line.number]
        indent = ""
        if not tokens[0][0] and not tokens[0][1].strip():
            (_, indent), *tokens = tokens
            indent = indent[start:]
        (colour, first), *rest = tokens
        # No line may break between the indent and the first word.
        begin = Markup('<span class="in">{}{}</span>').format(
            indent, _spanned(colour, first)
        )
        return Markup('<span class="line{}" style="--in:{}">{}{}{}</span>').format(
            " shared" if shared else "",
            len(indent),
            SWITCH if line.switch else "",
            begin
            if indent and colour not in ("co", "st")
            else indent + _spanned(colour, first),
            Markup().join(_spanned(*token) for token in rest),
        )


SWITCH = Markup(
    '<b class="switch" role="img" title="another task may run here" '
    'aria-label="another task may run here:">»</b>'
)


@cache
def coloured(code: str) -> Markup:
    """Return a text of Python as HTML, line by line."""
    return Markup("\n").join(map(_joined, highlighted(code).values()))


NARROW = 34
"""Characters of a line for which each screen has room."""


def _joined(tokens: list[tuple[str, str]]) -> Markup:
    line = Markup().join(_spanned(*token) for token in tokens)
    length = sum(len(text) for _, text in tokens)
    return line.replace("<wbr>", "") if length <= NARROW else line


def sided(side: Side, tag: str) -> Markup:
    """Return numbered lines as HTML; those of this side alone are in ``<tag>``."""
    shown: list[Markup] = []
    for line in side.lines:
        text = coloured(line.text)
        if line.number in side.changed:
            text = Markup("<{0}>{1}</{0}>").format(tag, text)
        shown.append(Markup("<i>{}</i> {}").format(f"{line.number:>3}", text))
    return Markup("\n").join(shown)


def prose(text: str) -> Markup:
    """Return a docstring as HTML, with its paragraphs, lists and code."""
    found = Markup()
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if all(line.startswith("    ") for line in lines):
            code = "\n".join(line[4:] for line in lines)
            found += Markup("<pre><code>{}</code></pre>\n").format(code)
        elif lines[0].startswith("- "):
            items = re.split(r"\n- ", block[2:])
            found += Markup("<ul>\n{}</ul>\n").format(
                Markup().join(
                    Markup("<li>{}</li>\n").format(inline(item)) for item in items
                )
            )
        else:
            found += Markup("<p>{}</p>\n").format(inline(block))
    return found


def plain(text: str) -> str:
    """Return a text without the marks of code, for a title."""
    return " ".join(text.replace("`", "").split())


def inline(text: str) -> Markup:
    """Return a text as HTML, with code for names in backticks."""
    pieces = re.split(r"(``.+?``|`.+?`)", " ".join(text.split()))
    return Markup().join(
        Markup("<code>{}</code>").format(piece.strip("`"))
        if piece.startswith("`")
        else escape(piece)
        for piece in pieces
    )


def bare(lines: Sequence[Line]) -> str:
    """Return the first line of a function without annotations, or "" if there is none.

    ``async def race(functions: Sequence[Job[T]]) -> T:`` becomes
    ``async def race(functions):``.
    """
    text = textwrap.dedent("\n".join(line.text for line in lines))
    try:
        tree = ast.parse(text + "\n    pass")
    except SyntaxError:
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for each in ast.walk(node.args):
                if isinstance(each, ast.arg):
                    each.annotation = None
            word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
            return f"{word} {node.name}({ast.unparse(node.args)}):"
    return ""


def described(tree: Tree, study: str) -> str:
    """Return a study's description of its paradigm, from its package's docstring."""
    for path in tree.root.glob(f"packages/*/src/{study}_study/__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        return re.sub(r"^\w+: (.)", lambda found: found[1].upper(), text)
    return ""


def pages(
    tree: Tree, found: Mapping[str, Report], *, source: str = "", url: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of the site.

    Args:
        source: The address at which the repository's files can be read, for links. By
            default they are relative to the site's own folder.
        url: The address of the published site, for its sitemap.
    """
    names: list[str] = []
    for name, text in _pages(tree, found, source, url):
        names.append(name)
        yield name, text
    if url:
        apart = {"404.html", "sitemap.html"}
        named = [n for n in names if n.endswith(".html") and n not in apart]
        sitemap = templates.get_template("sitemap.xml")
        yield "sitemap.xml", sitemap.render(base=url, names=named)


def _pages(
    tree: Tree, found: Mapping[str, Report], source: str, url: str
) -> Iterator[tuple[str, str]]:
    subjects = [Subject(tree, topic, found) for topic in tree.topics.values()]
    pairs = [Pair(subjects, *names) for names in permutations(found, 2)]
    asked = all_asked(tree, found)
    groups = {
        section: [s for s in subjects if s.topic.name in names]
        for section, names in SECTIONS.items()
    }
    races = all_races(tree, found, sorted(found, key=preference))
    unasked = {
        study: tree.entries[study].leaves_out[QUESTIONS]
        for study in found
        if QUESTIONS in tree.entries[study].leaves_out
    }
    known: dict[str, object] = {
        **index_of_names(tree, [*found]),
        "subjects": subjects,
        "groups": {k.replace("_", " "): v for k, v in groups.items() if v},
        "pairs": pairs,
        "studies": [*found],
        "preferred": sorted(found, key=preference),
        "asked_of": [
            study for study in sorted(found, key=preference) if study not in unasked
        ],
        "unasked": unasked,
        "versions": versions(found),
        "days": sorted({report.day for report in found.values()}),
        "link": linked(tree, source),
        "code": Code(),
        "spoken": spoken,
        "listed": listed,
        "markup": Markup,
        "prose": prose,
        "inline": inline,
        "plain": plain,
        "coloured": coloured,
        "bare": bare,
        "slug": slug,
        "class_of": class_of,
        "of_topic": of_topic,
        "asked": asked,
        "leading": leading(asked),
        "changed": changed,
        "reports": found,
        "guides": guides(tree),
        "narrow": inlined,
        "legend": legend,
        "timeline_style": style,
        "costs": Costs.measured(tree.root),
        "clusters": _clusters(tree),
        "pools": pools.read(tree.root),
        "microseconds": microseconds,
        "pasteable": pasteable,
        "pasteable_function": pasteable_function,
        "races": races,
        "common": COMMON,
        "sided": sided,
    }

    def rendered(template: str, **here: object) -> str:
        return templates.get_template(template).render(known | here)

    yield "style.css", _without_spaces(rendered("style.css"))
    for name in ("columns.js", "search.js"):
        yield name, _without_indents(rendered(name))
    yield "index.html", rendered("index.html")
    yield from _of_races(races, rendered)
    yield "guide.html", rendered("guides.html", choices=choices(tree))
    yield "glossary.html", rendered("glossary.html", terms=terms(tree), anchor=anchor)
    for number, subject in enumerate(subjects):
        yield (
            f"{subject.topic.name}.html",
            rendered(
                "topic.html",
                subject=subject,
                topic=subject.topic,
                before=subjects[number - 1].topic if number else None,
                after=subjects[number + 1].topic if subject != subjects[-1] else None,
                shared=shared_lines(subject.answers + subject.others),
                cost=told,
            ),
        )
        if not subject.topic.real:
            yield f"{subject.topic.name}.trace.json", chrome_trace(subject.examples)
    yield from _of_questions(asked, found, rendered)
    for pair in pairs:
        texts = {study: described(tree, study) for study in (pair.one, pair.other)}
        yield f"{pair.name}.html", rendered("pair.html", pair=pair, described=texts)
    if known["clusters"]:
        yield "clusters.html", rendered("clusters.html")
    if known["costs"]:
        yield "costs.html", rendered("costs.html")
    yield "names.html", rendered("names.html")
    yield "sitemap.html", rendered("sitemap.html")
    yield "404.html", rendered("404.html", base=url)


def _clusters(tree: Tree) -> list[dict[str, str]]:
    """Return what a page tells of each kind of cluster, with its program."""
    told: list[dict[str, str]] = []
    for entry in tree.entries.values():
        folder = entry.package / "clusters"
        if not (folder / "pages.toml").exists():
            continue
        table = tomllib.loads((folder / "pages.toml").read_text("utf-8"))
        for cluster in table["cluster"]:
            program = folder / f"{cluster['name']}.py"
            code = program.read_text("utf-8") if program.exists() else ""
            told.append({**cluster, "code": code})
    return told


def _of_races(
    races: Mapping[str, tuple[Bug, Sequence[Shown]]], rendered: Callable[..., str]
) -> Iterator[tuple[str, str]]:
    """Yield the page of all races, and one for each bug."""
    every = [shown for _, studies in races.values() for shown in studies]
    yield "races.html", rendered("races.html", racing=_racing(every))
    for name, (bug, studies) in races.items():
        found = [shown.found for shown in studies if shown.found]
        drawn = [story for race in found for story in race.stories]
        here = {"studies": studies, "drawn": drawn, "racing": _racing(studies)}
        text = rendered("race.html", bug=bug, **here)
        yield f"race-{name}.html", text


def _racing(studies: Sequence[Shown]) -> set[str]:
    """Return the studies in which the bugs can happen; if there are none, all."""
    found = {shown.study for shown in studies if not shown.absent}
    return found or {shown.study for shown in studies}


def _of_questions(
    asked: Mapping[str, Asked],
    found: Mapping[str, Report],
    rendered: Callable[..., str],
) -> Iterator[tuple[str, str]]:
    """Yield the page of all questions, and one for each."""
    every = [*asked.values()]
    groups = {g: [a for a in every if a.question.group == g] for g in GROUPS}
    yield "questions.html", rendered("questions.html", by_group=groups)
    for number, each in enumerate(every):
        group = groups[each.question.group]
        yield (
            each.page,
            rendered(
                "question.html",
                asked=each,
                others=[other for other in group if other is not each][:6],
                before=every[number - 1] if number else None,
                after=every[number + 1] if number + 1 < len(every) else None,
            ),
        )


def _without_spaces(style: str) -> str:
    """Return a style as every page loads it, without comments and needless spaces."""
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    return re.sub(r" ?([{};,]) ?|(?<=:) ", r"\1", _without_indents(style))


def _without_indents(text: str) -> str:
    """Return the text of a script as every page loads it."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def add_search(folder: Path) -> bool:
    """Make the index of the site's search; return False if pagefind is not installed.

    Raises:
        reports.Refused: pagefind has failed. The message has its last lines.
    """
    if importlib.util.find_spec("pagefind") is None:
        return False
    command = (sys.executable, "-m", "pagefind", "--site", str(folder), "--quiet")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise Refused("pagefind could not index the site:\n" + "\n".join(lines))
    return True


def write(tree: Tree, files: Iterable[tuple[str, str]]) -> Path:
    """Replace the site's folder with these files, and return the start page."""
    folder = tree.root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in files:
        (folder / name).write_text(text, "utf-8", newline="\n")
    return folder / "index.html"
