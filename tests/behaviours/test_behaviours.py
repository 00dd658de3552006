"""The published answers of the study are those that are measured."""

import ast
import functools
import inspect
import re
from dataclasses import replace
from importlib.metadata import requires, version

import pytest
from concurrency_study.behaviours import GROUPS, KINDS, questions
from concurrency_study.behaviours.measure import (
    function_of,
    matches,
    measure,
    run,
)
from concurrency_study.behaviours.published import read
from concurrency_study.report import behaviour_record
from packaging.requirements import Requirement

pytestmark = pytest.mark.usefixtures("temporary_folder")


def test_the_published_answer_is_measured(
    row, place, published, record_property, collected
):
    answer = row.answer(place)
    run = measure(row, place)
    said = run.said
    record_property("behaviour", behaviour_record(row, place, run))
    assert matches(row, answer, said), (
        f"{row.question.text} Published for {place}: {answer}. Measured: {said}."
    )
    assert_any_other_fails_alone(row, place, said, published[1])


def assert_any_other_fails_alone(row, place, said, rows):
    """Flip the published answer, and see this comparison fail and no other."""
    rows = [each for each in rows if each.answer(place)]
    words = {*row.question.words, *KINDS}
    for other in words - {row.answer(place), "unspecified", *row.outcomes}:
        wrong = replace(row, answers=({"answer": other},))
        failing = [
            each.function
            for each in (wrong if each == row else each for each in rows)
            if not matches(
                each,
                each.answer(place),
                said if each is wrong else as_published(each, place),
            )
        ]
        assert failing == [row.function], other


def as_published(row, place):
    """Return the words of a run that fits."""
    answer = row.answer(place)
    return " or ".join(row.outcomes or [answer]) if answer == "unspecified" else answer


def test_every_question_has_an_answer_in_every_world(published):
    study, rows = published
    if not (study.folder / "behaviours").exists():
        return  # a study from elsewhere may leave them all out, not some of them
    for question in questions().values():
        for world in study.worlds:
            answers = [r.answer(world) for r in rows if r.question == question]
            assert any(answers), f"{question.number} {question.key} in {world}"


def test_every_function_has_an_answer_and_every_answer_a_function(published):
    study, rows = published
    snippets = {row.snippet for row in rows if row.snippet}
    for group in GROUPS:
        path = study.folder / "behaviours" / f"{group}.py"
        if not path.exists():
            assert not [row.function for row in rows if row.group == group]
            continue
        tree = ast.parse(path.read_text("utf-8"))
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        functions = {node.name for node in tree.body if isinstance(node, kinds)}
        named = {row.function for row in rows if row.group == group}
        assert named <= functions, f"{group}.toml names what {path.name} has not"
        assert functions <= named | snippets, f"{path.name} has what is not published"


def test_every_condition_holds_for_some_supported_version(published):
    study, rows = published
    supported = list(_supported(study))
    for row in rows:
        for number, answer in enumerate(row.answers):
            alone = replace(row, answers=row.answers[number : number + 1])
            assert any(
                alone.answer(world, versions)
                for world in study.entry.every_world
                for versions in supported
            ), f"{row.function}: {answer} holds nowhere"


def _supported(study):
    """Yield the oldest and the tested version of each library, with each Python."""
    needs = [Requirement(line) for line in requires(f"{study.name}-study") or []]
    needs = [need for need in needs if need.marker is None]
    found = {need.name: re.search(r">=([\d.]+)", str(need.specifier)) for need in needs}
    tested = {name: version(name) for name in found}
    oldest = {
        name: least[1] if least else tested[name] for name, least in found.items()
    }
    for minor in range(11, 15):
        for libraries in (tested, oldest):
            yield {**libraries, "python": f"3.{minor}.5"}


@pytest.mark.parametrize("condition", ["python = '>=3.99'", "no-such = '<2'"])
def test_a_condition_that_holds_nowhere_is_found(tmp_path, published, condition):
    study, _ = published
    (tmp_path / "behaviours").mkdir()
    (tmp_path / "behaviours/failing.toml").write_text(
        f'[one_of_three_fails]\nanswers = [{{answer = "no", {condition}}}]\nwhy = "A."'
    )
    with pytest.raises(AssertionError, match="holds nowhere"):
        test_every_condition_holds_for_some_supported_version(
            (study, read("toy", tmp_path))
        )


def test_ways_of_a_question_have_names_of_their_own(published):
    _, rows = published
    for question in questions().values():
        ways = [row.way for row in rows if row.question == question]
        assert len(ways) == len(set(ways)), question.key
        assert len(ways) < 2 or all(ways), f"{question.key} needs a way in each table"


def test_each_snippet_works(published):
    study, rows = published
    named = {row.function: row for row in rows}
    for row in rows:
        if row.snippet and row.snippet not in named:
            function = function_of(row.study, row.group, row.snippet)
            assert run(function, study.worlds[0], real=row.real) == "works"


def test_the_story_of_a_run_has_its_actors_and_what_they_print(published):
    study, rows = published
    for row in rows:
        if row.question.key == "one_of_three_fails" and not row.real:
            run = measure(row, study.worlds[0])
            spawned = [event for event in run.events if event.what == "spawn"]
            printed = [event for event in run.events if event.actor == "print"]
            assert len(spawned) >= 4, row.function  # the caller and three siblings
            assert printed, row.function
            assert {event.by for event in printed} <= {event.by for event in spawned}
            assert run.seconds > 0


def test_each_function_is_short(published):
    _, rows = published
    for row in rows:
        function = function_of(row.study, row.group, row.function)
        lines = inspect.getsource(function).strip().splitlines()
        assert len(lines) <= 35, f"{row.function} has {len(lines)} lines"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[no_such]\nanswer = "no"', "no question"),
        ('[one_of_three_fails]\nanswer = "perhaps"\nwhy = "A."', "is not one of"),
        ('[one_of_three_fails]\nanswer = "no"\nwhy = "A"', "sentence"),
        ("[one_of_three_fails]", "either answer or answers"),
        ('[one_of_three_fails]\nanswer = "no"\nwho = "A"', "unknown key 'who'"),
        ('[one_of_three_fails]\nanswer = "unspecified"\nwhy = "A."', "two outcomes"),
        ('[start_order]\nanswer = "no"\nwhy = "A."', "group starting"),
        (
            '[one_of_three_fails]\nwhy = "A."\n'
            'answers = [{answer = "no", python = "3.12"}]',
            "not like >=3.12",
        ),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path, table, message):
    folder = tmp_path / "behaviours"
    folder.mkdir()
    (folder / "failing.toml").write_text(table)
    with pytest.raises(ValueError, match=message):
        read("toy", tmp_path)


def test_the_first_answer_whose_conditions_hold_counts(tmp_path):
    (tmp_path / "behaviours").mkdir()
    (tmp_path / "behaviours/failing.toml").write_text(
        "[one_of_three_fails]\n"
        'why = "A."\n'
        'answers = [{answer = "absent", world = "b"},\n'
        ' {answer = "yes", python = ">=3.12", trio = "<0.30"}, {answer = "no"}]\n'
    )
    (row,) = read("toy", tmp_path)
    versions = functools.partial(dict, python="3.12.1")
    assert row.answer("b", versions()) == "absent"
    assert row.answer("a", versions(trio="0.29.0")) == "yes"
    assert row.answer("a", versions(trio="0.30.0")) == "no"
    assert row.answer("a", {"python": "3.11.7", "trio": "0.29"}) == "no"
