"""The way in which jobs and results travel between the threads of a cluster.

Dask pickles them, by cloudpickle what a test has defined. Errors are known again, as in
the world of processes.
"""

from __future__ import annotations

import io
import pickle
import types
from typing import Any

import cloudpickle  # pyright: ignore[reportMissingTypeStubs]

from ..processes.travel import forget, reduced

__all__ = ["by_reference", "by_value", "forget"]

_ByValue: Any = cloudpickle.Pickler
_cloudpickle: Any = cloudpickle.cloudpickle
_code_reduce: Any = _cloudpickle._code_reduce
_NO_FILE = "<dynamic-code>"


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        return reduced(obj)


class _PicklerByValue(_ByValue):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.CodeType):  # a deadlock names the file of the test
            make, parts = _code_reduce(obj)
            return make, tuple(obj.co_filename if p == _NO_FILE else p for p in parts)
        made = reduced(obj)
        return _ByValue.reducer_override(self, obj) if made is NotImplemented else made


def _module(module: Any, kind: Any) -> Any:
    """Return a module that pickles with another pickler."""

    def dumps(obj: Any, protocol: Any = None, **options: Any) -> bytes:
        buffer = io.BytesIO()
        kind(buffer, protocol=protocol, **options).dump(obj)
        return buffer.getvalue()

    return types.SimpleNamespace(**{**vars(module), "dumps": dumps})


by_reference: Any = _module(pickle, _Pickler)
"""The module ``pickle``, for dask."""
by_value: Any = _module(cloudpickle, _PicklerByValue)
"""The module ``cloudpickle``, for dask."""
