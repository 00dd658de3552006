"""The clocks: every way to read the time, and to let it pass.

The replacements here are made once. Each looks whether a run is active and its caller
is one of its threads, and otherwise does what the original does. So a module that keeps
one after a run, as by ``from time import sleep``, is not harmed.
"""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable
from typing import Any

from .machine import Machine, mine

_SECOND = 1_000_000_000


def clocks() -> dict[str, Callable[..., Any]]:
    """Return the replacements for functions of the module ``time``, by name."""

    def sleep(seconds: float, /) -> None:
        machine = mine()
        if machine is None:
            real_sleep(seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        elif seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        elif seconds > _LONGEST:
            raise OverflowError("timestamp too large to convert to C PyTime_t")
        else:
            machine.sleep(seconds)

    real_sleep = time.sleep
    found: dict[str, Callable[..., Any]] = {
        "sleep": sleep,
        "monotonic": _teller(time.monotonic, _reading),
        "perf_counter": _teller(time.perf_counter, lambda m: m.ns / 1e9),
        "time": _teller(time.time, lambda m: (m.epoch + m.ns) / _SECOND),
        "monotonic_ns": _teller(time.monotonic_ns, lambda m: m.ns),
        "perf_counter_ns": _teller(time.perf_counter_ns, lambda m: m.ns),
        "time_ns": _teller(time.time_ns, lambda m: m.epoch + m.ns),
    }
    if hasattr(time, "clock_gettime"):
        found["clock_gettime"] = _clock_teller(time.clock_gettime, _SECOND)
        found["clock_gettime_ns"] = _clock_teller(time.clock_gettime_ns, 1)
    for name in ("localtime", "gmtime"):
        found[name] = _dated(getattr(time, name))
    found["ctime"] = _dated(time.ctime)
    for name in ("strftime", "asctime"):
        found[name] = _structured(getattr(time, name), name == "strftime")
    return found


_LONGEST = 2**63 / 1e9
"""The longest sleep in seconds, as the real function has it."""


def monotonic_under_lock() -> float:
    """Replace ``time.monotonic`` where a lock is held: never pass the baton on."""
    machine = mine()
    if machine is None:
        return _real_monotonic()
    machine.look(locked=True)
    return machine.reading


def monotonic_ahead() -> float:
    """Replace ``time.monotonic`` for ``as_completed``, which polls until time is up.

    It asks whether its timeout is over, not whether it has come.
    """
    machine = mine()
    if machine is None:
        return _real_monotonic()
    machine.look()
    return machine.reading + math.ulp(max(1.0, machine.reading))


_real_monotonic = time.monotonic


def _reading(machine: Machine) -> float:
    return machine.reading


def _teller(real: Callable[[], Any], tell: Callable[[Machine], Any]) -> Any:
    def told() -> Any:
        machine = mine()
        if machine is None:
            return real()
        machine.look()
        machine.read_clock()
        return tell(machine)

    return told


def _clock_teller(real: Callable[[int], Any], unit: int) -> Callable[[int], Any]:
    dated = {time.CLOCK_REALTIME, getattr(time, "CLOCK_REALTIME_COARSE", -1)}
    steady = {
        getattr(time, f"CLOCK_{name}")
        for name in ("MONOTONIC", "MONOTONIC_RAW", "BOOTTIME", "UPTIME_RAW")
        if hasattr(time, f"CLOCK_{name}")
    }

    def told(clock: int, /) -> Any:
        machine = mine()
        if machine is None or clock not in dated | steady:
            return real(clock)
        machine.look()
        machine.read_clock()
        ns = machine.ns + (machine.epoch if clock in dated else 0)
        return ns / unit if unit > 1 else ns

    return told


def _dated(real: Callable[..., Any]) -> Callable[..., Any]:
    def told(seconds: float | None = None, /) -> Any:
        machine = mine()
        if machine is None or seconds is not None:
            return real(seconds)
        return real((machine.epoch + machine.ns) / _SECOND)

    return told


def _structured(real: Callable[..., Any], with_format: bool) -> Callable[..., Any]:
    real_localtime = time.localtime

    def told(*args: Any) -> Any:
        machine = mine()
        if machine and len(args) == int(with_format):
            args = (*args, real_localtime((machine.epoch + machine.ns) / _SECOND))
        return real(*args)

    return told


def dates() -> dict[str, Any]:
    """Return the replacements for methods of the class ``datetime``, by name.

    ``today`` needs none: it calls ``time.time``.
    """
    names = vars(datetime.datetime)
    real_now, real_utcnow = names["now"], names["utcnow"]

    def now(cls: Any, tz: Any = None) -> Any:
        machine = mine()
        if machine is None:
            return real_now.__get__(None, cls)(tz)
        whole, rest = divmod(machine.epoch + machine.ns, _SECOND)
        return cls.fromtimestamp(whole, tz).replace(microsecond=rest // 1000)

    def utcnow(cls: Any) -> Any:
        if mine() is None:
            return real_utcnow.__get__(None, cls)()
        return now(cls, datetime.timezone.utc).replace(tzinfo=None)  # noqa: UP017

    return {"now": classmethod(now), "utcnow": classmethod(utcnow)}
