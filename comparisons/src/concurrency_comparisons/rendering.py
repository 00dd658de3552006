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


def linked(tree: Tree, source: str = "") -> Callable[[Path], str]:
    """Return a function that makes a file's link.

    Args:
        source: The address of the repository's files. By default links are relative to
            a page's folder.
    """
    start = source.rstrip("/") if source else "../.."
    return lambda path: f"{start}/{path.relative_to(tree.root).as_posix()}"


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence, as in: asyncio, trio and gevent."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
