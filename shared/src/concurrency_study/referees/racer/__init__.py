"""The referee of the obstacle course: eleven races, judged on real sockets.

A client knows a base URL and makes requests ``GET /1`` ... ``GET /11``. The class of
each obstacle, in `rules`, says which. The last answer must be the body ``right``. The
rules are those of Easy Racer, https://github.com/jamesward/easyracer, and the times are
those of its scenario server (obstacle 10, for instance, holds the connection for 5 to 9
seconds). Each class says what this referee adds.

**Rounds.** The first request at an obstacle begins a round. Later requests belong to
it until one was answered ``right`` or none of its requests is open. So the next run
begins a new round, even if the last one was given up or left a loser open. The counts
below show such a loser. Clients that run side by side put a name in front: ``/blue/1``
and ``/red/1`` belong to different courses.

**Other pages**, in every course (``/stats`` and ``/blue/stats``):

- ``GET /`` lists the pages.
- ``GET /stats`` returns the fields of `Stats` as JSON. ``GET /stats?settled=5`` first
  waits, at most 5 seconds, until no request of the course is open and no connection
  except those that ask for such pages.
- ``POST /reset`` ends all connections of the course and resets all counts to 0.

::

    python -m concurrency_study.referees.racer --port 8080

serves until Ctrl-C. In tests, the fixture ``racer`` is a `Racer` whose counts are 0.

**Modules.** `rules` has the obstacles, `tally` the counts, `courses` the pages of all
courses. `client` starts a referee and asks it for its counts. `__main__` is the command
and `files` its limit of open files.
"""

from .client import Racer, running
from .files import allow_open_files
from .rules import MANY
from .tally import Stats, Tally

__all__ = ("MANY", "Racer", "Stats", "Tally", "allow_open_files", "running")
