"""Mistakes in the threads study that the suite must notice.

By name: the file, the old text, the new text, and the module that must fail.
"""

_COMMON = "tests/conformance/test_common_questions.py"

_STOPPED = """\
                if self.stop.is_set():
                    raise CancelledError
"""
_CALL = "                result = fn(*args, **kwargs)\n"

MISTAKES = {
    "an unrequested cancellation is dropped": (
        "group.py",
        "obeyed = self._cancelled and isinstance(error, CancelledError)",
        "obeyed = isinstance(error, CancelledError)",
        _COMMON,
    ),
    "only the first error is raised": (
        "group.py",
        'raise BaseExceptionGroup("errors in threads", self._errors) from None',
        "raise self._errors[0]",
        _COMMON,
    ),
    "the first error stops no thread": (
        "group.py",
        "            self._errors.append(error)\n        self.cancel()\n",
        "            self._errors.append(error)\n",
        _COMMON,
    ),
    "calls of a pool start after the first error": (
        "group.py",
        _STOPPED + _CALL,
        _CALL,
        "tests/conformance/test_results_at_end.py",
    ),
    "a failed stage leaves the others waiting": (
        "concepts/pipeline.py",
        "wait_for(lambda: ready() or self._stop.is_set())",
        "wait_for(ready)",
        "tests/conformance/test_pipeline.py",
    ),
    "two threads call say at once in countdown": (
        "concepts/countdown.py",
        "            with speaking:\n                say(name, number)\n",
        "            say(name, number)\n",
        _COMMON,
    ),
    "two threads call say at once in factorial": (
        "concepts/factorial.py",
        "            with speaking:\n                say(number, step)\n",
        "            say(number, step)\n",
        _COMMON,
    ),
    "two threads call report at once in futures": (
        "concepts/futures.py",
        "        with reporting:\n",
        "        if True:\n",
        _COMMON,
    ),
    "a future that is never settled keeps its readers": (
        "concepts/futures.py",
        "wait([stopped, future], patience, FIRST_COMPLETED)",
        "wait([future], patience)",
        _COMMON,
    ),
    "a BaseException stops no other task": (
        "concepts/tasks.py",
        "            with pool.stop.calling(stops[name].set):\n"
        "                outcomes[name] = RETURNED, job(stops[name])\n",
        "            outcomes[name] = RETURNED, job(stops[name])\n",
        _COMMON,
    ),
    "the cleanup error of a task that a BaseException stops is dropped": (
        "concepts/tasks.py",
        "            if pool.stop.is_set():\n                raise\n",
        "",
        _COMMON,
    ),
    "an unrequested cancellation counts as an ordinary failure in a race": (
        "use_cases/race.py",
        "        except CancelledError:\n            raise\n",
        "",
        _COMMON,
    ),
    "an unrequested cancellation counts as a failed attempt": (
        "use_cases/hedge.py",
        "        except CancelledError:\n            raise\n",
        "",
        _COMMON,
    ),
}
