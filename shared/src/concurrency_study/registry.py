"""The registry: which studies there are, as each describes itself.

The ``pyproject.toml`` of a study has a table ``[tool.concurrency-study]``. Everything
that must know the studies reads it: the noxfile, the pytest plugin, the ``study``
command, the README's table, the tests of the structure. The keys, all optional:

- ``order``: The position of the study wherever studies are listed; last by default.
- ``libraries``: The modules that are the study's own library, such as ``["trio"]``.
- ``worlds``: The worlds that its answers run in; the one of its own name by default. A
  world may need a newer Python: ``"asyncio-eager >=3.12"``.
- ``leaves-out``: The topics that it does not answer, each with the reason. The key
  ``questions`` has the reason why it answers none of the behaviour questions.
- ``plain``: True if its functions are plain ones, as with threads and greenlets.
- ``within``: The ``with`` block that a function about behaviour needs around it when it
  is pasted, such as ``"Client()"``. The package of the study imports its names.
- ``waits``: In a study without a keyword for waiting, the ``calls`` that wait, the
  ``blocks`` (types whose ``with`` block waits) and the ``loops`` (whose ``for`` loop
  waits). A name with a dot is a method only.

A study is found in a checkout, under ``packages``, or installed, by its entry point in
the group ``concurrency_study.studies``. A wheel carries a copy of the file in its
package. Nothing is imported to read it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

GROUP = "concurrency_study.studies"
"""The group of entry points that studies are in: ``trio = "trio_study"``."""
TABLE = "concurrency-study"
LAST = 1000.0
QUESTIONS = "questions"
"""The key in ``leaves-out`` of a study that answers no behaviour questions."""
KEYS = {"order", "libraries", "worlds", "leaves-out", "plain", "within", "waits"}


class BadEntry(ValueError):
    """A study describes itself wrongly; the message names the file and the key."""


@dataclass(frozen=True)
class Waits:
    """The names at which a study without a keyword for waiting waits."""

    calls: frozenset[str] = frozenset()
    """Calls that wait, unless ``block=False`` is given; with a dot: methods only."""
    blocks: frozenset[str] = frozenset()
    """Calls and types. A ``with`` block of one waits, to get in or to get out."""
    loops: frozenset[str] = frozenset()
    """Calls and types. A ``for`` loop over one waits for each item."""
    plain: bool = False
    """True if its functions are plain: native callables wait, and so do callers."""


@dataclass(frozen=True)
class Entry:
    """A study, as its ``pyproject.toml`` describes it."""

    name: str
    package: Path
    """The folder of its package, ``<name>_study``."""
    order: float = LAST
    libraries: tuple[str, ...] = ()
    every_world: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """Its worlds, each with the condition on the Python, or an empty text."""
    pythons: str = ""
    """The Pythons that it supports, as in ``requires-python``."""
    leaves_out: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    waits: Waits = Waits()
    within: str = ""
    """The ``with`` block around a pasted function about behaviour, or "" if none."""

    @property
    def worlds(self) -> tuple[str, ...]:
        """The worlds that its answers run in with this Python, the main one first."""
        version = sys.version_info[:2]
        return tuple(
            world
            for world, least in self.every_world.items()
            if not least or version >= tuple(map(int, least.split(".")))
        )


def read(project: Path, package: Path) -> Entry:
    """Read the entry of a study from its ``pyproject.toml``.

    Raises:
        BadEntry: the file is not TOML, or the table has a key or value that it should
            not have.
        OSError: there is no such file.
    """
    try:
        content = tomllib.loads(project.read_text("utf-8"))
    except ValueError as error:
        raise BadEntry(f"{project}: {error}") from error
    table: dict[str, Any] = content.get("tool", {}).get(TABLE, {})
    name = package.name.removesuffix("_study")

    def get(key: str, kind: Any, default: Any) -> Any:
        value = table.get(key, default)
        if not isinstance(value, kind):
            raise BadEntry(f"{project}: [tool.{TABLE}] {key} is {value!r}")
        return value

    def names(key: str, value: object) -> tuple[str, ...]:
        found = cast("list[object]", value) if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in found):
            raise BadEntry(f"{project}: {key} must be a list of names: {value!r}")
        return tuple(cast("list[str]", found))

    if unknown := sorted(set(table) - KEYS):
        known = ", ".join(sorted(KEYS))
        raise BadEntry(
            f"{project}: [tool.{TABLE}] has no key {unknown[0]!r}; there are {known}"
        )
    worlds: dict[str, str] = {}
    for text in names("worlds", get("worlds", list, [name])):
        world, _, least = text.partition(">=")
        if least and not re.fullmatch(r"\d+\.\d+", least.strip()):
            raise BadEntry(f"{project}: a world's condition is like >=3.12: {text!r}")
        worlds[world.strip()] = least.strip()
    waits = get("waits", dict, {})
    if unknown := sorted(set(waits) - {"calls", "blocks", "loops"}):
        raise BadEntry(f"{project}: waits has no key {unknown[0]!r}")
    named = {k: frozenset(names(f"waits.{k}", v)) for k, v in waits.items()}
    return Entry(
        name,
        package,
        order=float(get("order", int | float, LAST)),
        libraries=names("libraries", get("libraries", list, [])),
        every_world=worlds,
        pythons=content.get("project", {}).get("requires-python", ""),
        leaves_out=dict(get("leaves-out", dict, {})),
        waits=Waits(plain=get("plain", bool, False), **named),
        within=get("within", str, ""),
    )


def entry_of(package: Path) -> Entry:
    """Return the entry of the study in this package folder, wherever its table is.

    A study without a table is listed last, with a world of its own name.
    """
    project = project_of(package)
    if project is not None:
        return read(project, package)
    name = package.name.removesuffix("_study")
    return Entry(name, package, every_world={name: ""})


def project_of(package: Path) -> Path | None:
    """Return the file that holds the table of the study in this package folder."""
    for folder in (package, *package.parents[:2]):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    return None


def topic_of(stem: str, topics: Iterable[str]) -> str | None:
    """Return the topic that a file of this name answers: the longest that fits.

    ``race_first`` answers ``race``, unless there is a topic ``race_first``.
    """
    fits = [t for t in topics if stem == t or stem.startswith(f"{t}_")]
    return max(fits, key=len, default=None)


def answers_in(
    package: Path, sections: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, Path]]:
    """Yield the topic and the path of every answer of a study, by section and name."""
    topics = [topic for section in sections.values() for topic in section]
    for section in sections:
        for path in sorted((package / section).glob("[!_]*.py")):
            topic = topic_of(path.stem, topics)
            if topic is not None:
                yield topic, path


def in_checkout(root: Path) -> Iterator[Path]:
    """Yield the packages of the studies in a checkout."""
    for package in sorted(root.glob("packages/*/src/*_study")):
        if package.is_dir():
            yield package


def installed() -> Iterator[Path]:
    """Yield the packages of the studies that are installed; none is imported."""
    for entry in entry_points(group=GROUP):
        try:
            spec = find_spec(entry.module.partition(".")[0])
        except (ImportError, ValueError):
            spec = None
        for folder in (spec and spec.submodule_search_locations) or ():
            yield Path(folder)


def registered(root: Path | None = None) -> dict[str, Entry]:
    """Return the studies of a checkout and the installed ones by name, in order.

    A study of the checkout hides an installed one of the same name.

    Raises:
        BadEntry: a study describes itself wrongly.
    """
    packages = {
        package.name: package
        for package in (*installed(), *(in_checkout(root) if root else ()))
    }
    found = [entry_of(package) for package in packages.values()]
    found.sort(key=lambda entry: (entry.order, entry.name))
    return {entry.name: entry for entry in found}
