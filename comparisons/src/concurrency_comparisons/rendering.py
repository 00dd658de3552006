"""The templates, and the words and links that all renderers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from .answers import Tree

templates = Environment(
    loader=PackageLoader(__package__ or ""),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def linked(tree: Tree) -> Callable[[Path], str]:
    """Return a function that makes a file's link, relative to a page's folder."""
    return lambda path: f"../../{path.relative_to(tree.root).as_posix()}"


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence, as in: asyncio, trio and gevent."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
