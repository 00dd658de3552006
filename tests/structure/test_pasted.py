"""Scripts for pasting are made from text; the tests of each study run all of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from concurrency_study.pasted import Unpasteable, pasteable, pasteable_function

FRONT = '''
    import asyncio
    from typing import Any

    def run(function, *args: Any, debug: bool = False):
        """The front door."""
        return asyncio.run(function(*args), debug=debug)
    '''
HELPERS = '''
    import math
    import os

    LEAST = 1
    """The least."""

    # Why it is so.
    def helped(value):
        return max(LEAST, math.floor(value))

    def unused():
        return os.sep
    '''
ANSWER = '''
    """Race: who is first?"""

    import time

    from .. import run
    from ..helpers import helped

    CANNOT = {"stop": "why"}

    # 1. Wait.
    async def race(value):
        return helped(value), time.monotonic()


    if __name__ == "__main__":
        run(race, 1.5)
    '''
SCRIPT = '''\
"""Race: who is first?"""

import asyncio
import math
import time

# The example and the helpers.

LEAST = 1
"""The least."""


# Why it is so.
def helped(value):
    return max(LEAST, math.floor(value))


# The answer.


# 1. Wait.
async def race(value):
    return helped(value), time.monotonic()


if __name__ == "__main__":
    asyncio.run(race(1.5), debug=False)
'''


@pytest.fixture
def demo(tmp_path):
    """Return a function that writes modules of a study, and returns its package."""
    package = tmp_path / "packages/demo/src/demo_study"
    toml = '[project]\ndependencies = ["concurrency-study", "demo>=1"]\n'

    def demo(**texts: str) -> Path:
        texts = {"__init__": FRONT, "helpers": HELPERS} | texts
        for name, text in texts.items():
            path = package / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip(), "utf-8")
        (package.parents[1] / "pyproject.toml").write_text(toml, "utf-8")
        return package

    return demo


def script(demo, answer=ANSWER, **texts):
    return pasteable(demo(use_cases__in__race=answer, **texts) / "use_cases/race.py")


def function(demo, text):
    folder = demo(behaviours__in__failing=text) / "behaviours"
    return pasteable_function(folder / "failing.py", "fails")


def test_an_answer_follows_what_it_uses_and_nothing_else(demo):
    assert script(demo) == SCRIPT


def test_imports_are_merged_and_a_library_is_named(demo):
    answer = ANSWER.replace("import time\n", "import demo.deep\n    import time, os\n")
    made = script(demo, answer.replace("time.mono", "os.sep, demo.deep, time.mono"))
    assert made.startswith('# pip install "demo>=1"\n"""Race')
    assert "import asyncio\nimport math\nimport os\nimport time\n\nimport demo" in made


def test_two_things_of_one_name_are_refused(demo):
    answer = ANSWER.replace("import time\n", "from time import monotonic as helped\n")
    with pytest.raises(Unpasteable, match="two things are named helped"):
        script(demo, answer)


@pytest.mark.parametrize(
    "line",
    ["from .. import helpers", "from ..helpers import helped as h, helped"],
)
def test_a_helper_that_would_need_another_name_is_refused(demo, line):
    answer = ANSWER.replace("from ..helpers import helped", line)
    answer = answer.replace("helped(value)", "helpers.helped(value), h")
    with pytest.raises(Unpasteable, match="under their own names"):
        script(demo, answer)


def test_an_import_of_the_study_inside_of_a_function_is_refused(demo):
    text = "def fails():\n    from ..helpers import helped\n    return helped(1)\n"
    with pytest.raises(Unpasteable, match="inside of a function"):
        function(demo, text)


def test_a_function_is_run_in_the_way_of_its_kind(demo):
    plain = "import time\n\n\ndef fails():\n    return 'yes'\n"
    assert function(demo, plain) == (
        "def fails():\n    return 'yes'\n\n\n"
        'if __name__ == "__main__":\n    print(fails())\n'
    )
    native = function(demo, plain.replace("def", "async def"))
    assert native.startswith("import asyncio\n\n\nasync def fails")
    assert native.endswith("    print(asyncio.run(fails(), debug=False))\n")


def test_an_unknown_function_is_refused(demo):
    with pytest.raises(Unpasteable, match="no function fails"):
        function(demo, "def other():\n    return 'yes'\n")
