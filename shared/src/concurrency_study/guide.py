"""The guide to the paradigms: when to use each, when to think twice, what to know.

A study keeps its guide in its package, as ``guide.toml``::

    summary = "One sentence: what it is, and for whom."

    [[use]]
    claim = "Programs that must stop cleanly: a nursery waits for its children."
    proof = ["question:left_over_at_end", "topic:tasks"]

``avoid`` and ``know`` have the same form. A proof is a question by its key, a topic by
its name, or a cost by the name of its benchmark. ``choices.toml`` beside this module
has a table for readers who do not know yet which paradigm to look at::

    [[choice]]
    need = "any function to wait, however deep the call"
    then = "gevent or threads"
    proof = ["question:plain_function_waits"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

FILE = "guide.toml"
"""The name of a study's guide, in its package."""
CHOICES = Path(__file__).with_name("choices.toml")
SECTIONS = ("use", "avoid", "know")

Known = Mapping[str, Collection[str]]
"""The names that a proof may have, by its kind: question, topic or cost."""


class BadText(ValueError):
    """The guide or the glossary has a mistake; the message names file and entry."""


@dataclass(frozen=True)
class Proof:
    """A question, a topic or a cost that shows that a claim is true."""

    kind: str
    name: str


@dataclass(frozen=True)
class Claim:
    """A sentence of the guide, with what proves it."""

    claim: str
    proof: tuple[Proof, ...]


@dataclass(frozen=True)
class Guide:
    """The guide to one paradigm."""

    summary: str
    use: tuple[Claim, ...]
    """When to use it."""
    avoid: tuple[Claim, ...]
    """When to think twice."""
    know: tuple[Claim, ...]
    """Facts to know before the first line of code."""


@dataclass(frozen=True)
class Choice:
    """A need of a reader, and the paradigms that meet it."""

    need: str
    then: str
    proof: tuple[Proof, ...]


def read(path: Path, known: Known) -> Guide:
    """Return the guide in a file.

    Raises:
        BadText: A key is missing or unknown, a section is empty, or a claim has no
            proof or one that is not known.
        OSError: The file cannot be read.
    """
    table = tables(path)
    expect(table, ("summary", *SECTIONS), str(path))
    sections: list[tuple[Claim, ...]] = []
    for section in SECTIONS:
        found = [
            Claim(text(entry, "claim", where), proofs(entry, known, where))
            for where, entry in entries(table, section, ("claim", "proof"), path)
        ]
        sections.append(tuple(found))
    return Guide(text(table, "summary", str(path)), *sections)


def read_choices(path: Path, known: Known) -> list[Choice]:
    """Return the table of needs in a file.

    Raises:
        BadText: As for `read`.
        OSError: The file cannot be read.
    """
    table = tables(path)
    expect(table, ("choice",), str(path))
    return [
        Choice(
            text(entry, "need", where),
            text(entry, "then", where),
            proofs(entry, known, where),
        )
        for where, entry in entries(table, "choice", ("need", "then", "proof"), path)
    ]


def tables(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadText(f"{path}: {error}") from error


def entries(
    table: Mapping[str, Any], section: str, keys: Sequence[str], path: Path
) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries of a section, each with its place for error messages."""
    found: object = table.get(section)
    if not isinstance(found, list) or not found:
        raise BadText(f"{path}: it needs at least one entry [[{section}]]")
    pairs: list[tuple[str, dict[str, Any]]] = []
    for number, entry in enumerate(cast("list[object]", found), 1):
        where = f"{path}: [[{section}]] number {number}"
        if not isinstance(entry, dict):
            raise BadText(f"{where}: it must be a table with {', '.join(keys)}")
        expect(cast("dict[str, Any]", entry), keys, where)
        pairs.append((where, cast("dict[str, Any]", entry)))
    return pairs


def expect(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    """Raise BadText if a table has a key that is not one of these."""
    if unknown := sorted(set(table) - set(keys)):
        raise BadText(
            f"{where}: unknown key {unknown[0]!r}; the keys are {', '.join(keys)}"
        )


def text(table: Mapping[str, Any], key: str, where: str) -> str:
    """Return a text of a table, which must not be empty."""
    found: object = table.get(key)
    if not isinstance(found, str) or not found.strip():
        raise BadText(f"{where}: {key} must be a text that is not empty: {found!r}")
    return found


def texts(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    """Return a list of texts of a table, which may be empty."""
    found: object = table.get(key, [])
    items = cast("list[object]", found) if isinstance(found, list) else [None]
    if not all(isinstance(each, str) for each in items):
        raise BadText(f"{where}: {key} must be a list of texts: {found!r}")
    return tuple(cast("list[str]", items))


def proofs(
    table: Mapping[str, Any], known: Known, where: str, least: int = 1
) -> tuple[Proof, ...]:
    """Return the proofs of a table, each of which must be known."""
    found = texts(table, "proof", where)
    if len(found) < least:
        raise BadText(f"{where}: it has no proof; name a question, a topic or a cost")
    result: list[Proof] = []
    for each in found:
        kind, _, name = each.partition(":")
        if kind not in known:
            kinds = ", ".join(f"{kind}:" for kind in known)
            raise BadText(f"{where}: proof {each!r} must begin with one of {kinds}")
        if name not in known[kind]:
            raise BadText(f"{where}: proof {each!r}: no {kind} has that name")
        result.append(Proof(kind, name))
    return tuple(result)
