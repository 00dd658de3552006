"""The questions about behaviour, each answered by a measurement in every study.

A group of questions is a module of this package. A study answers the questions of a
group in a module of the same name, ``<study>_study/behaviours/<group>.py``, with one
function for each way there is, named ``<key>`` or ``<key>_<way>``. Each function shows
what happens and returns it in a word or three. The published answers are in
``<group>.toml`` beside it: see `published`. `measure` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

GROUPS = ("starting", "failing", "cancelling", "sharing", "ending")
SUBJECTS = (
    *((10, 11), (15,), (14,), (23, 28), (67,), (55, 56)),
    *((37,), (21, 20), (33, 34), (69,), (75,), (5, 6)),
)
"""The numbers of the questions about what people ask most, most asked first."""
MOST_ASKED = tuple(number for subject in SUBJECTS for number in subject)
KINDS = ("absent", "unspecified", "hangs", "crashes")
"""Answers that every question may have."""


@dataclass(frozen=True)
class Question:
    """A question about behaviour, with one answer for each way in each world."""

    number: int
    key: str
    text: str
    words: tuple[str, ...]
    """The answers that it may have, besides `KINDS`."""
    topics: tuple[str, ...] = ()
    """The topics whose answers depend on it."""
    also: str = ""
    """Other words that people ask it with."""

    @property
    def group(self) -> str:
        """The name of the module that it is in."""
        return next(g for g in GROUPS if self in questions_of(g))

    def allows(self, answer: str) -> bool:
        """Return whether this is one of the answers that it may have."""
        return answer in self.words or answer in KINDS


def questions_of(group: str) -> tuple[Question, ...]:
    """Return the questions of a group."""
    return import_module(f"{__name__}.{group}").QUESTIONS


@cache
def questions() -> dict[str, Question]:
    """Return all questions by key, in the order of their numbers."""
    found = [question for group in GROUPS for question in questions_of(group)]
    return {each.key: each for each in sorted(found, key=lambda each: each.number)}
