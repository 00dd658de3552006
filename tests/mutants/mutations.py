"""Every mutation of a module's source: one small change that a reader would notice.

A mutation replaces a piece of the text, so that a survivor reads as a diff. Text that
no test of an answer can judge stays as it is: docstrings, annotations, type variables,
imports, declarations (`CANNOT` and its like), the main guard, and functions that only
the main guard calls.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import hashlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DECLARATIONS = {"CANNOT", "DIFFERS", "WORLDS", "__all__"}
COMPARISONS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "is": "is not",
    "is not": "is",
    "in": "not in",
    "not in": "in",
}
TYPE_VARIABLES = {"TypeVar", "TypeVarTuple", "ParamSpec"}
BOUNDARIES = ("<", "<=", ">", ">=")
ARITHMETIC = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "//": "*",
    "%": "*",
    "**": "*",
    "|": "&",
    "&": "|",
    "<<": ">>",
    ">>": "<<",
}
CALLS = {
    "sorted": "list",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "popleft": "pop",
}
ERRORS = {"Exception": "BaseException", "BaseException": "Exception"}
REMOVED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete, ast.Assert)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """A module's source with one change."""

    kind: str
    """The operator that made it."""
    within: str
    """The qualified name of the function or class around the change."""
    line: int
    original: str
    """The source without the change."""
    source: str
    """The source with the change."""

    @property
    def before(self) -> str:
        """The changed lines as they were, without common indentation."""
        return self._changed(self.original, self.source)

    @property
    def after(self) -> str:
        """The changed lines as they are now, without common indentation."""
        return self._changed(self.source, self.original)

    @staticmethod
    def _changed(text: str, other: str) -> str:
        lines, others = text.splitlines(), other.splitlines()
        begin = _common(lines, others)
        end = len(lines) - _common(lines[begin:][::-1], others[begin:][::-1])
        return dedent(lines[begin:end])

    def diff(self, name: str) -> str:
        """Return the change as a unified diff."""
        old, new = self.original.splitlines(), self.source.splitlines()
        return "\n".join(difflib.unified_diff(old, new, name, name, "", "", 2, ""))

    def id(self, name: str) -> str:
        """Return a name of the mutant that changes only with the text of the file."""
        return hashlib.sha1(f"{name}\n{self.source}".encode()).hexdigest()[:8]


def _common(lines: list[str], others: list[str]) -> int:
    """Return how many lines both begin with."""
    pairs = zip(lines, others, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def dedent(lines: list[str]) -> str:
    """Return the lines as one text, as far to the left as the first one allows."""
    blank = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    margins = [min(blank, len(line) - len(line.lstrip())) for line in lines]
    cut = [line[n:].rstrip() for line, n in zip(lines, margins, strict=True)]
    return "\n".join(cut)


def mutants(source: str, roots: set[str] | None = None) -> list[Mutant]:
    """Return the mutants of a module, in the order of its lines.

    ``roots`` are the names that users of the module need. Code that these names do not
    reach is not mutated. By default all code is mutated.
    """
    found: dict[str, Mutant] = {}
    original = source.encode()
    mutator = _Mutator(source, _reachable(ast.parse(source), roots))
    for begin, end, text, kind, within, line in mutator.changes():
        changed = (original[:begin] + text.encode() + original[end:]).decode()
        if changed == source or changed in found:
            continue
        with contextlib.suppress(SyntaxError):  # quotes in an f-string, for example
            compile(changed, "<mutant>", "exec", dont_inherit=True)
            found[changed] = Mutant(kind, within, line, source, changed)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Assign(targets=targets):
            return set().union(*map(_names, targets))
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return _names(target)
        case _:
            return set()


def _is_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If):
        return False
    return bool({"__name__", "TYPE_CHECKING"} & _names(node.test))


def _is_type_variable(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return False
    return bool(TYPE_VARIABLES & _names(node.value.func))


def _reachable(tree: ast.Module, roots: set[str] | None) -> list[ast.stmt]:
    """Return the statements of the module that the roots depend on."""
    body = [
        node
        for node in tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not _is_guard(node)
        and not _is_type_variable(node)
        and not _defined(node) & DECLARATIONS
    ]
    if roots is None:
        return body
    wanted = set(roots)
    while True:
        kept = [n for n in body if not _defined(n) or _defined(n) & wanted]
        more = wanted.union(*map(_names, kept))
        if more == wanted:
            return kept
        wanted = more


Change = tuple[int, int, str, str, str, int]


class _Mutator:
    """A walk through the tree of a module that yields changes of its text."""

    def __init__(self, source: str, body: list[ast.stmt]) -> None:
        self.source = source.encode()
        self.body = body
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))

    def changes(self) -> Iterator[Change]:
        yield from self._block(self.body, "")

    def _span(self, node: Any) -> tuple[int, int]:
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _text(self, node: ast.AST) -> str:
        begin, end = self._span(node)
        return self.source[begin:end].decode()

    def _replace(self, node: Any, text: str, kind: str, within: str) -> Change:
        return (*self._span(node), text, kind, within, node.lineno)

    def _replace_block(
        self, block: list[ast.stmt], text: str, kind: str, within: str
    ) -> Change:
        begin, end = self._span(block[0])[0], self._span(block[-1])[1]
        return (begin, end, text, kind, within, block[0].lineno)

    def _between(
        self,
        left: ast.AST,
        right: ast.AST,
        table: dict[str, str],
        kind: str,
        within: str,
    ) -> Iterator[Change]:
        """Replace the operator between two operands."""
        begin, end = self._span(left)[1], self._span(right)[0]
        text = self.source[begin:end].decode()
        operator = " ".join(re.sub(r"#.*", "", text).strip("() \n\\").split())
        if operator in table:
            changed = text.replace(operator, table[operator], 1)
            yield (begin, end, changed, kind, within, left.lineno)

    # Statements

    def _block(self, body: list[ast.stmt], within: str) -> Iterator[Change]:
        for node in body:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not text:  # a docstring, or an ellipsis
                yield from self._statement(node, within)

    def _statement(self, node: ast.stmt, within: str) -> Iterator[Change]:
        if isinstance(node, Function | ast.ClassDef):
            yield from self._definition(node, within)
            return
        if isinstance(node, REMOVED):
            yield self._replace(node, "pass", "remove a statement", within)
        match node:
            case ast.Return(value=value) if value is not None:
                is_none = isinstance(value, ast.Constant) and value.value is None
                if not is_none:
                    yield self._replace(node, "return None", "return nothing", within)
            case ast.Return():
                yield self._replace(node, "pass", "remove a statement", within)
            case ast.Break():
                yield self._replace(node, "continue", "swap break, continue", within)
            case ast.Continue():
                yield self._replace(node, "break", "swap break, continue", within)
            case ast.Raise(cause=ast.expr() as cause, exc=ast.expr() as error):
                begin, end = self._span(error)[1], self._span(cause)[1]
                yield (begin, end, "", "drop a cause", within, node.lineno)
            case ast.Assign(targets=targets, value=value):
                yield from self._assignment(node, targets, value, within)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from self._assignment(node, [target], value, within)
            case ast.AugAssign(target=target, value=value):
                yield from self._between(
                    target,
                    value,
                    {f"{old}=": f"{new}=" for old, new in ARITHMETIC.items()},
                    "swap arithmetic",
                    within,
                )
            case ast.If(test=test) | ast.While(test=test):
                yield from self._negate(test, within)
            case ast.For(iter=over):
                yield self._replace(over, "()", "skip a loop", within)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                yield from self._with(node, items, within)
            case ast.Try(finalbody=final, orelse=orelse):
                if final:
                    yield self._replace_block(final, "pass", "drop a finally", within)
                if len(orelse) > 1:
                    yield self._replace_block(orelse, "pass", "drop an else", within)
            case _:
                pass
        yield from self._parts(node, within)

    def _parts(self, node: ast.AST, within: str) -> Iterator[Change]:
        """Yield the changes of the parts of a node, except annotations."""
        for name, part in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params"):
                continue
            parts = part if isinstance(part, list) else [part]
            if parts and isinstance(parts[0], ast.stmt):
                yield from self._block(parts, within)
                continue
            for each in parts:
                match each:
                    case ast.expr():
                        yield from self._expression(each, within)
                    case ast.ExceptHandler():
                        yield from self._handler(each, within)
                    case ast.match_case():
                        if each.guard:
                            yield from self._negate(each.guard, within)
                        yield from self._parts(each, within)
                    case ast.AST():
                        yield from self._parts(each, within)
                    case _:
                        pass

    def _definition(
        self, node: Function | ast.ClassDef, within: str
    ) -> Iterator[Change]:
        name = f"{within}.{node.name}".lstrip(".")
        for decorator in node.decorator_list:
            yield from self._expression(decorator, name)
        if isinstance(node, Function):
            yield from self._parts(node.args, name)
        yield from self._block(node.body, name)

    def _assignment(
        self, node: ast.stmt, targets: list[ast.expr], value: ast.expr, within: str
    ) -> Iterator[Change]:
        if not isinstance(targets[0], ast.Name):
            yield self._replace(node, "pass", "remove a statement", within)
            return
        is_none = isinstance(value, ast.Constant) and value.value is None
        other = '""' if is_none else "None"
        yield self._replace(value, other, "assign another value", within)

    def _with(
        self, node: ast.stmt, items: list[ast.withitem], within: str
    ) -> Iterator[Change]:
        """Leave out a context manager whose value has no name."""
        for item in items:
            if item.optional_vars is not None:
                continue
            none = "__import__('contextlib').nullcontext()"
            yield self._replace(item.context_expr, none, "drop a with", within)

    def _handler(self, node: ast.ExceptHandler, within: str) -> Iterator[Change]:
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        for kind in kinds:
            if isinstance(kind, ast.Name) and kind.id in ERRORS:
                text = ERRORS[kind.id]
                yield self._replace(kind, text, "catch other errors", within)
            if len(kinds) > 1:
                rest = [self._text(each) for each in kinds if each is not kind]
                text = rest[0] if len(rest) == 1 else f"({', '.join(rest)})"
                yield self._replace(node.type, text, "catch other errors", within)
        for text in ("raise", "pass"):
            yield self._replace_block(node.body, text, f"handle by {text}", within)
        if node.type is not None:
            yield from self._expression(node.type, within)
        yield from self._block(node.body, within)

    # Expressions

    def _negate(self, test: ast.expr, within: str) -> Iterator[Change]:
        match test:
            case ast.UnaryOp(op=ast.Not()) | ast.Constant():
                return
            case ast.Compare(ops=[op]) if not isinstance(
                op, ast.Lt | ast.LtE | ast.Gt | ast.GtE
            ):
                return
            case _:
                text = f"not ({self._text(test)})"
                yield self._replace(test, text, "negate a condition", within)

    def _expression(self, node: ast.expr, within: str) -> Iterator[Change]:
        match node:
            case ast.Compare(left=left, comparators=rights):
                for one, other in itertools.pairwise([left, *rights]):
                    swap = "swap a comparison"
                    yield from self._between(one, other, COMPARISONS, swap, within)
            case ast.BoolOp(values=values):
                yield from self._boolean(node, values, within)
            case ast.BinOp(left=left, right=right):
                swap = "swap arithmetic"
                yield from self._between(left, right, ARITHMETIC, swap, within)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                text = self._operand(operand)
                yield self._replace(node, text, "drop a sign", within)
            case ast.IfExp(test=test):
                yield from self._negate(test, within)
            case ast.Constant(value=value):
                yield from self._constant(node, value, within)
            case ast.Call():
                yield from self._call(node, within)
            case ast.Lambda(body=body):
                yield from self._parts(node.args, within)
                yield self._replace(body, "None", "return nothing", within)
                yield from self._expression(body, within)
                return
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                for loop in node.generators:
                    for test in loop.ifs:
                        yield from self._negate(test, within)
            case ast.JoinedStr():
                for part in node.values:
                    if isinstance(part, ast.FormattedValue):
                        yield from self._in_text(part.value, within)
                return
            case _:
                pass
        yield from self._parts(node, within)

    def _in_text(self, node: ast.expr, within: str) -> Iterator[Change]:
        """Mutate a value in an f-string if its text is found in the source."""
        if self.source[slice(*self._span(node))].decode() == ast.unparse(node):
            yield from self._expression(node, within)

    @staticmethod
    def _operand(node: ast.expr) -> str:
        text = ast.unparse(node)
        simple = ast.Name, ast.Call, ast.Attribute, ast.Constant, ast.Subscript
        return text if isinstance(node, simple) else f"({text})"

    def _boolean(
        self, node: ast.BoolOp, values: list[ast.expr], within: str
    ) -> Iterator[Change]:
        table = {"and": "or", "or": "and"}
        for one, other in itertools.pairwise(values):
            yield from self._between(one, other, table, "swap and, or", within)
        word = " and " if isinstance(node.op, ast.And) else " or "
        for dropped in values:
            rest = [self._operand(each) for each in values if each is not dropped]
            text = word.join(rest)
            yield self._replace(node, text, "drop an operand", within)

    def _constant(
        self, node: ast.Constant, value: object, within: str
    ) -> Iterator[Change]:
        match value:
            case bool():
                yield self._replace(node, str(not value), "flip a constant", within)
            case int() | float():
                for other in (value + 1, value - 1):
                    yield self._replace(node, f"{other}", "off by one", within)
            case str() | bytes():
                filled = "XX" if isinstance(value, str) else b"XX"
                other = type(value)() if value else filled
                yield self._replace(node, repr(other), "another text", within)
            case _:
                pass

    def _call(self, node: ast.Call, within: str) -> Iterator[Change]:
        name = node.func
        match name:
            case ast.Name(id=word) if word in CALLS:
                yield self._replace(name, CALLS[word], "call another", within)
            case ast.Attribute(value=owner, attr=word) if word in CALLS:
                begin, end = self._span(owner)[1], self._span(name)[1]
                text = f".{CALLS[word]}"
                yield (begin, end, text, "call another", within, node.lineno)
            case _:
                pass
        for keyword in node.keywords:
            begin, end = self._span(keyword)
            after = re.compile(rb"\s*,\s*").match(self.source, end)
            if after:
                end = after.end()
            yield (begin, end, "", "drop a keyword", within, keyword.lineno)
