"""The studies that are installed, and their answers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from .registry import GROUP, Entry, answers_in, entry_of
from .topics import SECTIONS

CAPABILITIES = {
    "cancellation from outside": "The caller can cancel the call while it waits.",
    "cancelling a call within a job": "A call that a job makes is cancelled with it.",
    "stopping the rest": "The first error cancels the jobs that run beside it.",
    "waiting for the rest": "A call that fails or is cancelled ends after all "
    "its jobs.",
    "keeping every error": "The caller gets every error, those of a cleanup included.",
    "waiting in cleanup": "A job that is cancelled may wait in its cleanup, without a "
    "shield.",
    "a cleanup that no second cancellation disturbs": "Jobs that clean up are not "
    "cancelled again when the call is.",
    "cancelling again what swallows it": "A job that swallows its cancellation is "
    "cancelled again at its next wait.",
    "a deadline that stays expired": "A job that swallows an expired deadline is "
    "cancelled again at its next wait.",
    "shielding a cleanup from a deadline": "A shielded cleanup runs to its end, though "
    "an outer deadline expires.",
    "telling a deadline from the job's own TimeoutError": "A TimeoutError that a job "
    "raises itself is not mistaken for a deadline.",
    "a new file under the name": "`follow` reads the new file that takes the name.",
    "leaving no idle thread": "No worker thread is kept when the call has returned.",
    "sharing memory with jobs": "A job and its caller see the same objects.",
    "computing at once": "Two calls compute at the same time, each on a core.",
    "stopping a computation": "A call is stopped in the middle of its computation.",
    "surviving a crash": "A call that crashes raises an error in its caller.",
    "showing where an error was raised": "The error of a call shows the line that "
    "raised it.",
    "leaving no idle process": "No worker process is kept when the call has returned.",
    "thousands at once": "Thousands of jobs can run side by side.",
    "thousands in a race": "Thousands of functions can race side by side.",
}
"""All that a test may need, and that a study may declare in CANNOT or DIFFERS."""


class UnknownCapability(LookupError):
    """A study declares, or a test needs, a capability that is not listed."""


def check_capabilities(capabilities: Iterable[str], where: str) -> None:
    """Raise UnknownCapability if one of these is not in `CAPABILITIES`."""
    for capability in capabilities:
        if capability not in CAPABILITIES:
            known = "; ".join(CAPABILITIES)
            raise UnknownCapability(
                f"{where}: unknown capability {capability!r}; choose from: {known}"
            )


def declared_in(module: ModuleType, name: str) -> Mapping[str, str]:
    """Return ``CANNOT`` or ``DIFFERS`` of a module; it may have none.

    Raises:
        UnknownCapability: a key is not in `CAPABILITIES`.
    """
    found: Mapping[str, str] = getattr(module, name, {})
    check_capabilities(found, f"{name} of {module.__name__}")
    return found


@dataclass(frozen=True)
class Answer:
    """One file that answers a topic, and the function of the topic's name in it."""

    topic: str
    module: str
    cannot: Mapping[str, str] = field(hash=False)
    """Capabilities that this answer does not have, and why."""
    differs: Mapping[str, str] = field(hash=False)
    """Capabilities that it has, but not by default, and how to get them."""

    @property
    def variant(self) -> str:
        """The suffix of its file name; "" for the recommended answer."""
        return self.module.rpartition(".")[2].removeprefix(self.topic).lstrip("_")

    @property
    def question(self) -> ModuleType:
        """The module of the topic: contract, example, domain."""
        return importlib.import_module(f"concurrency_study.topics.{self.topic}")

    @property
    def function(self) -> Callable[..., Any]:
        """The function that is the answer."""
        return getattr(importlib.import_module(self.module), self.topic)


@dataclass(frozen=True)
class Study:
    """An installed study: the answers of one paradigm."""

    name: str
    package: ModuleType

    @property
    def folder(self) -> Path:
        """The folder of its package."""
        return Path(self.package.__path__[0])

    @property
    def entry(self) -> Entry:
        """Its entry in the registry."""
        return _entry(self.folder)

    @property
    def worlds(self) -> tuple[str, ...]:
        """The names of the worlds that its answers run in."""
        return self.entry.worlds

    @property
    def differs(self) -> Mapping[str, str]:
        """Capabilities that the paradigm has, though not by default, and how."""
        return declared_in(self.package, "DIFFERS")

    @property
    def cannot(self) -> Mapping[str, str]:
        """Capabilities that the paradigm does not have, and why."""
        return declared_in(self.package, "CANNOT")

    def answers(self, topic: str) -> list[Answer]:
        """Return every answer to a topic, the recommended one first."""
        return list(_answers(self, topic))


# An installed study does not change, and each of some 800 tests asks for these.
_entry = cache(entry_of)


@cache
def _answers(study: Study, topic: str) -> tuple[Answer, ...]:
    found: list[Answer] = []
    for answered, path in answers_in(study.folder, SECTIONS):
        if answered == topic:
            name = f"{study.package.__name__}.{path.parent.name}.{path.stem}"
            module = importlib.import_module(name)
            cannot = {**study.cannot, **declared_in(module, "CANNOT")}
            differs = {**study.differs, **declared_in(module, "DIFFERS")}
            found.append(Answer(topic, name, cannot, differs))
    return tuple(sorted(found, key=lambda answer: answer.module))


def installed_studies() -> list[Study]:
    """Return the studies that are installed here and can be imported."""
    return find_studies()[0]


def find_studies() -> tuple[list[Study], dict[str, str]]:
    """Return the studies that are installed here, and those that are broken.

    A broken one is given by name, with a line that says why it cannot be imported.
    """
    found: list[Study] = []
    broken: dict[str, str] = {}
    for entry in entry_points(group=GROUP):
        try:
            study = Study(entry.name, entry.load())
            _ = study.entry
        except Exception as error:
            broken[entry.name] = f"{type(error).__name__}: {error}"
        else:
            found.append(study)
    return found, broken
