"""The classic races of a study: each is found, replayed and fixed, or left out."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from concurrency_study.available import make_world
from concurrency_study.races import BUGS, absent, present
from concurrency_study.study import installed_studies

(STUDY,) = installed_studies()
FOLDER = Path(import_module(f"{STUDY.name}_study.races").__file__).parent
ABSENT = absent(STUDY.folder)
HERE = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


WORLDS = [name for name in STUDY.worlds if " " not in name]


@pytest.fixture(params=WORLDS)
def make(request):
    """A function that makes a world of the study."""
    return lambda: make_world(request.param)


@pytest.fixture(params=present(STUDY.folder))
def race(request):
    """A module with a broken program and its fix."""
    return import_module(f"{STUDY.name}_study.races.{request.param}")


def failure(explore, *args, **options):
    """Return the kind of the failure of a search, and its token."""
    with pytest.raises(Exception) as raised:  # noqa: PT011
        explore(*args, **options)
    note = raised.value.__notes__[-1]
    found = re.search(r"^Replay it: (\S+)$", note, re.M)
    assert found, note
    return raised.type, found[1]


def test_each_race_is_shown_or_its_absence_is_explained():
    assert HERE | ABSENT.keys() == {*BUGS}
    assert not HERE & ABSENT.keys()
    assert all(re.fullmatch(r"[A-Z].*\.", reason) for reason in ABSENT.values())


# An eager task begins before its sibling exists, so some races cannot happen.
@pytest.mark.parametrize(
    "make", [name for name in WORLDS if "eager" not in name], indirect=True
)
@pytest.mark.parametrize("seed", range(3))
def test_the_race_is_found_and_replayed(make, race, seed):
    kind, token = failure(make().explore, race.broken, seed=seed)
    assert len(token) <= 80
    for _ in range(2):
        assert failure(make().explore, race.broken, replay=token) == (kind, token)


def test_no_schedule_breaks_the_fix(make, race):
    explored = make().explore(race.fixed, schedules=100)
    assert not explored.refused


def test_a_run_that_is_watched_replays_the_schedule(make, race):
    """Its points are those of other runs, though it notes threads and tasks."""

    def explore(*, watching):
        world = make()
        world.watching = watching
        try:
            world.explore(race.broken, schedules=200)
        except Exception as error:
            return error.__notes__[-1]
        return ""

    assert explore(watching=True) == explore(watching=False)
