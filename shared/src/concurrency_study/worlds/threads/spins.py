"""Finds loops that only look, so that nothing but another actor can end them."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable
from types import FrameType

from ...collector import parsed
from ...world.waits import is_of_user
from .outside import content

_LOOKS = re.compile(
    r"(is|has)_\w+|done|ready|empty|full|qsize|locked|cancelled|running|alive"
    r"|acquire|get_nowait|receive_nowait|join|poll|select|wait|wait_for|switch|idle"
    r"|sleep\w*|checkpoint|timeout|Timeout|move_on_after|fail_after|suppress"
    r"|monotonic|perf_counter|time|now|current_time"
    r"|bool|len|isinstance|all|any"
)
"""Names of calls that change nothing while they give the same answer."""

_QUIET = (
    *(ast.Pass, ast.Continue, ast.Break, ast.If, ast.Try, ast.ExceptHandler),
    *(ast.With, ast.AsyncWith, ast.withitem, ast.Await, ast.Yield, ast.YieldFrom),
    *(
        ast.Expr,
        ast.Return,
        ast.Attribute,
        ast.Name,
        ast.Constant,
        ast.Subscript,
        ast.Tuple,
    ),
    *(ast.Compare, ast.BoolOp, ast.UnaryOp, ast.expr_context, ast.cmpop, ast.boolop),
    *(ast.unaryop, ast.keyword, ast.NamedExpr),
)


def loop_that_looks(frames: Iterable[FrameType]) -> tuple[int, int] | None:
    """Return the frame and the line of the loop in which an actor only looks.

    Such a loop reads names, attributes and items, compares them, and calls things such
    as ``is_set`` or ``get_nowait``. It changes nothing, so it ends when another actor
    changes something, or never.

    Returns None if the actor is in another loop, in none, or if the source is not
    known.

    Args:
        frames: Those of the actor, from the innermost outwards. The frames of libraries
            are passed over.
    """
    for frame in frames:
        if not is_of_user(frame.f_code.co_filename):
            continue
        inner = _around(frame)
        if isinstance(inner, ast.While):
            return (
                (id(frame), inner.lineno) if _looks(inner.test, *inner.body) else None
            )
        if isinstance(inner, ast.Lambda) and _looks(inner.body):
            continue  # it is called in a loop
        if isinstance(inner, ast.FunctionDef) and _looks(*inner.body):
            continue
        return None
    return None


def _around(frame: FrameType) -> ast.AST | None:
    """Return the innermost loop or function around the line of a frame."""
    inner, first = None, frame.f_code.co_firstlineno
    line: int = frame.f_lineno or 0  # pyright: ignore - None at some instructions
    for node in _blocks(frame.f_code.co_filename):
        within = first <= node.lineno <= line <= (node.end_lineno or 0)
        if within and (inner is None or node.lineno >= inner.lineno):
            inner = node
    return inner


def _looks(*parts: ast.AST) -> bool:
    return all(_is_quiet(node) for part in parts for node in ast.walk(part))


def _is_quiet(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return isinstance(node, _QUIET)
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else ""
    name = called.id if isinstance(called, ast.Name) else name
    return bool(_LOOKS.fullmatch(name))


_BLOCKS = ast.While | ast.For | ast.AsyncFor | ast.Lambda | ast.FunctionDef


@functools.lru_cache(16)
def _blocks(path: str) -> list[_BLOCKS]:
    try:
        nodes = list(ast.walk(parsed(content(path))))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    return [node for node in nodes if isinstance(node, _BLOCKS)]
