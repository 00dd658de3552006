"""The names that each library has for a purpose: "a queue between tasks".

``counterparts.toml`` beside this module states each purpose once: a table named by its
key, with a ``title`` and a ``group``. A study names its counterparts in a file of the
same name in its package::

    [queue]
    names = [{ name = "asyncio.Queue", docs = "https://docs.python.org/..." }]
    note = "One sentence on the difference that matters."    # optional

    [nursery]
    absent = "One sentence: the reason, and what to write instead."

A name is written as people write it. It may end in a call, as in ``asyncio.sleep(0)``,
where ``...`` is an argument of any value. The other keys of a name are optional:

- ``at``: The path to import it from, if that is not its name: ``loop.call_later`` is
  ``asyncio.AbstractEventLoop.call_later``. A name without a dot is a builtin. A module
  of the study comes before a library, as in ``kernel.sleep``.
- ``near``: For a method or an attribute. Code that has such an attribute uses the
  method if it also uses one of these names, or the class itself.
- ``since``: The Python that it came with, as in ``3.13``.

``docs`` is the address of its documentation, or a file of the study's package.
"""

from __future__ import annotations

import ast
import builtins
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from .registry import answers_in
from .topics import SECTIONS

FILE = "counterparts.toml"
EXAMPLES = "counterparts.py"
"""The module of a study that shows the names that nothing else uses."""


class BadCounterpart(ValueError):
    """A table is not as it should be; the message names the file and the table."""


@dataclass(frozen=True)
class Purpose:
    """A row of the index."""

    key: str
    title: str
    group: str


@dataclass(frozen=True)
class Name:
    """A name of a library."""

    name: str
    docs: str
    at: str = ""
    near: tuple[str, ...] = ()
    since: str = ""

    @property
    def path(self) -> str:
        """The dotted path to import it by, without a call."""
        return self.at or self.name.partition("(")[0]

    @cached_property
    def call(self) -> ast.Call | None:
        """The call that the name is written as, if it is one."""
        node = ast.parse(self.name, mode="eval").body
        return node if isinstance(node, ast.Call) else None


@dataclass(frozen=True)
class Counterpart:
    """The names that a study has for a purpose, or the reason why it has none."""

    study: str
    purpose: Purpose
    names: tuple[Name, ...] = ()
    note: str = ""
    absent: str = ""


def purposes(path: Path | None = None) -> dict[str, Purpose]:
    """Return the rows by key, in the order of the file.

    Raises:
        BadCounterpart: a table is wrong, and how.
    """
    path = path or Path(__file__).with_name(FILE)
    found: dict[str, Purpose] = {}
    for key, table in _tables(path).items():
        if set(table) != {"title", "group"}:
            raise BadCounterpart(f"{path}, [{key}]: it needs a title and a group")
        found[key] = Purpose(key, table["title"], table["group"])
    return found


def read(study: str, package: Path) -> dict[str, Counterpart]:
    """Return the counterparts of a study by key; none if it has no file of them.

    Raises:
        BadCounterpart: a table is wrong, and how.
    """
    path, rows = package / FILE, purposes()
    if not path.exists():
        return {}
    found: dict[str, Counterpart] = {}
    for key, table in _tables(path).items():

        def wrong(what: str, key: str = key) -> BadCounterpart:
            return BadCounterpart(f"{FILE} of {study}, [{key}]: {what}")

        if key not in rows:
            raise wrong("no purpose has such a key")
        if ("names" in table) == ("absent" in table):
            raise wrong("it needs either names or absent")
        if unknown := set(table) - {"names", "note", "absent"}:
            raise wrong(f"unknown key {min(unknown)!r}")
        for text in (table.get("note", "."), table.get("absent", ".")):
            if not text.endswith((".", ".)", ".`")):
                raise wrong(f"{text!r} must be a sentence")
        try:
            names = tuple(
                Name(**name | {"near": tuple(name.get("near", ()))})
                for name in table.get("names", ())
            )
        except TypeError as error:
            raise wrong(str(error).removeprefix("Name.__init__() ")) from None
        note, absent = table.get("note", ""), table.get("absent", "")
        found[key] = Counterpart(study, rows[key], names, note, absent)
    return found


def _tables(path: Path) -> dict[str, dict[str, Any]]:
    tables = tomllib.loads(path.read_text("utf-8"))
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise BadCounterpart(f"{path}: {key} must be a table")
    return cast("dict[str, dict[str, Any]]", tables)


class Code:
    """The names that a stretch of code uses."""

    def __init__(self, node: ast.AST, roots: Mapping[str, str]) -> None:
        """Read a syntax tree, with what its file imports, as `imported` returns it."""
        self.names: set[str] = set()
        """The names that are imported or built in, with their dots, and their parts."""
        self.attributes: set[str] = set()
        self.calls: list[tuple[str, ast.Call]] = []
        """Each call, with the dotted name that is called, or only its last part."""
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute):
                self.attributes.add(each.attr)
            if isinstance(each, ast.Name | ast.Attribute):
                parts = _dotted(each, roots).split(".")
                self.names |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
            if isinstance(each, ast.Call):
                last = each.func.attr if isinstance(each.func, ast.Attribute) else ""
                self.calls.append((_dotted(each.func, roots) or last, each))
        self.names.discard("")

    def uses(self, name: Name) -> bool:
        """Return whether this code uses a name."""
        if name.call is not None:
            return self._has(name.path, name.near) and any(
                called in {name.path, name.path.rpartition(".")[2]}
                and _fits(name.call, call)
                for called, call in self.calls
            )
        return self._has(name.path, name.near)

    def _has(self, path: str, near: Iterable[str]) -> bool:
        owner, _, last = path.rpartition(".")
        return path in self.names or (
            last in self.attributes and not self.names.isdisjoint((owner, *near))
        )


def imported(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name of a module is short for.

    Names of the study itself begin with the module that they are in.
    """
    roots: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {name.asname or name.name: name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            roots |= {n.asname or n.name: prefix + n.name for n in node.names}
    return roots


def _dotted(node: ast.expr, roots: Mapping[str, str]) -> str:
    """Return the whole name of what was imported or is built in, or ""."""
    match node:
        case ast.Name(id=name):
            return roots.get(name, name if hasattr(builtins, name) else "")
        case ast.Attribute(value=value, attr=name):
            owner = _dotted(value, roots)
            return f"{owner}.{name}" if owner else ""
        case _:
            return ""


def _fits(wanted: ast.Call, call: ast.Call) -> bool:
    """Return whether a call has the arguments of another one, among others."""
    if not wanted.args and not wanted.keywords:
        return not call.args and not call.keywords
    keywords = {each.arg: each.value for each in call.keywords}
    pairs = [
        *zip(wanted.args, [*call.args, *[None] * len(wanted.args)], strict=False),
        *((each.value, keywords.get(each.arg)) for each in wanted.keywords),
    ]
    return all(
        had is not None and ast.unparse(value) in ("...", ast.unparse(had))
        for value, had in pairs
    )


@dataclass(frozen=True)
class Tested:
    """A stretch of tested code of a study."""

    path: Path
    code: Code
    topic: str = ""
    """The topic that it answers, if it is an answer."""
    function: str = ""
    """The function that measures an answer about behaviour, if it is one."""


def tested(package: Path) -> Iterator[Tested]:
    """Yield the tested code of a study: a function or a file at a time.

    That is the answers, the functions about behaviour, the obstacle course, and the
    modules at the top of the package.
    """
    topics = {path: topic for topic, path in answers_in(package, SECTIONS)}
    paths = [*topics, *package.glob("*.py"), *package.glob("obstacles/*.py")]
    for path in sorted(paths):
        tree = ast.parse(path.read_text("utf-8"))
        yield Tested(path, Code(tree, imported(tree)), topic=topics.get(path, ""))
    for path in sorted(package.glob("behaviours/*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        roots = imported(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Tested(path, Code(node, roots), function=node.name)
