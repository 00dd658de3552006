"""Find loops that only look, so that nothing but another actor can end them."""

from __future__ import annotations

import ast
import functools
import linecache
import re
from collections.abc import Container, Iterator
from types import FrameType

_LOOKS = re.compile(
    r"(is|has)_\w+|done|ready|empty|full|qsize|locked|cancelled|running|alive"
    r"|acquire|get_nowait|sleep|wait|join|poll|select"
    r"|monotonic|perf_counter|time|now"
    r"|bool|len|isinstance|all|any"
)
"""Names of calls that change nothing while they give the same answer."""

_QUIET = (
    *(ast.Pass, ast.Continue, ast.Break, ast.If, ast.Try, ast.ExceptHandler),
    *(ast.Expr, ast.Attribute, ast.Name, ast.Constant, ast.Subscript, ast.Tuple),
    *(ast.Compare, ast.BoolOp, ast.UnaryOp, ast.expr_context, ast.cmpop, ast.boolop),
    *(ast.unaryop, ast.keyword),
)


def loop_that_looks(
    frame: FrameType | None, library: Container[str | None]
) -> tuple[int, int] | None:
    """Identify the loop in which a thread only looks, by its frame and its line.

    Such a loop reads names, attributes and items, compares them, and calls things such
    as ``is_set`` or ``get_nowait``: it changes nothing, so it ends when another actor
    changes something, or never. Frames of files in ``library`` are passed over.

    None if the thread is in no such loop, or if its source cannot be read.
    """
    while frame is not None and frame.f_code.co_filename in library:
        frame = frame.f_back
    if frame is None:
        return None
    inner: ast.While | ast.For | ast.AsyncFor | None = None
    for loop in _loops("".join(linecache.getlines(frame.f_code.co_filename))):
        if loop.lineno <= frame.f_lineno <= (loop.end_lineno or 0):
            inner = loop if inner is None or loop.lineno >= inner.lineno else inner
    if not isinstance(inner, ast.While) or inner.lineno < frame.f_code.co_firstlineno:
        return None
    only_looks = all(_is_quiet(node) for part in _round(inner) for node in part)
    return (id(frame), inner.lineno) if only_looks else None


def _round(loop: ast.While) -> Iterator[Iterator[ast.AST]]:
    yield ast.walk(loop.test)
    for statement in loop.body:
        yield ast.walk(statement)


def _is_quiet(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return isinstance(node, _QUIET)
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else ""
    name = called.id if isinstance(called, ast.Name) else name
    return bool(_LOOKS.fullmatch(name))


@functools.lru_cache(16)
def _loops(source: str) -> list[ast.While | ast.For | ast.AsyncFor]:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return []
    return [n for n in nodes if isinstance(n, ast.While | ast.For | ast.AsyncFor)]
