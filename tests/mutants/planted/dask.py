"""Mistakes in the dask study that the suite must notice.

By name: the file, the old text, the new text, and the test that must fail.
"""

_CPU = "tests/conformance/test_cpu.py::"

MISTAKES = {
    "the call of a dead worker is made again": (
        "concepts/cpu.py",
        "workers=[worker])\n",
        "retries=0)\n",
        f"{_CPU}test_a_crash_raises_an_error_and_stops_the_rest",
    ),
    "a call waits for ever for a worker that has died after it": (
        "concepts/cpu.py",
        '"distributed.scheduler.no-workers-timeout": "1 s"',
        '"distributed.scheduler.no-workers-timeout": None',
        f"{_CPU}test_a_crash_raises_an_error_and_stops_the_rest",
    ),
    "there is one worker only": (
        "concepts/cpu.py",
        "local_cluster(min(workers, len(inputs)), threads=1)",
        "local_cluster(1, threads=1)",
        f"{_CPU}test_two_calls_compute_at_once",
    ),
    "calls share the GIL of one worker": (
        "concepts/cpu.py",
        "local_cluster(min(workers, len(inputs)), threads=1)",
        "local_cluster(1, threads=workers)",
        f"{_CPU}test_two_calls_compute_at_once",
    ),
    "a worker gets one call only": (
        "concepts/cpu.py",
        "                results[index] = result(future)\n"
        "                give(worker)\n",
        "                results[index] = result(future)\n",
        f"{_CPU}test_results_come_in_input_order",
    ),
    "results come in order of completion": (
        "concepts/cpu.py",
        "return [results[index] for index in range(len(inputs))]",
        "return list(results.values())",
        f"{_CPU}test_results_come_in_input_order",
    ),
    "an error is taken for a result": (
        "concepts/cpu.py",
        "result(future)\n                give",
        "future.status\n                give",
        f"{_CPU}test_an_error_reaches_the_caller_and_no_further_call_starts",
    ),
    "SystemExit ends the worker": (
        "concepts/cpu.py",
        "(call_in_worker, function, item)",
        "(function, item)",
        f"{_CPU}test_a_base_exception_stops_the_rest_as_well",
    ),
    "the number of workers is not checked": (
        "concepts/cpu.py",
        "check(function, inputs, workers)",
        "check(function, inputs, 1)",
        f"{_CPU}test_bad_arguments_are_refused_before_anything_starts",
    ),
    "a worker gets Ctrl-C": (
        "__init__.py",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n",
        "",
        f"{_CPU}test_ctrl_c_reaches_the_caller_and_stops_the_calls",
    ),
    "a pasted answer has workers that need this package": (
        "__init__.py",
        'BEGIN_WORKER = """\n',
        'BEGIN_WORKER = """\nimport concurrency_study\n',
        "tests/installed/test_programs.py::"
        "test_every_pasted_answer_prints_what_its_topic_promises",
    ),
}
