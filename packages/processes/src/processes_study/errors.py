"""Errors that travel: pickling an error keeps neither its context nor its traceback."""

from __future__ import annotations

import os
import traceback
from typing import Any

Packed = tuple[Any, ...] | None


def pack(error: BaseException | None) -> Packed:
    """Return a tuple that can be pickled, with all that is known of an error."""
    if error is None:
        return None
    lines = traceback.format_exception(error)
    return _packed(error, f"in process {os.getpid()}:\n{''.join(lines)}")


def _packed(error: BaseException | None, note: str = "") -> Packed:
    if error is None:
        return None
    is_group = issubclass(type(error), BaseExceptionGroup)
    inner = [_packed(e) for e in getattr(error, "exceptions", ()) if is_group]
    cause, context = _packed(error.__cause__), _packed(error.__context__)
    return error, note, cause, context, error.__suppress_context__, inner


def unpack(packed: Packed) -> BaseException | None:
    """Return the error that was packed, with its traceback as a note."""
    if packed is None:
        return None
    error: BaseException = packed[0]
    _, note, cause, context, suppressed, inner = packed
    if note:
        error.add_note(note)
    error.__cause__, error.__context__ = unpack(cause), unpack(context)
    error.__suppress_context__ = suppressed
    for each in inner:
        unpack(each)
    return error
