"""Starting: what happens between the spawn of a task and its first line."""

from . import Question

QUESTIONS = (
    Question(
        1,
        "spawn_returns_first",
        "Does spawn return before the child's first line runs?",
        ("yes", "no"),
    ),
    Question(
        2,
        "start_order",
        "Do children start in the order in which they were spawned?",
        ("yes", "no"),
        topics=("tasks",),
    ),
    Question(
        3,
        "wait_until_ready",
        "Is there a native way to wait until a child says that it is ready?",
        ("yes", "no"),
    ),
    Question(
        4,
        "cancelled_before_start",
        "A task is cancelled before its first step: does its body run at all?",
        ("never runs", "to its first wait", "to its end"),
    ),
    Question(
        5,
        "free_operation_yields",
        "Does an operation that need not wait (a free lock, a filled queue) let others "
        "run?",
        ("yes", "no"),
        topics=("event_loop",),
        also="starvation starve sleep(0)",
    ),
    Question(
        6,
        "checkpoint_lets_all_run",
        "Does one checkpoint let every ready task run before the caller continues?",
        ("yes", "no"),
        topics=("event_loop",),
        also="starvation starve sleep(0)",
    ),
    Question(
        7,
        "equal_deadlines",
        "Are tasks with equal deadlines woken in the order in which they went to "
        "sleep?",
        ("yes", "no"),
    ),
    Question(
        8,
        "spawn_into_ended_group",
        "What does a spawn into a cancelled or closed group do?",
        (
            *("starts the child", "cancels the child"),
            *("raises RuntimeError", "raises ClosedClientError"),
        ),
    ),
    Question(
        9,
        "child_inherits_timeout",
        "Does a child inherit the timeout of the code that spawns it?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        68,
        "call_without_await",
        "What becomes of a job that is called or made, but never awaited or started?",
        ("a warning", "nothing", "it runs"),
    ),
    Question(
        69,
        "group_limits_children",
        "Can the construct that starts children limit how many run at once?",
        ("yes", "no"),
        topics=("results_at_end",),
        also="limit concurrency semaphore at a time",
    ),
    Question(
        72,
        "plain_function_waits",
        "Can a plain function wait for another task without blocking the others?",
        ("yes", "no"),
        topics=("sync_vs_async",),
    ),
    Question(
        75,
        "import_before_patching",
        "Does a function that was imported before monkey-patching become cooperative?",
        ("yes", "no"),
        also="monkey patch_all order",
    ),
    Question(
        76,
        "default_thread_limit",
        "How many blocking calls run at once in the default thread pool?",
        ("cpu + 4", "cpu", "40", "10", "unlimited"),
        topics=("blocking_calls",),
    ),
    Question(
        77,
        "await_without_suspending",
        "Does awaiting one's own function, which never waits, let others run?",
        ("yes", "no"),
        topics=("event_loop",),
    ),
    Question(
        78,
        "start_same_twice",
        "What does starting or awaiting the same job a second time do?",
        (
            "raises RuntimeError",
            "raises AssertionError",
            "raises TypeError",
            "raises ValueError",
            "nothing",
            "gives the same result",
            "runs it again",
        ),
    ),
    Question(
        84,
        "full_pool_blocks_submitter",
        "Does submitting to a full pool make the submitter wait?",
        ("yes", "no"),
        topics=("blocking_calls",),
    ),
)
