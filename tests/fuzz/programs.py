"""Random programs, as data: a block is a tuple of operations, ``(name, *arguments)``.

The operations are the methods of `play.Play` of the same names. An operation on an
open group or scope picks it by its number, counted backwards from the last one.
"""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st


def some(*names, of=((),), times=1):
    """Return operations of these names, with all these arguments."""
    return times * [(name, *arguments) for name in names for arguments in of]


WHICH = [(0,), (1,)]
PAUSES = [
    *some("sleep", of=[(0,), (0.5,), (1,), (1,), (2,), (3,)]),
    *some("checkpoint", "turn", times=2),
]
QUEUES = some("wait", "put", "get", of=WHICH)
SIGNALS = [
    *some("set", of=WHICH, times=2),
    *some("close", of=WHICH),
]
CANCELS = [
    *some("cancel", of=[(0,), (1,), (2,), (3,)], times=2),
    *some("shield", of=product((0, 1, 2), (True, False))),
    *some("look", "forever", times=2),
    *some(
        "fail", of=[("failure",), ("failure",), ("fatal",), ("interrupt",), ("close",)]
    ),
]

SHIELDED = ("scope", 2, True, False)
PAUSE = ("sleep", 1)
WITH_CHILD = ("group", False, (("spawn", 0, (PAUSE,)),))
SPAWNS = some("spawn", of=[(0,), (0,), (1,), (2,)])
SCOPES = [
    *some("scope", of=product((None, None, 0.5, 1, 2), (False, True), (False,))),
    *some("scope", of=[(0, False, False), (None, False, True), (1, True, True)]),
    *some("fail_after", of=[(0,), (1,), (2,)]),
    *some("last_words", of=[(1, 50), (50, 1)]),
]
TURNS = some("lock", "turns", of=WHICH)
CATCHES = some("swallow", "catch", times=2)
GROUPS = some("group", of=[(False,), (False,), (True,)])
CLEANUPS = some(
    "cleanup",
    of=[
        ((),),
        ((PAUSE,),),
        ((WITH_CHILD,),),
        ((("fail", "failure"),),),
        (((*SHIELDED, (PAUSE,)),),),
        (((*SHIELDED, (WITH_CHILD,)),),),
        (((*SHIELDED, (PAUSE, ("fail", "failure"))),),),
    ],
)


def blocks(leaves, holders, depth=4):
    """Make blocks of these operations, and of blocks in them."""
    operations = leaves = st.sampled_from(leaves)
    for _ in range(depth):
        block = st.lists(operations, min_size=1, max_size=5).map(tuple)
        operations = leaves | st.builds(
            lambda holder, block: (*holder, block), st.sampled_from(holders), block
        )
    return block


THEMES = [
    blocks(
        2 * PAUSES + QUEUES + SIGNALS + CANCELS,
        3 * SPAWNS + 3 * GROUPS + SCOPES + TURNS + 2 * CATCHES + CLEANUPS,
    ),
    blocks(
        PAUSES + CANCELS,
        3 * SPAWNS + 3 * GROUPS + SCOPES + 2 * CATCHES + CLEANUPS,
    ),
    blocks(PAUSES + 2 * QUEUES + SIGNALS, SPAWNS + SCOPES + 5 * TURNS, depth=3),
]
programs = st.one_of(
    st.lists(block.map(lambda block: ("spawn", 0, block)), min_size=1, max_size=6).map(
        tuple
    )
    for block in THEMES
)
