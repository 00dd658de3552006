"""Points in the code under test at which a thread may be preempted.

A point is right before an instruction that reads or writes something that threads can
share: an attribute, an item, a global name, a name of an outer function, or a call.
From Python 3.12, ``sys.monitoring`` reports them, and all other instructions cost
nothing. On 3.11, tracing does (`sys.settrace`).
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import sys
from collections.abc import Callable, Generator
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


@contextlib.contextmanager
def points(call: Callable[[bool], None]) -> Generator[Callable[..., Any] | None]:
    """Call before each shared access of the code under test, in every thread.

    The argument is True if an interpreter with a GIL may switch threads there.

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
    codes: set[CodeType] = set()

    def began(code: CodeType, _: int) -> Any:
        if is_of_user(code.co_filename) and code not in codes:
            codes.add(code)
            monitoring.set_local_events(tool, code, events.INSTRUCTION)
        return monitoring.DISABLE

    def instruction(code: CodeType, offset: int) -> Any:
        may_switch = points_of(code).get(offset)
        if may_switch is None:
            return monitoring.DISABLE
        call(may_switch)
        return None

    monitoring.use_tool_id(tool, "schedules of the concurrency study")
    monitoring.register_callback(tool, events.PY_START, began)
    monitoring.register_callback(tool, events.INSTRUCTION, instruction)
    monitoring.set_events(tool, events.PY_START)
    monitoring.restart_events()
    try:
        yield None
    finally:
        monitoring.set_events(tool, 0)
        for code in codes:
            monitoring.set_local_events(tool, code, 0)
        monitoring.free_tool_id(tool)


def _tracer(call: Callable[[bool], None]) -> Callable[..., Any]:
    def inside(frame: FrameType, event: str, _: object) -> Any:
        if event == "opcode":
            may_switch = points_of(frame.f_code).get(frame.f_lasti)
            if may_switch is not None:
                call(may_switch)
        return inside

    def began(frame: FrameType, event: str, _: object) -> Any:
        if event != "call" or not is_of_user(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return inside

    return began
