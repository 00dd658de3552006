"""Points in the code under test at which a thread may be preempted.

A point is right before an instruction that reads or writes something that threads can
share: an attribute, an item, a global name, a name of an outer function, or a call.
From Python 3.12, ``sys.monitoring`` reports them, and all other instructions cost
nothing. On 3.11, tracing does (`sys.settrace`).
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import dis
import linecache
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from ..waits import is_of_user

SHARED = (
    *("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR"),
    *("LOAD_GLOBAL", "STORE_GLOBAL", "LOAD_NAME", "STORE_NAME"),
    *("LOAD_DEREF", "STORE_DEREF", "CONTAINS_OP", "FOR_ITER"),
    *("BINARY_SUBSCR", "STORE_SUBSCR", "DELETE_SUBSCR", "BINARY_SLICE", "STORE_SLICE"),
    *("CALL", "CALL_KW", "CALL_FUNCTION_EX"),
)
"""Names of instructions that may touch what other threads see."""

_BUILTINS = frozenset(dir(builtins))


SWITCHES = ("RESUME", "CALL", "JUMP_BACKWARD")
"""The beginnings of names of instructions at which CPython may let the GIL go.

It does so when a function begins, after a call, and when a loop begins its next round:
see the uses of CHECK_PERIODIC (before 3.13, CHECK_EVAL_BREAKER) in
https://github.com/python/cpython/blob/3.13/Python/bytecodes.c
"""


@lru_cache(maxsize=10_000)
def points_of(code: CodeType) -> dict[int, bool]:
    """Return the offsets of the instructions that are points.

    The value is True if an interpreter with a GIL may switch there: since it could do
    so last, the thread has touched nothing that others see.
    """
    found: dict[int, bool] = {}
    every = [*dis.get_instructions(code)]
    # The instructions that follow one at which it may switch by a jump.
    after = {each.argval for each in every if each.opname.startswith("JUMP_BACKWARD")}
    may_switch = True
    for each in every:
        may_switch = may_switch or each.offset in after
        shared = each.opname in SHARED
        if shared and not (each.opname == "LOAD_GLOBAL" and each.argval in _BUILTINS):
            found[each.offset] = may_switch
            may_switch = False
        if each.opname.startswith(SWITCHES):
            may_switch = True
        elif may_switch and each.opcode in dis.hasjrel:
            after.add(each.argval)
    return found


@dataclass(frozen=True)
class Access:
    """An access to something that threads can share."""

    verb: str
    """``reads``, ``writes``, ``deletes`` or ``calls``."""
    text: str
    """The expression in the source."""
    key: str
    """The name of what is accessed: an attribute, a variable, a container."""
    line: int

    def __str__(self) -> str:
        return f"{self.verb} {self.text}"

    def conflicts(self, other: Access) -> int:
        """Return how surely the order of the two matters; 0 if it does not."""
        if not self.key or self.key != other.key:
            return 0
        kinds = {self.verb, other.verb}
        if not kinds & {"writes", "deletes", "calls"}:
            return 0
        both = kinds <= {"writes", "deletes", "calls"}
        return 1 + both + (self.text == other.text)


@lru_cache(maxsize=10_000)
def access_at(code: CodeType, offset: int) -> Access | None:
    """Return the access that an instruction begins; None if the source does not tell.

    To load a variable, or a method that is called next, is only the beginning.
    """
    begun: Access | None = None
    for each in dis.get_instructions(code):
        if each.offset < offset or each.opname not in SHARED:
            continue
        where = each.positions
        if not where or not where.lineno or where.lineno != where.end_lineno:
            break
        access = _access(code, each.opname, where)
        if access is None or (begun is not None and begun.line != access.line):
            break
        if begun is not None and begun.text not in access.text:
            break
        begun = access
        if not (each.opname in _VARIABLES or access.verb == "reads"):
            break
    return begun


_VARIABLES = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"}


def _access(code: CodeType, name: str, where: Any) -> Access | None:
    line = linecache.getline(code.co_filename, where.lineno).encode()
    source = line[where.col_offset : where.end_col_offset].decode()
    try:
        key = _key(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError):
        return None
    verbs = (("STORE", "writes"), ("DELETE", "deletes"), ("CALL", "calls"))
    verb = next((verb for begin, verb in verbs if name.startswith(begin)), "reads")
    return Access(verb, source, key, where.lineno)


def _key(node: ast.AST) -> str:
    """Return the name of what an expression accesses."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Subscript() | ast.Starred():
            return _key(node.value)
        case ast.Call(func=ast.Attribute(value=owner)):
            return _key(owner)
        case ast.Compare(comparators=[container]):
            return _key(container)
        case _:
            return ""


Call = Callable[[CodeType, int, bool], bool]
"""Called with the code, the offset, and whether a GIL may let another thread run there.

Returns whether this run needs more points.
"""


@contextlib.contextmanager
def points(call: Call) -> Generator[Callable[..., Any] | None]:
    """Call before each shared access of the code under test, in every thread.

    Yields a trace function that every thread has to install by `sys.settrace`; None if
    that is not needed.
    """
    if sys.version_info < (3, 12):
        yield _tracer(call)
        return
    monitoring: Any = sys.monitoring
    events = monitoring.events
    tool = next((n for n in (4, 3, 5) if monitoring.get_tool(n) is None), None)
    if tool is None:
        raise RuntimeError(
            "no tool id of sys.monitoring is free, so threads cannot be preempted"
        )
    # By identity: the hash of a code object takes longer than all else here. The value
    # holds the code object, so that no other one gets its identity.
    known: dict[int, tuple[CodeType, dict[int, bool]]] = {}

    def began(code: CodeType, _: int) -> Any:
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        if id(code) not in known and _is_of_user(frame):
            known[id(code)] = code, points_of(code)
            monitoring.set_local_events(tool, code, events.INSTRUCTION)
        return monitoring.DISABLE

    def instruction(code: CodeType, offset: int) -> Any:
        may_switch = known[id(code)][1].get(offset)
        if may_switch is None:
            return monitoring.DISABLE
        # A long computation would take many times as long.
        return None if call(code, offset, may_switch) else monitoring.DISABLE

    monitoring.use_tool_id(tool, "schedules of the concurrency study")
    monitoring.register_callback(tool, events.PY_START, began)
    monitoring.register_callback(tool, events.INSTRUCTION, instruction)
    monitoring.set_events(tool, events.PY_START)
    monitoring.restart_events()
    try:
        yield None
    finally:
        monitoring.set_events(tool, 0)
        for code, _ in known.values():
            monitoring.set_local_events(tool, code, 0)
        monitoring.free_tool_id(tool)


def _is_of_user(frame: FrameType) -> bool:
    """Return whether a function that begins belongs to the code under test.

    The methods of data classes and named tuples have no file. Those of data classes
    have the names of their module. Those of named tuples touch nothing that is shared.
    """
    module = str(frame.f_globals.get("__name__"))
    ours = module.startswith(_OURS) and "<" in frame.f_code.co_filename
    return not ours and is_of_user(frame.f_code.co_filename)


_OURS = (__name__.partition(".")[0] + ".", "namedtuple_")


def again() -> None:
    """Have all points reported again, as a new run begins."""
    if sys.version_info >= (3, 12):
        sys.monitoring.restart_events()


def _tracer(call: Call) -> Callable[..., Any]:
    def inside(frame: FrameType, event: str, _: object) -> Any:
        if event == "opcode":
            code, offset = frame.f_code, frame.f_lasti
            may_switch = points_of(code).get(offset)
            if may_switch is not None and not call(code, offset, may_switch):
                frame.f_trace_opcodes = False
                sys.settrace(None)
                return None
        return inside

    def began(frame: FrameType, event: str, _: object) -> Any:
        if event != "call" or not _is_of_user(frame):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return inside

    return began
