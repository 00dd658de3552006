"""The glossary: the terms of the field, and those that this project has coined.

``glossary.toml`` beside this module has a table for each term, in alphabetical order::

    [shield]
    means = "A block or a call that a cancellation from outside does not reach."
    also = { asyncio = "`asyncio.shield`" }   # other names, by study
    see = ["cancel scope"]                    # other terms
    proof = ["question:cleanup_may_wait"]     # as in the guide
    source = "https://..."                    # where the term comes from
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from .guide import BadText, Known, Proof, expect, proofs, tables, text, texts

FILE = Path(__file__).with_name("glossary.toml")
KEYS = ("means", "also", "see", "proof", "source")


@dataclass(frozen=True)
class Term:
    """A term, and what it means."""

    name: str
    means: str
    also: Mapping[str, str]
    """Its names elsewhere, by study."""
    see: tuple[str, ...]
    """The names of terms to look at next."""
    proof: tuple[Proof, ...]
    source: str
    """The address that the term comes from, or ""."""

    @property
    def anchor(self) -> str:
        """The term's address in its page."""
        return anchor(self.name)

    @property
    def letter(self) -> str:
        """The letter that it is listed under."""
        return self.name[0].upper()


def anchor(name: str) -> str:
    """Return the address of a term in its page, as in cancel-scope."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def read(path: Path, known: Known) -> list[Term]:
    """Return the terms in a file, in its order, which is alphabetical.

    Raises:
        BadText: A key is missing or unknown, a proof or another term is not known,
            two terms have the same address, or the order is not alphabetical.
        OSError: The file cannot be read.
    """
    table = tables(path)
    found = [_term(name, entry, known, path) for name, entry in table.items()]
    for before, after in pairwise(found):
        if before.name.casefold() > after.name.casefold():
            raise BadText(f"{path}: [{after.name}] must come before [{before.name}]")
    anchors: dict[str, str] = {}
    for term in found:
        if not term.anchor or term.anchor in anchors:
            other = anchors.get(term.anchor, "an empty text")
            raise BadText(f"{path}: [{term.name}] has the same address as {other}")
        anchors[term.anchor] = term.name
        for name in term.see:
            if name not in table or name == term.name:
                raise BadText(
                    f"{path}: [{term.name}]: see names {name!r}, which must be "
                    "another term of the glossary"
                )
    return found


def _term(name: str, entry: object, known: Known, path: Path) -> Term:
    where = f"{path}: [{name}]"
    if not isinstance(entry, dict):
        raise BadText(f"{where}: it must be a table with {', '.join(KEYS)}")
    table = cast("dict[str, Any]", entry)
    expect(table, KEYS, where)
    also: object = table.get("also", {})
    if not isinstance(also, dict):
        raise BadText(f"{where}: also must be a table of names by study: {also!r}")
    names = cast("dict[str, Any]", also)
    return Term(
        name,
        text(table, "means", where),
        {study: text(names, study, f"{where} also") for study in names},
        texts(table, "see", where),
        proofs(table, known, where, least=0),
        text(table, "source", where) if "source" in table else "",
    )
