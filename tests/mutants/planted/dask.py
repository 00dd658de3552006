"""Mistakes in the dask study that the suite must notice.

By name: the file, the old text, the new text, and the test that must fail. Those that a
test notices only by a hang are left out.
"""

_CPU = "tests/conformance/test_cpu.py::"

MISTAKES = {
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
    "a worker gets the signals of its caller's process group": (
        "__init__.py",
        "os.setpgrp()\n",
        "",
        "tests/helpers/test_dask.py::"
        "test_sigterm_of_a_process_group_stops_calls_and_repeats_none",
    ),
}
