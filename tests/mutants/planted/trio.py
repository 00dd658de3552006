"""Mistakes in the trio study that the suite must notice.

By name: the file, the old text, the new text, and the test that must fail.
"""

_SUITE = "tests/conformance/"
_COMMON = f"{_SUITE}test_common_questions.py::"
_UNREQUESTED = f"{_COMMON}test_a_job_that_raises_an_unrequested_cancellation_has_failed"
_CLEANUP = f"{_COMMON}test_a_cleanup_error_after_a_cancellation"
_CLEANUP += "_reaches_the_caller"

_RACE = """\
        try:
            successes.append(await requested(function))
        except Unrequested:
            raise
        except Exception as error:
            if cancelled() and of_cleanup(error, trio.Cancelled):
                raise
            failures[number] = error
        else:
            nursery.cancel_scope.cancel()
"""
_RACE_IN_TURN = """\
        attempts[number] = scope, ended = trio.CancelScope(), trio.Event()
        try:
            with scope:
                successes.append(await requested(function))
                for other, other_ended in [*attempts.values()]:
                    if other is not scope and len(successes) == 1:
                        other.cancel()
                        await other_ended.wait()
        except Unrequested:
            raise
        except Exception as error:
            failures[number] = error
        finally:
            ended.set()
"""

MISTAKES = {
    "every cancellation counts as requested": (
        "requested.py",
        "        if cancelled():\n            raise\n"
        "        raise Unrequested from error",
        "        raise",
        _UNREQUESTED,
    ),
    "no cancellation counts as requested": (
        "requested.py",
        "        if cancelled():\n            raise\n",
        "",
        f"{_COMMON}test_jobs_clean_up_side_by_side_when_cancelled",
    ),
    "an unrequested cancellation counts as an ordinary failure in a race": (
        "use_cases/race.py",
        "        except Unrequested:\n            raise\n",
        "",
        _UNREQUESTED,
    ),
    "losers of a race are cancelled one after the other": (
        "use_cases/race.py",
        "    # 1. The first to succeed wins and stops the others; a failure is kept.\n"
        "    async def attempt("
        "number: int, function: Callable[[], Awaitable[Result]]) -> None:\n" + _RACE,
        "    attempts = {}\n\n"
        "    async def attempt(number, function):\n" + _RACE_IN_TURN,
        f"{_SUITE}test_race.py::test_a_failing_cleanup_does_not_interrupt_another",
    ),
    "the error of a loser's cleanup is ignored": (
        "use_cases/race.py",
        "if cancelled() and of_cleanup(error, trio.Cancelled):",
        "if False:",
        f"{_SUITE}test_race.py::test_the_errors_of_all_cleanups_reach_the_caller",
    ),
    "a failure after the win is raised in a race": (
        "use_cases/race.py",
        " and of_cleanup(error, trio.Cancelled)",
        "",
        f"{_SUITE}test_race.py::"
        "test_a_loser_that_swallows_its_cancellation_and_fails_is_ignored",
    ),
    "a failure after the win is raised in a hedge": (
        "use_cases/hedge.py",
        " and of_cleanup(error, trio.Cancelled)",
        "",
        f"{_SUITE}test_hedge.py::"
        "test_a_loser_that_swallows_its_cancellation_and_fails_is_ignored",
    ),
    "a BaseException counts as a failed attempt": (
        "use_cases/hedge.py",
        "        except Exception as error:\n",
        "        except trio.Cancelled:\n"
        "            raise\n"
        "        except BaseException as error:\n",
        f"{_COMMON}test_a_base_exception_stops_the_rest_and_reaches_the_caller",
    ),
    "a report follows a cancellation that a job swallows": (
        "concepts/tasks.py",
        "    await trio.lowlevel.checkpoint_if_cancelled()\n",
        "",
        f"{_COMMON}test_nothing_is_said_after_a_cancellation",
    ),
    "the cleanup error of a task that is cancelled from outside is dropped": (
        "concepts/tasks.py",
        "            if cancelled():\n                raise\n",
        "",
        _CLEANUP,
    ),
    "the cleanup error of a future's job is dropped": (
        "concepts/futures.py",
        "            if cancelled():\n                raise\n",
        "",
        _CLEANUP,
    ),
    "a reader with zero patience gives up on a settled future": (
        "concepts/futures.py",
        "        with trio.move_on_after("
        "math.inf if patience is None else patience):\n"
        "            await future.settled.wait()\n"
        "        if not future.settled.is_set():\n",
        "        with trio.move_on_after("
        "math.inf if patience is None else patience) as waiting:\n"
        "            await future.settled.wait()\n"
        "        if waiting.cancelled_caught:\n",
        f"{_SUITE}test_futures.py::test_a_late_reader_with_zero_patience_is_served",
    ),
    "leaving the channel swallows the error of a cleanup": (
        "use_cases/results_as_we_go.py",
        "    async with trio.open_nursery() as nursery:\n",
        "    async with outlet, results, trio.open_nursery() as nursery:\n",
        _CLEANUP,
    ),
    "only the first of several errors is raised": (
        "use_cases/results_at_end.py",
        "    async with trio.open_nursery() as nursery:\n"
        "        for index, item in enumerate(inputs):\n"
        "            nursery.start_soon(job, index, item)\n",
        "    first = None\n"
        "    try:\n"
        "        async with trio.open_nursery() as nursery:\n"
        "            for index, item in enumerate(inputs):\n"
        "                nursery.start_soon(job, index, item)\n"
        "    except BaseExceptionGroup as group:\n"
        "        first = group.exceptions[0]\n"
        "    if first is not None:\n"
        "        raise first\n",
        f"{_COMMON}test_a_cleanup_error_after_an_error_reaches_the_caller",
    ),
    "a cancellation interrupts close": (
        "use_cases/resource.py",
        "with trio.CancelScope(shield=True):",
        "with trio.CancelScope():",
        f"{_SUITE}test_resource.py::test_after_a_cancelled_use_close_runs_to_its_end",
    ),
    "the job's own timeout is mistaken for the deadline": (
        "use_cases/timeout.py",
        "        with trio.move_on_after(inner):\n"
        "            return DONE, await job()\n",
        "        try:\n"
        "            with trio.fail_after(inner):\n"
        "                return DONE, await job()\n"
        "        except (trio.TooSlowError, TimeoutError):\n"
        "            pass\n",
        f"{_SUITE}test_timeout.py::"
        "test_a_timeout_error_of_the_job_is_not_mistaken_for_a_deadline",
    ),
    "an outer deadline that expires during cleanup is ignored": (
        "use_cases/timeout.py",
        "    return OUTER, None\n",
        "    return INNER, None\n",
        f"{_SUITE}test_timeout.py::"
        "test_an_outer_deadline_that_expires_during_cleanup_is_reported",
    ),
    "the outer deadline leaves a shielded cleanup running": (
        "use_cases/timeout.py",
        "            return DONE, await job()\n",
        "            ended = trio.Event()\n"
        "            told = []\n"
        "            async def carried():\n"
        "                try:\n"
        "                    told.append(await job())\n"
        "                finally:\n"
        "                    ended.set()\n"
        "            trio.lowlevel.spawn_system_task(carried)\n"
        "            await ended.wait()\n"
        "            return DONE, told[0]\n",
        f"{_SUITE}test_timeout.py::"
        "test_the_outer_deadline_does_not_interrupt_a_shielded_cleanup",
    ),
    "a cancellation from outside waits for the outer deadline": (
        "use_cases/timeout.py",
        "trio.move_on_after(outer)",
        "trio.move_on_after(outer, shield=True)",
        f"{_SUITE}test_timeout.py::test_cancellation_from_outside_is_not_mistaken_for_a_deadline",
    ),
    "ticks are due at whole seconds of the clock": (
        "concepts/periodic.py",
        "start = trio.current_time()",
        "start = trio.current_time() // 1",
        f"{_SUITE}test_periodic.py::test_time_counts_from_the_start_of_the_call",
    ),
    "ticks drift by their duration": (
        "concepts/periodic.py",
        "trio.sleep_until(start + i * every)",
        "trio.sleep(every if i else 0)",
        f"{_SUITE}test_periodic.py::test_a_short_tick_does_not_delay_the_next",
    ),
    "a line is said before the input is checked": (
        "concepts/chaining.py",
        "    check(compute, say)\n    say(before(x, y))\n",
        "    say(before(x, y))\n    check(compute, say)\n",
        f"{_SUITE}test_chaining.py::"
        "test_non_callables_are_refused_before_anything_is_said",
    ),
    "the input of the pipeline never ends": (
        "concepts/pipeline.py",
        "        async with outlet:\n            for line in lines:\n",
        "        if True:\n            for line in lines:\n",
        f"{_SUITE}test_pipeline.py::test_the_example",
    ),
    "the answer waits for every descriptor": (
        "concepts/event_loop.py",
        "            if lines.ready:\n",
        "            if False:\n",
        f"{_SUITE}test_event_loop.py::test_the_example_from_a_redirected_file",
    ),
    "a cancelled thread is abandoned": (
        "concepts/blocking_calls.py",
        "(call, item, limiter=threads)",
        "(\n                call, item, limiter=threads, abandon_on_cancel=True\n"
        "            )",
        f"{_SUITE}test_blocking_calls.py::"
        "test_cancellation_from_outside_waits_for_running_calls",
    ),
    "a cancellation that a thread raises counts as requested": (
        "concepts/blocking_calls.py",
        "            raise Unrequested from error\n",
        "            raise\n",
        f"{_SUITE}test_blocking_calls.py::"
        "test_a_call_that_raises_a_cancellation_has_failed",
    ),
    "the followed file stays open": (
        "concepts/follow.py",
        "    with await trio.to_thread.run_sync(Tail, path) as tail:\n",
        "    tail = await trio.to_thread.run_sync(Tail, path)\n"
        "    follow.__dict__.setdefault('kept', []).append(tail.__enter__())\n"
        "    if True:\n",
        f"{_COMMON}test_no_descriptor_is_left_open",
    ),
    "an until that raises an unrequested cancellation has returned": (
        "concepts/follow.py",
        "            await requested(until)\n",
        "            await until()\n",
        f"{_SUITE}test_follow.py::"
        "test_an_until_that_raises_an_unrequested_cancellation_has_failed",
    ),
}
