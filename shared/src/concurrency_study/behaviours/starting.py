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
    ),
    Question(
        6,
        "checkpoint_lets_all_run",
        "Does one checkpoint let every ready task run before the caller continues?",
        ("yes", "no"),
        topics=("event_loop",),
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
        ("starts the child", "cancels the child", "raises RuntimeError"),
    ),
    Question(
        9,
        "child_inherits_timeout",
        "Does a child inherit the timeout of the code that spawns it?",
        ("yes", "no"),
        topics=("timeout",),
    ),
)
