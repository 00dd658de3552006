"""The lines at which another task may run, found in the text by a heuristic.

In a study of plain functions, a function that waits makes its callers in the same file
wait as well. Threads are preempted anywhere; the marks show only where they wait. In
generators, ``send`` resumes another generator, and a loop waits in ``select``.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from concurrency_study.registry import Waits

NONE = Waits()


def switch_lines(
    tree: ast.Module, waits: Waits = NONE, native: Collection[str] = ()
) -> set[int]:
    """Return the lines at which another task may run, as far as the text shows it.

    Those are the lines with ``await``, ``async for`` or ``async with``, in a study of
    coroutines or generators those with ``yield``, and those that wait by a name.

    Args:
        waits: The names that wait in the study.
        native: The native callables of the topic, as answers name them.
    """
    kinds = dict(_kinds(tree))
    known = {*waits.calls, *(native if waits.plain else ())}

    def named(node: ast.expr) -> str | None:
        """Return the name of the call or type that an expression comes from."""
        return kinds.get(node.id) if isinstance(node, ast.Name) else _callee(node)

    def switches(node: ast.AST) -> bool:
        match node:
            case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                return True
            case ast.comprehension(is_async=1):
                return True
            case ast.Yield() | ast.YieldFrom():
                return not waits.plain
            case ast.Call(func=function):
                name = _last(function)
                method = f".{name}" if isinstance(function, ast.Attribute) else name
                return (name in known or method in known) and not _at_once(node)
            case ast.With():
                return any(named(i.context_expr) in waits.blocks for i in node.items)
            case ast.For() | ast.comprehension():
                return named(node.iter) in waits.loops
            case _:
                return False

    def lines(node: ast.AST, *, nested: bool) -> set[int]:
        return {_line(each) for each in _walk(node, nested=nested) if switches(each)}

    # A function that waits makes its callers wait, so look until no more are found.
    if waits.plain:
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        while more := {
            function.name
            for function in functions
            if function.name not in known and lines(function, nested=False)
        }:
            known |= more
    return lines(tree, nested=True)


def _callee(node: ast.expr) -> str | None:
    """Return the last name of the callee: ``sleep`` for ``gevent.sleep(1)``."""
    return _last(node.func) if isinstance(node, ast.Call) else None


def _last(node: ast.expr) -> str | None:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Subscript():
            return _last(node.value)
        case _:
            return None


def _kinds(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield variables, each with the name of the call or type that it comes from."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                kind = _callee(value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                kind = _last(annotation)
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                kind = _last(annotation)
            case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                kind = _callee(value)
            case _:
                continue
        if kind is not None:
            yield name, kind


def _at_once(call: ast.Call) -> bool:
    """Return True if the call has ``block=False``, so that it does not wait."""
    return any(
        keyword.arg == "block"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is False
        for keyword in call.keywords
    )


def _line(node: ast.AST) -> int:
    match node:
        case ast.comprehension():
            return node.target.lineno
        case ast.expr() | ast.stmt():
            return node.lineno
        case _:
            raise TypeError(f"{node} has no line; pass an expression or a statement")


def _walk(node: ast.AST, *, nested: bool) -> Iterator[ast.AST]:
    """Yield the nodes below a node, without ``nested`` not those in functions."""
    for child in ast.iter_child_nodes(node):
        yield child
        function = isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        if nested or not function:
            yield from _walk(child, nested=nested)
