"""Sharing: locks, queues, results, and what belongs to one task only."""

from . import Question

QUESTIONS = (
    Question(
        41,
        "unlock_by_another",
        "Does unlocking by a task that is not the owner raise?",
        ("raises RuntimeError", "raises AssertionError", "no"),
    ),
    Question(
        42,
        "release_what_is_not_held",
        "Does releasing a lock that is not held raise?",
        ("raises RuntimeError", "raises ValueError", "no"),
    ),
    Question(
        43,
        "owner_locks_again",
        "The owner of a lock takes it again: what happens?",
        ("waits for ever", "raises RuntimeError", "gets it"),
    ),
    Question(
        44,
        "holder_ends",
        "The holder of a lock ends without releasing it: what do the waiters get?",
        ("nothing, for ever", "the lock", "an error"),
    ),
    Question(
        45,
        "releaser_takes_back",
        "Can the releaser of a lock take it back before the waiter gets it?",
        ("yes", "no"),
    ),
    Question(
        46,
        "default_capacity",
        "What is the default capacity of a queue or a channel?",
        ("unlimited", "zero", "must be given"),
        topics=("pipeline",),
    ),
    Question(
        47,
        "newcomer_steals",
        "Can a newcomer steal an item from a getter that is already woken?",
        ("yes", "no"),
        topics=("pipeline",),
    ),
    Question(
        48,
        "first_come_first_served",
        "Are waiters served first come, first served?",
        ("yes", "no"),
    ),
    Question(
        49,
        "close_with_waiters",
        "What does closing a queue do to those that wait in get?",
        ("raises an error", "ends their loop", "they wait on"),
        topics=("pipeline",),
    ),
    Question(
        50,
        "result_set_twice",
        "What does setting a result twice do?",
        ("raises an error", "replaces it", "nothing"),
        topics=("futures",),
    ),
    Question(
        51,
        "worker_dies_before_task_done",
        "A worker dies before `task_done`: does `join` hang?",
        ("yes", "no"),
    ),
    Question(
        52,
        "context_inherited",
        "Are context variables inherited at spawn?",
        ("yes", "no"),
    ),
    Question(
        53,
        "context_in_worker_thread",
        "Are context variables inherited by a worker thread?",
        ("yes", "no"),
        topics=("blocking_calls",),
    ),
    Question(
        54,
        "thread_local_per_task",
        "Is `threading.local` one per task?",
        ("yes", "no"),
    ),
    Question(
        73,
        "foreign_thread_wakes",
        "Does setting an event from another thread wake a task that waits for it?",
        ("yes", "no", "raises RuntimeError", "raises LoopExit"),
        topics=("blocking_calls",),
    ),
    Question(
        74,
        "lock_outlives_loop",
        "Can a lock that was contended in one run() be used in the next one?",
        ("yes", "raises RuntimeError"),
    ),
    Question(
        79,
        "nested_pool",
        "A job in a full pool waits for another job of the same pool: what happens?",
        ("completes", "raises LoopExit"),
        topics=("blocking_calls",),
    ),
    Question(
        83,
        "notify_without_lock",
        "What does notifying a condition without holding its lock do?",
        ("raises RuntimeError", "raises AssertionError", "wakes a waiter", "nothing"),
    ),
    Question(
        85,
        "extra_semaphore_release",
        "What does releasing a semaphore above its first value do?",
        ("raises its value", "raises ValueError", "raises RuntimeError", "nothing"),
    ),
    Question(
        86,
        "yielding_starves_timers",
        "When does an expired timer fire while a task only yields in a loop?",
        ("at once", "later", "never"),
        topics=("event_loop",),
    ),
)
