"""The behaviour questions: found by their words, listed, filtered, and as JSON."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from concurrency_comparisons import cli, questions
from concurrency_comparisons.answers import Tree
from concurrency_comparisons.reports import Behaviour, Report, Story
from concurrency_study import behaviours
from concurrency_study.registry import QUESTIONS
from concurrency_study.trace import Event

ROOT = Path(__file__).parent.parent.parent
TREE = Tree(ROOT)
KEYS = {
    *("world", "way", "answer", "kind", "why", "instead", "sources", "versions"),
}


@pytest.fixture
def study(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(ROOT)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        return (ended.value.code or 0, *capfd.readouterr())

    return call


@pytest.fixture(scope="module")
def asked():
    return questions.all_asked(TREE, {})


def test_numbers_go_from_one_to_the_last_and_keys_are_unique():
    every = [q for group in behaviours.GROUPS for q in behaviours.questions_of(group)]
    assert sorted(each.number for each in every) == [*range(1, len(every) + 1)]
    assert len({each.key for each in every}) == len(every)
    for each in every:
        assert each.text.endswith("?"), each
        assert set(each.topics) <= set(TREE.topics), each


def test_every_study_answers_all_questions_or_none_in_every_world(asked):
    entries = [e for e in TREE.entries.values() if QUESTIONS not in e.leaves_out]
    worlds = {world for entry in entries for world in entry.every_world}
    for each in asked.values():
        assert set(each.by_world) >= worlds - {"asyncio-eager"}, each.question.key


def test_every_question_is_asked_as_people_type_it(asked):
    for each in asked.values():
        assert any(told.row.asked for told in each.answers), each.question.key
    typed = [told.row.asked for each in asked.values() for told in each.ways]
    typed = [text for text in typed if text]
    assert sorted({*typed}) == sorted(typed), "two rows are asked alike"
    for text in typed:
        assert text.endswith("?"), text
        assert len(text) <= 100, text


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("gather cancel", 10),
        ("10", 10),
        ("one_of_three_fails", 10),
        ("swallowed cancellation", 21),
        ("garbage collected task", 15),
        ("deadlock", 64),
        ("run inside run", 67),
        ("threading.local", 54),
        ("shield deadline", 34),
        ("SystemExit", 16),
    ],
)
def test_a_question_is_found_by_its_words(asked, words, number):
    best = questions.matching(asked.values(), words)[:3]
    assert number in [each.question.number for each in best]


def test_ask_prints_the_answers_of_the_question_that_fits_best(study):
    code, out, complaints = study("ask", "gather", "cancel")
    assert (code, complaints) == (0, "")
    assert out.startswith("10. One of three siblings raises")
    assert "gather passes the first error on" in " ".join(out.split())
    assert "What to write instead" in out
    assert "https://docs.python.org" in out
    assert "See also" in out


def test_ask_shows_the_code_that_measures(study):
    out = study("ask", "10", "--code")[1]
    assert "async def one_of_three_fails_gather():" in out


def test_ask_says_what_to_do_if_nothing_fits(study):
    code, _, complaints = study("ask", "qwertyuiop")
    assert code == 2
    assert "`study questions` lists them all" in complaints


def test_questions_are_listed_with_their_answers(study):
    code, out, complaints = study("questions")
    assert (code, complaints) == (0, "")
    for question in behaviours.questions().values():
        assert f"{question.number}. " in out
    assert "no or yes: asyncio" in out


def test_questions_can_be_filtered_by_group_and_world(study):
    out = study("questions", "--group", "failing", "--world", "trio", "--json")[1]
    found = json.loads(out)
    assert {each["group"] for each in found} == {"failing"}
    assert {a["world"] for each in found for a in each["answers"]} == {"trio"}


def test_a_pair_shows_only_what_the_two_answer_otherwise(study):
    found = json.loads(study("questions", "--pair", "asyncio", "trio", "--json")[1])
    assert found
    for each in found:
        told = {
            world: {a["answer"] for a in each["answers"] if a["world"] == world}
            for world in ("asyncio", "trio")
        }
        assert told["asyncio"] != told["trio"]


def test_differ_leaves_out_what_all_answer_alike(study, asked):
    found = json.loads(study("questions", "--differ", "--json")[1])
    alike = [q for q in asked.values() if not q.differs()]
    assert {each["number"] for each in found}.isdisjoint(
        each.question.number for each in alike
    )


@pytest.mark.parametrize(
    ("option", "value"), [("--group", "fainting"), ("--world", "trie")]
)
def test_an_unknown_filter_is_refused_with_what_there_is(study, option, value):
    code, _, complaints = study("questions", option, value)
    assert code == 2
    assert value in complaints
    assert "failing" in complaints or "trio" in complaints


def test_json_has_for_each_answer_what_a_program_needs(study):
    found = json.loads(study("questions", "--json")[1])
    assert [each["number"] for each in found] == [*range(1, len(found) + 1)]
    for each in found:
        assert isinstance(each["question"], str)
        for answer in each["answers"]:
            assert answer.keys() >= KEYS
            assert answer["kind"] in {"answer", *behaviours.KINDS}
            assert "python" in answer["versions"]
            assert answer["why"]
            assert "def " in answer["code"]


def test_a_report_says_what_was_measured_and_with_which_versions():
    run = Report("trio", ["trio"], "3.13.1", {"trio": "0.30.0"}, [], [])
    row = next(
        t.row
        for t in questions.all_asked(TREE, {})["spawn_returns_first"].answers
        if t.study == "trio"
    )
    behaviour = Behaviour(
        1, row.function, row.way, "trio", "yes", "answer", "yes", None, []
    )
    for told, measured in ((run, False), (replace(run, behaviours=[behaviour]), True)):
        found = questions.all_asked(TREE, {"trio": told})
        answer = next(t for t in found["spawn_returns_first"].answers if t.row == row)
        assert answer.measured is measured
        assert answer.versions == {"python": "3.13.1", "trio": "0.30.0"}


def test_an_answer_names_those_of_other_versions_but_not_of_other_worlds(asked):
    row = asked["spawn_returns_first"].answers[0].row
    answers = (
        {"answer": "no", "world": "one"},
        {"answer": "yes", "python": ">=3.13"},
        {"answer": "no"},
    )
    several = replace(row, answers=answers)
    one, other = (
        questions.Told(several, world, answer, {}, True)
        for world, answer in (("one", "no"), ("other", "yes"))
    )
    assert one.elsewhere == []
    assert other.elsewhere == ["no (other versions)"]
    assert replace(other, answer="no").elsewhere == ["yes (python >=3.13)"]


def test_a_page_has_the_title_that_people_type_and_the_answer_to_it(asked):
    found = asked["one_of_three_fails"]
    assert found.title == found.lead.row.asked
    assert "asyncio.gather" in found.title
    assert found.lead.answer == "no"
    left, right = found.sides
    assert left.told is found.lead
    assert right.instead
    assert "TaskGroup" in right.code


def test_a_question_without_advice_is_compared_with_another_answer(asked):
    found = asked["which_except_catches_timeout"]
    left, right = found.sides
    assert not right.instead
    assert left.told.answer != right.told.answer


def test_a_pair_begins_with_what_breaks_most_programs(asked):
    first = questions.changed(asked, "asyncio", "trio")[0]
    assert first.question.key == "swallowed_once"
    assert "cancel_finished_task" not in [
        each.question.key for each in questions.changed(asked, "asyncio", "trio")[:20]
    ]


def test_a_way_with_the_same_timeline_is_drawn_once(asked):
    row = asked["one_of_three_fails"].answers[0].row
    names = ("one", "two", "three")
    ends = {"one": 1.0, "two": 1.0, "three": 2.0}
    stories = {
        name: Story("", f"test_{name}", "w", "", end, None, "", [
            Event(0, "caller", "spawn", "task", "caller"),
            Event(end, "caller", "exit", "end", "caller"),
        ])
        for name, end in ends.items()
    }  # fmt: skip
    told = [
        questions.Told(replace(row, function=n), "w", "no", {}, True, stories)
        for n in names
    ]
    alike = questions.Asked(row.question, tuple(told)).alike
    assert [alike[each.anchor] for each in told] == [told[0], told[0], told[2]]


@pytest.mark.parametrize(("ways", "drawn"), [(9, 9), (10, 2)])
def test_a_page_with_many_timelines_draws_the_first_of_each_study(asked, ways, drawn):
    row = asked["one_of_three_fails"].answers[0].row
    told = []
    for number in range(ways):
        study, name = "asyncio" if number < 5 else "trio", f"way_{number}"
        events = [
            Event(0, "caller", "spawn", "task", "caller"),
            Event(float(number), "caller", "exit", "end", "caller"),
        ]
        story = Story("", f"test_{name}", "w", "", number, None, "", events)
        own = replace(row, study=study, function=name)
        told.append(questions.Told(own, "w", "no", {}, True, {name: story}))
    found = questions.Asked(row.question, tuple(told)).drawn
    firsts = {told[0].anchor, told[5].anchor}
    assert firsts <= found
    assert len(found) == drawn


@pytest.fixture(scope="module")
def drift():
    return runpy.run_path(str(ROOT / "tests/behaviours/drift.py"))


def told(answer, world="trio"):
    return {
        "number": 1, "question": "Why?", "function": "why", "way": "nursery",
        "world": world, "measured": answer,
    }  # fmt: skip


def test_drift_prints_only_what_changed(drift):
    before = {"answers": [told("yes"), told("no", "other")]}
    after = {"answers": [told("no"), told("no", "other")]}
    assert drift["changes"](before, after) == [
        "  1. Why?\n     trio, nursery: yes -> no"
    ]
    assert drift["changes"](before, before) == []


def test_drift_knows_which_studies_use_a_library(drift):
    assert "trio" in drift["libraries"]("trio") & drift["libraries"]("anyio")
    assert drift["libraries"]("threads") == {"threads"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a version"),
        (["no-such-library==1"], "no study uses"),
        (["trio=1"], "trio==0.30"),
    ],
)
def test_drift_says_what_to_name(drift, monkeypatch, capsys, arguments, says):
    monkeypatch.setattr(sys, "argv", ["drift", *arguments])
    with pytest.raises(SystemExit) as ended:
        drift["main"]()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
