"""Mistakes in the processes study that the suite must notice.

By name: the file, the old text, the new text, and the test that must fail. Those that a
test notices only by a hang are left out.
"""

_CPU = "tests/conformance/test_cpu.py::"
_HELPERS = "tests/helpers/test_processes.py::"

MISTAKES = {
    "a computation is asked to stop, and computes to its end": (
        "concepts/cpu.py",
        "pool.kill()",
        "pool.cancel()",
        f"{_CPU}test_an_error_stops_a_call_that_computes",
    ),
    "every input gets a worker": (
        "concepts/cpu.py",
        "Pool(workers)",
        "Pool(len(inputs))",
        f"{_CPU}test_there_are_never_more_calls_than_workers",
    ),
    "the number of workers is not checked": (
        "concepts/cpu.py",
        "check(function, inputs, workers)",
        "check(function, inputs, 1)",
        f"{_CPU}test_bad_arguments_are_refused_before_anything_starts",
    ),
    "the call of a dead worker is made again": (
        "pool.py",
        '                call.error = WorkerDied(f"the process has ended with code '
        '{code}")\n',
        "                self._waiting.append(call)\n                return\n",
        f"{_HELPERS}test_a_call_is_made_at_most_once_when_its_worker_is_killed",
    ),
    "a result that cannot be pickled ends its worker": (
        "pool.py",
        "        return bytes(ForkingPickler.dumps((None, pack(error))))\n",
        "        raise\n",
        f"{_CPU}test_a_result_that_cannot_travel_is_an_error_and_not_a_hang",
    ),
}
