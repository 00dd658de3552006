"""Failing: the way of an error, and the fate of the others."""

from . import Question

QUESTIONS = (
    Question(
        10,
        "one_of_three_fails",
        "One of three siblings raises: are the others cancelled?",
        ("yes", "no"),
        topics=("results_at_end", "results_as_we_go", "race"),
        also="gather siblings",
    ),
    Question(
        11,
        "what_the_parent_sees",
        "One of three siblings raises: what does the parent see?",
        ("the error", "an ExceptionGroup", "nothing"),
        topics=("results_at_end",),
        also="exception group except*",
    ),
    Question(
        12,
        "second_error_kept",
        "Two siblings fail at the same instant: is the second error kept?",
        ("yes", "no", "only logged"),
        topics=("results_at_end",),
    ),
    Question(
        13,
        "body_and_child_fail",
        "The body of a group and a child both fail: what does the caller see?",
        ("both errors", "the body's error", "the child's error"),
    ),
    Question(
        14,
        "fire_and_forget_error",
        "Where does the error of a task that is not awaited go?",
        ("to the caller", "to stderr", "to a log", "nowhere"),
        topics=("tasks",),
        also="exception was never retrieved lost swallowed silent",
    ),
    Question(
        15,
        "task_is_collected",
        "Can the garbage collector remove a task that has not ended?",
        ("yes", "no"),
        topics=("tasks",),
        also="weak reference disappears vanished",
    ),
    Question(
        16,
        "system_exit_in_child",
        "What does SystemExit in a child do?",
        ("ends the program", "ends the child", "is an error"),
    ),
    Question(
        17,
        "child_raises_cancellation",
        "A child raises the cancellation exception by itself: what does the parent "
        "see?",
        ("the exception", "an error", "nothing"),
    ),
    Question(
        18,
        "as_completed_order",
        "Is as-completed order the order of completion, also for those that were done "
        "before?",
        ("yes", "no"),
        topics=("results_as_we_go",),
    ),
    Question(
        19,
        "join_cancelled_task",
        "What does joining a cancelled task give?",
        ("raises the cancellation", "raises another error", "a value", "nothing"),
        topics=("tasks",),
    ),
    Question(
        20,
        "except_exception_swallows",
        "Does `except Exception` swallow a cancellation?",
        ("yes", "no"),
        also="CancelledError BaseException",
    ),
    Question(
        80,
        "block_on_own_loop",
        "The loop's own thread blocks on a result that the loop must produce: what "
        "happens?",
        (
            *("raises RuntimeError", "raises AssertionError"),
            *("raises BlockingSwitchOutError", "raises LoopExit"),
        ),
        topics=("sync_vs_async",),
    ),
)
