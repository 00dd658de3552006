"""A foreign project's code and tests, with concurrency-study and gevent installed.

Run it with ``pytest --world gevent``.
"""

import gevent
import gevent.pool


def fetch_first(fetch, addresses):
    """Return the first response: the code under test, unchanged."""
    group = gevent.pool.Group()
    try:
        return next(group.imap_unordered(fetch, addresses))
    finally:
        group.kill()


def test_the_first_answer_wins_and_the_others_are_stopped(world, trace):
    @world.job
    async def fetch(w, seconds):
        await w.sleep(seconds)
        return f"after {seconds} s"

    assert world.run(fetch_first, fetch, [3600, 2, 5]) == "after 2 s"
    assert world.returned_at == 2
    stopped = [(2, "fetch(3600)"), (2, "fetch(5)")]
    assert sorted(trace.when("cancelled")) == stopped


def test_a_timeout_is_exact(world):
    def patient():
        with gevent.Timeout(1.5, False):
            gevent.sleep(60)

    world.run(patient)
    assert world.returned_at == 1.5
