"""Cancelling: how a cancellation or a timeout arrives, and what it leaves."""

from . import Question

QUESTIONS = (
    Question(
        21,
        "swallowed_once",
        "A task swallows its cancellation once: does it come again at the next wait?",
        ("yes", "no"),
        also="suppress uncancel",
    ),
    Question(
        22,
        "cancel_waits_for_cleanup",
        "Does cancelling a task wait for its cleanup?",
        ("yes", "no"),
        topics=("tasks",),
    ),
    Question(
        23,
        "cancel_interrupts_blocking",
        "Does a cancellation interrupt a blocking call or work on the CPU?",
        ("yes", "no"),
        topics=("blocking_calls",),
        also="stop kill a thread",
    ),
    Question(
        24,
        "overdue_and_zero_wait",
        "A deadline has passed, and the code only makes a wait of no length: is the "
        "timeout raised?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        25,
        "overdue_and_no_wait",
        "A deadline has passed, and the code makes no wait: is the timeout raised?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        26,
        "timeout_of_zero",
        "With a timeout of zero: does a call that could finish at once finish?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        27,
        "cancel_while_thread_works",
        "A task that waits for a worker thread is cancelled: when does it end?",
        ("at once", "when the thread ends"),
        topics=("blocking_calls",),
    ),
    Question(
        28,
        "cancel_reaches_children",
        "Does cancelling a parent cancel its children?",
        ("yes", "no"),
        topics=("tasks",),
        also="stop a task tree structured concurrency",
    ),
    Question(
        29,
        "delivered_then_cancelled",
        "A value was handed over, then the receiver is cancelled in the same instant: "
        "is the value lost?",
        ("yes", "no"),
        topics=("pipeline",),
    ),
    Question(
        30,
        "cancelled_then_delivered",
        "A receiver is cancelled, then a value comes in the same instant: is the value "
        "lost?",
        ("yes", "no"),
        topics=("pipeline",),
    ),
    Question(
        31,
        "woken_lock_waiter_cancelled",
        "A waiter that was just handed a lock is cancelled: does the next one get it?",
        ("yes", "no"),
    ),
    Question(
        32,
        "shared_result_waiter_cancelled",
        "Two wait for one result, and one of them is cancelled: what becomes of the "
        "other?",
        ("gets the result", "is cancelled"),
        topics=("futures",),
    ),
    Question(
        33,
        "cleanup_may_wait",
        "May a cleanup wait after a cancellation?",
        ("yes", "only in a shield"),
        topics=("resource", "timeout"),
        also="finally await after cancel shield",
    ),
    Question(
        34,
        "deadline_reaches_into_shield",
        "Does an outer deadline reach into a shield?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        35,
        "shield_with_deadline",
        "Can a shield have a deadline of its own?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        36,
        "nested_timeouts",
        "Of two nested timeouts, the outer one expires: is it the outer one that is "
        "blamed?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        37,
        "which_except_catches_timeout",
        "Which exception is a timeout?",
        (
            *("TimeoutError", "TooSlowError", "gevent.Timeout", "queue.Empty", "none"),
            "multiprocessing.TimeoutError",
        ),
        topics=("timeout",),
        also="asyncio.TimeoutError wait_for fail_after",
    ),
    Question(
        38,
        "timeout_leaves_running",
        "Does a timeout leave something running?",
        ("yes", "no"),
        topics=("timeout",),
    ),
    Question(
        39,
        "cancellation_races_completion",
        "An outer cancellation comes in the instant in which an inner wait completes: "
        "is it swallowed?",
        ("yes", "no"),
    ),
    Question(
        40,
        "scope_cancelled_by_hand",
        "The scope of a timeout that raises is cancelled by hand: what does the caller "
        "see?",
        ("a timeout", "a cancellation", "nothing"),
        topics=("timeout",),
    ),
    Question(
        81,
        "first_result_stops_rest",
        "Does taking only the first result cancel the jobs that still run?",
        ("yes", "no"),
        topics=("race",),
    ),
    Question(
        87,
        "cancel_finished_task",
        "What does cancelling a task that has ended do?",
        ("nothing", "returns False", "raises RuntimeError", "forgets the result"),
        topics=("tasks",),
    ),
)
