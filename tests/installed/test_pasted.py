"""A pasted function of behaviours has all that it needs, and prints its answer."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from concurrency_study.behaviours import KINDS
from concurrency_study.behaviours.measure import matches, run
from concurrency_study.behaviours.published import read
from concurrency_study.pasted import pasteable_function
from concurrency_study.suite import PLUGIN

ALONE = Path(__file__).with_name("alone.py")
pytestmark = pytest.mark.usefixtures("temporary_folder")


def rows_of(study):
    return read(study.name, study.folder)


def pytest_generate_tests(metafunc):
    if "row" in metafunc.fixturenames:
        study = metafunc.config.pluginmanager.get_plugin(PLUGIN).the_study()
        rows = [pytest.param(row, id=row.function) for row in rows_of(study)]
        metafunc.parametrize("row", rows)


@pytest.fixture
def collected():
    """Collect what a test leaves in reference cycles, while it can still say so."""
    yield
    gc.collect()


def test_a_pasted_function_has_all_that_it_uses(row, study, collected):
    place = study.worlds[0]
    text = pasteable_function(row.file, row.function)
    names = {"__name__": "pasted"}
    exec(compile(text, f"{row.function}.py", "exec"), names)
    if row.answer(place) and not row.apart:
        said = run(names[row.function], place, real=row.real)
        if not isinstance(said, str):  # the outcomes of several runs
            said = " or ".join(sorted(said))
        assert matches(row, row.answer(place), said)


def answer_of(script, refused):
    """Return the last line that a script prints, or its error."""
    command = [sys.executable, "-W", "ignore", "-I", ALONE, script, *refused]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines()[-1] if done.stdout else done.stderr


def test_a_pasted_function_prints_its_answer(study, refused, tmp_path):
    """Only those without a number are run, as the others may wait for long."""
    answers, printed = {}, {}
    with ThreadPoolExecutor(4) as pool:
        for row in rows_of(study):
            answer = row.answer(study.worlds[0])
            text = pasteable_function(row.file, row.function)
            body = text.partition("def ")[2].partition('\nif __name__ == "')[0]
            quick = not re.search(r"\d", body)
            if quick and answer not in {"", *KINDS} and not row.apart:
                script = tmp_path / f"{row.function}.py"
                script.write_text(text, "utf-8")
                answers[row.function] = answer
                printed[row.function] = pool.submit(answer_of, script, refused)
    # A study may leave all questions out, as tests/behaviours says.
    assert bool(answers) == (study.folder / "behaviours").exists()
    assert {name: said.result() for name, said in printed.items()} == answers
