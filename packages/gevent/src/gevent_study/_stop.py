"""What stands in ``finally`` wherever greenlets were started."""

from __future__ import annotations

import sys

from gevent import GreenletExit, Timeout
from gevent.pool import Group


def stop(group: Group) -> None:
    """Kill what still runs in the group, and wait until it has cleaned up.

    ``Group.kill`` alone leaves greenlets behind when its caller is killed, or timed
    out, while it waits. Here that takes effect afterwards, unless the caller is about
    to raise an error anyway; nobody in the group is killed twice.

    Raises:
        GreenletExit, Timeout: what arrived meanwhile.
        KeyboardInterrupt: at once; a second Ctrl-C does not wait.
    """
    late: BaseException | None = None
    while group:
        try:
            group.kill()
        except (GreenletExit, Timeout) as error:
            late = error
    if late is not None and sys.exception() is None:
        raise late
