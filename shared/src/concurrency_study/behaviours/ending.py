"""Ending: Ctrl-C, what is left over, and what is refused."""

from . import Question

QUESTIONS = (
    Question(
        55,
        "interrupt_while_waiting",
        "Ctrl-C while all tasks wait: does the `finally` of every task run?",
        ("of all", "of the main task", "of none"),
        also="KeyboardInterrupt SIGINT",
    ),
    Question(
        56,
        "interrupt_while_computing",
        "Ctrl-C while a task computes: which one ends the program?",
        ("the first", "the second", "none"),
        also="KeyboardInterrupt SIGINT",
    ),
    Question(
        57,
        "left_over_at_end",
        "What becomes of work that is left over when main returns?",
        ("is cancelled", "is waited for", "is abandoned"),
        topics=("tasks",),
    ),
    Question(
        58,
        "break_out_of_generator",
        "After a `break` out of a generator that holds a resource: when does its "
        "`finally` run?",
        ("at once", "at the end of the loop", "at garbage collection"),
        topics=("resource",),
    ),
    Question(
        59,
        "yield_inside_timeout",
        "A generator yields inside a timeout, which expires in the consumer: what "
        "does it cancel?",
        ("the consumer", "the generator", "an error"),
        topics=("timeout",),
    ),
    Question(
        60,
        "two_consumers",
        "Can two consumers share one generator?",
        ("yes", "raises RuntimeError", "raises ValueError", "raises TypeError"),
    ),
    Question(
        61,
        "socket_closed_under_reader",
        "A socket is closed under its reader: what does the reader get?",
        ("an error", "end of file", "nothing, for ever"),
    ),
    Question(
        62,
        "server_closed_while_idle",
        "A server is closed while a client idles: is the connection closed?",
        ("yes", "no"),
    ),
    Question(
        63,
        "subprocess_after_cancel",
        "What becomes of a subprocess whose waiter is cancelled?",
        ("is killed", "lives on", "is waited for"),
    ),
    Question(
        64,
        "deadlock_detected",
        "Is a deadlock detected?",
        ("yes", "no"),
    ),
    Question(
        65,
        "lost_update",
        "Does read, switch, write lose updates, without a lock?",
        ("yes", "no"),
        topics=("sync_vs_async",),
    ),
    Question(
        66,
        "ten_blocking_sleeps",
        "Ten blocking sleeps of 0.1 s, side by side: how long do they take?",
        ("0.1 s", "1 s"),
        topics=("blocking_calls", "sync_vs_async"),
    ),
    Question(
        67,
        "run_inside_run",
        "Is run() inside run() allowed?",
        ("yes", "raises RuntimeError", "raises AssertionError"),
        also="event loop is already running nested jupyter",
    ),
    Question(
        70,
        "child_return_value",
        "Does what spawn returns give the child's return value?",
        ("yes", "no"),
        topics=("tasks",),
    ),
    Question(
        71,
        "results_in_input_order",
        "In which order does the call that runs many jobs return their results?",
        ("input order", "completion order"),
        topics=("results_at_end",),
    ),
    Question(
        82,
        "abandoned_thread_delays_exit",
        "What waits for a worker thread whose caller has timed out?",
        ("run() waits", "the exit waits", "nothing waits", "the caller waits"),
        topics=("blocking_calls", "timeout"),
    ),
)
