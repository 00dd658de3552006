"""The tool finds exactly the mutants that the suite does not notice."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from .__main__ import File, Tally, equivalents
from .mutations import mutants
from .runs import Run, carry_out

ANSWER = '''
"""Adds numbers."""

LIMIT: int = 3
CANNOT = {"fly": "no wings"}


def add(numbers):
    """Return the sum of small numbers."""
    total = 0
    for number in numbers:
        if number < LIMIT:
            total += number
    return total


def demo():
    print(add([1, 2]))


if __name__ == "__main__":
    demo()
'''

SUITE = """
import answer

def test_small_numbers_are_added():
    assert answer.add([1, 2, 4]) == 3
"""


def changes(source, roots=None):
    return {(m.before, m.after) for m in mutants(source, roots)}


def test_the_expected_places_are_mutated_and_no_others():
    assert changes(ANSWER, {"add"}) == {
        ("LIMIT: int = 3", "LIMIT: int = None"),
        ("LIMIT: int = 3", "LIMIT: int = 4"),
        ("LIMIT: int = 3", "LIMIT: int = 2"),
        ("total = 0", "total = None"),
        ("total = 0", "total = 1"),
        ("total = 0", "total = -1"),
        ("for number in numbers:", "for number in ():"),
        ("if number < LIMIT:", "if not (number < LIMIT):"),
        ("if number < LIMIT:", "if number <= LIMIT:"),
        ("total += number", "total -= number"),
        ("total += number", "pass"),
        ("return total", "return None"),
    }


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("try:\n    f()\nfinally:\n    g()", "g()", "pass"),
        ("try:\n    f()\nexcept A:\n    g()", "g()", "raise"),
        ("try:\n    f()\nexcept A:\n    g()", "g()", "pass"),
        ("try:\n    f()\nexcept (A, B):\n    g()", "except (A, B):", "except A:"),
        (
            "try:\n    f()\nexcept Exception:\n    g()",
            "except Exception:",
            "except BaseException:",
        ),
        ("x = a is not b", "x = a is not b", "x = a is b"),
        ("x = a and (b or c)", "x = a and (b or c)", "x = a or (b or c)"),
        ("x = a and (b or c)", "x = a and (b or c)", "x = (b or c)"),
        ("x = not a", "x = not a", "x = a"),
        ("f(a, key=1, other=2)", "f(a, key=1, other=2)", "f(a, other=2)"),
        ("f(a, key=1)", "f(a, key=1)", "f(a, )"),
        ("raise A from b", "raise A from b", "raise A"),
        ("x = sorted(y)", "x = sorted(y)", "x = list(y)"),
        ("f(True)", "f(True)", "f(False)"),
        ("while x:\n    break", "break", "continue"),
        ("x = [y for y in z if y]", "x = [y for y in z if y]",
         "x = [y for y in z if not (y)]"),
        (
            "with shield():\n    f()",
            "with shield():",
            "with __import__('contextlib').nullcontext():",
        ),
        ("é = 'ä' + b", "é = 'ä' + b", "é = 'ä' - b"),
    ],
)  # fmt: skip
def test_a_mutation_of_this_kind_is_made(source, before, after):
    assert (before, after) in changes(source)


def test_a_mutant_keeps_its_name_when_its_line_moves():
    first = mutants("x = f(1)")
    later = mutants("\n\nx = f(1)")
    assert [(m.before, m.after) for m in first] == [(m.before, m.after) for m in later]
    assert len({m.id("a.py") for m in first}) == len(first)


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """``judge(answer, *entries)`` is the tally of an answer's mutants."""

    def run(answer, entries="", suite=SUITE, limit=20.0):
        (tmp_path / "answer.py").write_text(answer)
        (tmp_path / "test_answer.py").write_text(suite)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        monkeypatch.syspath_prepend(tmp_path)
        made = mutants(answer, {"add"})
        file = File("answer.py", "answer", answer, ["add"], frozenset(), made)
        tally = Tally("mine", equivalents(entries))
        tests = ["test_answer.py"]
        runs = [
            Run((file, m), tests, frozenset(), module="answer", source=m.source,
                limit=limit)
            for m in made
        ]  # fmt: skip
        for done in carry_out(runs, "", tmp_path, jobs=2):
            tally.add(done)
        tally.finish(None)
        return tally

    return run


def entry(before, after, study="mine"):
    return f"""
[[equivalent]]
study = "{study}"
file = "answer.py"
before = "{before}"
after = "{after}"
reason = "no test tries this number"
"""


def test_survivors_are_shown_as_diffs_and_counted(judge):
    tally = judge(ANSWER)
    told = str(tally)
    assert tally.whole["killed"] == 10
    assert tally.whole["survived"] == 2
    assert "+        if number <= LIMIT:" in told
    assert "+LIMIT: int = 4" in told
    assert not tally.problems
    assert not tally.passed


def test_equivalent_mutants_do_not_count(judge):
    tally = judge(
        ANSWER,
        entry("if number < LIMIT:", "if number <= LIMIT:")
        + entry("LIMIT: int = 3", "LIMIT: int = 4"),
    )
    assert tally.whole == Counter({"killed": 10, "equivalent": 2, "by the limit": 0})
    assert tally.passed


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("if number < LIMITS:", "if number <= LIMITS:", "is not a mutant"),
        ("total = 0", "total = 1", "is killed"),
    ],
)
def test_a_wrong_entry_in_the_list_fails_the_run(judge, before, after, problem):
    tally = judge(ANSWER, entry(before, after))
    assert len(tally.problems) == 1
    assert problem in tally.problems[0]
    assert not tally.passed


def test_an_entry_of_another_study_is_ignored(judge):
    tally = judge(ANSWER, entry("total = 0", "total = 1", study="yours"))
    assert not tally.problems


def test_a_mutant_that_never_ends_is_killed_by_the_limit(judge):
    answer = "def add(numbers):\n    x = 1\n    while x < 3:\n        x += 1\n"
    suite = "import answer\n\ndef test_it_ends():\n    answer.add([])\n"
    tally = judge(answer, suite=suite, limit=2.0)
    assert tally.whole["by the limit"] == 3  # x -= 1, x += 0, and nothing


def test_a_run_without_tests_judges_nothing(judge):
    tally = judge(ANSWER, suite="")
    assert len(tally.problems) == 12
    assert not tally.passed


def test_this_process_has_imported_no_mutant(judge):
    judge(ANSWER)
    assert "answer" not in sys.modules
