"""Mistakes in the processes study that the suite must notice.

By name: the file, the old text, the new text, and the test that must fail.
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
    "an error of a computation waits for the end of the block": (
        "concepts/cpu.py",
        "                call.result()\n",
        "                pass\n",
        f"{_CPU}test_an_error_reaches_the_caller_and_no_further_call_starts",
    ),
    "there is one worker only": (
        "concepts/cpu.py",
        "Pool(workers)",
        "Pool(1)",
        f"{_CPU}test_two_calls_compute_at_once",
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
    "the call of a dead worker has no error": (
        "pool.py",
        "                self._end(call)\n            return\n",
        "                call.error = None\n                self._end(call)\n"
        "            return\n",
        f"{_CPU}test_a_crash_raises_an_error_and_stops_the_rest",
    ),
    "a worker is not awaited": (
        "pool.py",
        "                worker.process.join()\n                self._leaving.",
        "                self._leaving.",
        f"{_CPU}test_no_worker_process_is_kept_for_later",
    ),
    "a call that does not listen is never killed": (
        "pool.py",
        "PATIENCE if self.stopped else None",
        "PATIENCE * 1000 if self.stopped else None",
        f"{_HELPERS}test_a_call_that_does_not_listen_is_killed",
    ),
    "a call is asked to stop only once": (
        "pool.py",
        "                for worker in () if ready else asked:\n"
        "                    worker.process.terminate()\n",
        "",
        f"{_HELPERS}test_a_call_that_has_missed_its_signal_is_asked_again",
    ),
    "a worker gets Ctrl-C": (
        "pool.py",
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller gets it, and "
        "cancels\n",
        "",
        f"{_CPU}test_ctrl_c_reaches_the_caller_and_stops_the_calls",
    ),
    "a result that cannot be pickled ends its worker": (
        "pool.py",
        "        return bytes(ForkingPickler.dumps((None, pack(error))))\n",
        "        raise\n",
        f"{_CPU}test_a_result_that_cannot_travel_is_an_error_and_not_a_hang",
    ),
}
