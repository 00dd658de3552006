"""The guide to the paradigms and the glossary, with what can prove their claims."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from concurrency_study import glossary, guide
from concurrency_study.behaviours import questions
from concurrency_study.glossary import Term
from concurrency_study.guide import Choice, Guide, Known

from .answers import Tree, Unreadable
from .figures import FILE


def provable(tree: Tree) -> Known:
    """Return the names of all questions, topics and costs."""
    return {
        "question": questions(),
        "topic": tree.topics,
        "cost": _benchmarks(tree.root / FILE),
    }


def guides(tree: Tree) -> dict[str, Guide]:
    """Return the guides by study. A study from elsewhere may have none.

    Raises:
        guide.BadText: A guide has a mistake; the message names file and entry.
    """
    known = provable(tree)
    paths = {name: entry.package / guide.FILE for name, entry in tree.entries.items()}
    return {name: guide.read(p, known) for name, p in paths.items() if p.is_file()}


def choices(tree: Tree) -> list[Choice]:
    """Return the table of needs, and of the paradigms that meet them."""
    return guide.read_choices(guide.CHOICES, provable(tree))


def terms(tree: Tree) -> list[Term]:
    """Return the terms of the glossary."""
    return glossary.read(glossary.FILE, provable(tree))


@cache
def _benchmarks(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    try:
        names: list[str] = [*json.loads(path.read_text("utf-8"))]
    except ValueError as error:
        raise Unreadable(f"{path} is not JSON: {error}") from error
    # The costs of answers as inputs grow, such as "race at 100", have no heading.
    return frozenset(name for name in names if " at " not in name)
