"""The option ``--seconds``, and a summary of how long each program took."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seconds",
        type=float,
        default=None,
        help="fail a program in tests/hangs that takes longer than this in real time",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.get_verbosity() < 0:
        return
    found: list[tuple[float, str, str]] = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            ended = dict(getattr(report, "user_properties", ())).get("hang")
            if ended and report.when == "call":
                found.append(tuple(ended))
    if found:
        terminalreporter.section("programs that hang: seconds, program, end")
        for seconds, program, end in sorted(found, reverse=True):
            terminalreporter.line(f"{seconds:5.2f}  {program:70}  {end[:100]}")
