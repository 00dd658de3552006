"""The names of the study in the index exist, and tested code uses them."""

import ast
import builtins
import inspect
import pkgutil
import sys

import pytest
from concurrency_study import counterparts
from concurrency_study.behaviours.measure import run
from concurrency_study.counterparts import EXAMPLES, purposes, read
from concurrency_study.suite import PLUGIN

pytestmark = pytest.mark.usefixtures("temporary_folder")


def study_of(config):
    return config.pluginmanager.get_plugin(PLUGIN).the_study()


def examples_of(study):
    path = study.folder / EXAMPLES
    tree = ast.parse(path.read_text("utf-8") if path.exists() else "")
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node.name for node in tree.body if isinstance(node, kinds)]


def pytest_generate_tests(metafunc):
    study = study_of(metafunc.config)
    if "name" in metafunc.fixturenames:
        names = {
            name.name: name
            for counterpart in read(study.name, study.folder).values()
            for name in counterpart.names
        }
        metafunc.parametrize("name", names.values(), ids=names)
    elif "example" in metafunc.fixturenames:
        cases = [(name, place) for name in examples_of(study) for place in study.worlds]
        metafunc.parametrize(("example", "place"), cases)


@pytest.fixture(scope="session")
def study(request):
    return study_of(request.config)


@pytest.fixture(scope="session")
def places(study):
    """The tested code of the study."""
    return [*counterparts.tested(study.folder)]


def thing_of(name, study):
    """Return what a name of a study refers to."""
    first = name.path.partition(".")[0]
    if first == name.path:
        return getattr(builtins, first)
    of_the_study = any(study.folder.glob(f"{first}*"))
    prefix = f"{study.name}_study." if of_the_study else ""
    return pkgutil.resolve_name(prefix + name.path)


def is_newer_than_this_python(name):
    return tuple(map(int, (name.since or "0").split("."))) > sys.version_info


def test_the_name_exists(name, study):
    if is_newer_than_this_python(name):
        with pytest.raises(AttributeError):
            thing_of(name, study)
        return
    thing = thing_of(name, study)
    if name.call and name.call.keywords:
        parameters = inspect.signature(thing).parameters
        assert {keyword.arg for keyword in name.call.keywords} <= {*parameters}


def test_tested_code_uses_the_name(name, places):
    assert any(place.code.uses(name) for place in places)


def test_every_purpose_has_a_name_or_a_reason_in_the_order_of_the_rows(study):
    found = read(study.name, study.folder)
    if found:  # a study from elsewhere may leave them all out
        assert [*found] == [*purposes()]


def test_the_example_works(example, place, study):
    module = pkgutil.resolve_name(f"{study.name}_study.{EXAMPLES.removesuffix('.py')}")
    assert run(getattr(module, example), place, real=True) == "works"


def test_an_example_shows_a_name_that_nothing_else_uses(study, places):
    rows = read(study.name, study.folder)
    others = [place for place in places if place.path.name != EXAMPLES]
    for example in examples_of(study):
        assert not all(
            any(place.code.uses(name) for place in others)
            for name in rows[example].names
        ), example
