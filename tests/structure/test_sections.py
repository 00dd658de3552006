"""All studies are alike: the same sections, names, titles, parameters and steps."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from itertools import combinations
from pathlib import Path

import pytest
from concurrency_study.registry import (
    QUESTIONS,
    answers_in,
    entry_of,
    in_checkout,
    topic_of,
)
from concurrency_study.topics import SECTIONS, TOPICS

ROOT = Path(__file__).parent.parent.parent
ENTRIES = {path.name: entry_of(path) for path in in_checkout(ROOT)}
PACKAGES = {entry.name: entry.package for entry in ENTRIES.values()}
STUDIES = tuple(PACKAGES)
ANSWERS = sorted(p for each in PACKAGES.values() for _, p in answers_in(each, SECTIONS))
TUTORIAL = sorted(PACKAGES["generators"].glob("tutorial/[!_]*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "packages").as_posix()


def asked(path: Path) -> str:
    topic = topic_of(path.stem, TOPICS)
    assert topic is not None
    return topic


def question(path: Path):
    return import_module(f"concurrency_study.topics.{asked(path)}")


def function_of(path: Path) -> ast.FunctionDef | ast.AsyncFunctionDef:
    (found,) = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == asked(path)
    ]
    return found


def functions_in(path: Path) -> list[str]:
    """The names of all functions, in the order in which they are defined."""
    found = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [node.name for node in sorted(found, key=lambda node: node.lineno)]


def steps_in(path: Path) -> list[tuple[int, str]]:
    found = re.findall(r"^ *# (\d+)\. (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return [(int(number), text) for number, text in found]


QUIET = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef),
    *(ast.ClassDef, ast.Assign, ast.AnnAssign),
)

every_answer = pytest.mark.parametrize("path", ANSWERS, ids=name_of)
every_topic = pytest.mark.parametrize("topic", TOPICS)


@pytest.mark.parametrize("study", STUDIES)
def test_every_file_of_a_section_answers_a_topic(study):
    for section, topics in SECTIONS.items():
        for path in (PACKAGES[study] / section).glob("[!_]*.py"):
            assert topic_of(path.stem, TOPICS) in topics, path


@every_topic
def test_a_topic_has_the_same_name_everywhere(topic):
    (section,) = [name for name, topics in SECTIONS.items() if topic in topics]
    for entry in ENTRIES.values():
        answered = (entry.package / section / f"{topic}.py").exists()
        assert answered != (topic in entry.leaves_out), entry.name
    assert (ROOT / f"shared/src/concurrency_study/topics/{topic}.py").exists()
    assert (ROOT / f"tests/conformance/test_{topic}.py").exists()
    assert (ROOT / f"tests/mutants/planted/{topic}.py").exists()


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_leaves_out_only_known_topics_each_with_a_reason(study):
    left_out = ENTRIES[f"{study}_study"].leaves_out
    assert set(left_out) <= {*TOPICS, QUESTIONS}
    assert all(reason.strip() for reason in left_out.values())


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_answers_questions_or_says_why_it_answers_none(study):
    left_out = QUESTIONS in ENTRIES[f"{study}_study"].leaves_out
    assert (PACKAGES[study] / "behaviours").exists() != left_out


def test_there_is_no_topic_that_is_not_listed():
    found = {p.stem for p in ROOT.glob("shared/src/concurrency_study/topics/*.py")}
    assert found - {"__init__"} == set(TOPICS)


@every_answer
def test_the_title_is_that_of_the_topic(path):
    own = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    asked = question(path).__doc__
    assert own.splitlines()[0] == asked.splitlines()[0]
    assert len(own.split("\n\n")) >= 2, "the second paragraph says what is particular"


@every_answer
def test_the_parameters_are_those_of_the_topic(path):
    call = re.search(rf"^    {asked(path)}\((.*)\)$", question(path).__doc__, re.M)
    assert call is not None
    arguments = function_of(path).args
    assert [argument.arg for argument in arguments.args] == call[1].split(", ")
    assert not arguments.kwonlyargs


@every_answer
def test_step_comments_are_those_of_the_topic_in_its_order(path):
    steps = dict(enumerate(question(path).STEPS, 1))
    found = steps_in(path)
    assert found, "an answer shows its steps"
    assert [steps.get(number) for number, _ in found] == [text for _, text in found]
    assert found == sorted(found)
    assert len(found) == len(set(found))


@every_topic
def test_a_topic_names_other_topics_to_look_at_next(topic):
    module = import_module(f"concurrency_study.topics.{topic}")
    neighbours = module.NEIGHBOURS
    assert 1 <= len(neighbours) <= 3
    assert len({*neighbours}) == len(neighbours)
    assert {*neighbours} <= {*TOPICS} - {topic}


@every_topic
def test_helpers_have_the_same_order(topic):
    paths = [path for path in ANSWERS if path.stem == topic]
    for one, other in combinations(paths, 2):
        first, second = functions_in(one), functions_in(other)
        common = [name for name in first if name in second]
        assert common == [name for name in second if name in first], (
            name_of(one),
            name_of(other),
        )


@every_answer
def test_the_answer_checks_its_input_first(path):
    first, *_ = (n for n in function_of(path).body if not _is_docstring(n))
    assert "check(" in ast.unparse(first)


@pytest.mark.parametrize("path", [*ANSWERS, *TUTORIAL], ids=name_of)
def test_nothing_runs_at_import(path):
    for node in ast.parse(path.read_text("utf-8")).body:
        quiet = (
            ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef
        ) | (ast.ClassDef | ast.Assign | ast.AnnAssign)
        guard = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
        assert isinstance(node, quiet) or _is_docstring(node) or guard, ast.unparse(
            node
        )
    assert 'if __name__ == "__main__":' in path.read_text("utf-8")


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_has_a_front_door(study):
    text = (PACKAGES[study] / "__init__.py").read_text("utf-8")
    tree = ast.parse(text)
    assert len((ast.get_docstring(tree) or "").split()) > 30, "what the paradigm is"
    names = {
        getattr(target, "id", None)
        for node in tree.body
        for target in getattr(node, "targets", [getattr(node, "target", None)])
    }
    assert "CANNOT" in names
    assert "run" in text


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
