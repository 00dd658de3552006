"""The standard library as it was before `gevent.monkey` has patched it, if it has."""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def unpatched(module: ModuleType, name: str) -> Any:
    """Return what a module held under a name before gevent has patched it."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey:
        return monkey.get_original(module.__name__, name)
    return getattr(module, name)


def is_patched() -> bool:
    """Return whether threads are greenlets here, or sleeps those of gevent."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return bool(monkey) and any(map(monkey.is_module_patched, ("time", "threading")))


get_ident: Callable[[], int] = unpatched(_thread, "get_ident")
