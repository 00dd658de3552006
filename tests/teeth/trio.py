"""Mistakes in trio's answers that the suite must notice.

By name: the file, the old text, the new text, and the tests to run.
"""

_COMMON = "tests/conformance/test_common_questions.py"


def _suite(topic: str) -> str:
    return f"tests/conformance/test_{topic}.py"


MISTAKES = {
    "a swallowed cancellation is followed by a report": (
        "concepts/tasks.py",
        "    await trio.lowlevel.checkpoint_if_cancelled()\n",
        "",
        _COMMON,
    ),
    "the error of a cleanup is lost with the report": (
        "concepts/tasks.py",
        "            if cancelled():\n                raise\n",
        "",
        _COMMON,
    ),
    "the error of a cleanup settles a future that has no reader": (
        "concepts/futures.py",
        "            if cancelled():\n                raise\n",
        "",
        _COMMON,
    ),
    "an unrequested cancellation is swallowed by the nursery": (
        "requested.py",
        "        if cancelled():\n            raise\n"
        "        raise Unrequested from error\n",
        "        raise\n",
        _COMMON,
    ),
    "a requested cancellation is taken for an unrequested one": (
        "requested.py",
        "        if cancelled():\n            raise\n",
        "",
        _COMMON,
    ),
    "a BaseException is a failure like others": (
        "use_cases/race.py",
        "        except Exception as error:\n",
        "        except BaseException as error:\n",
        _COMMON,
    ),
    "an error of a loser's cleanup is lost": (
        "use_cases/race.py",
        "            if cancelled() and of_cleanup(error, trio.Cancelled):\n",
        "            if False and of_cleanup(error, trio.Cancelled):\n",
        _suite("race"),
    ),
    "closing is not shielded": (
        "use_cases/resource.py",
        "trio.CancelScope(shield=True)",
        "trio.CancelScope()",
        _suite("resource"),
    ),
    "the outer deadline is asked first": (
        "use_cases/timeout.py",
        "    with trio.move_on_after(outer):\n",
        "    with trio.move_on_after(inner):\n",
        _suite("timeout"),
    ),
    "ticks drift": (
        "concepts/periodic.py",
        "await trio.sleep_until(start + i * every)",
        "await trio.sleep(every if i else 0)",
        _suite("periodic"),
    ),
}
