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
WAITS = [
    *some("sleep", of=[(0.5,), (1,), (1,), (2,), (3,)], times=2),
    *some("checkpoint", "turn", times=4),
    *some("wait", "put", "get", of=WHICH),
]
QUICK = [
    *some("cancel", of=[(0,), (1,), (2,), (3,)], times=2),
    *some("shield", of=product((0, 1, 2), (True, False))),
    *some("set", of=WHICH, times=2),
    *some("close", of=WHICH),
    *some("look", times=2),
    *some("fail", of=[("failure",), ("failure",), ("fatal",)], times=2),
]
SHIELDED = ("scope", 2, True, False)
BLOCKS = [
    *some("spawn", of=[(0,), (0,), (1,), (2,)], times=3),
    *some("group", of=[(False,), (False,), (True,)], times=3),
    *some("scope", of=product((None, None, 0.5, 1, 2), (False, True), (False,))),
    *some("scope", of=[(0, False, False), (None, False, True), (1, True, True)]),
    *some("fail_after", of=[(0,), (1,), (2,)]),
    *some("swallow", "catch", times=4),
    *some("lock", "turns", of=WHICH),
    *some(
        "cleanup",
        of=[
            ((),),
            (((*SHIELDED, (("sleep", 1),)),),),
            ((("sleep", 1),),),
            ((("fail", "failure"),),),
            (((*SHIELDED, (("sleep", 1), ("fail", "failure"))),),),
            (((*SHIELDED, (("group", False, (("spawn", 0, (("sleep", 1),)),)),)),),),
            ((("group", False, (("spawn", 0, (("sleep", 1),)),)),),),
        ],
    ),
]

leaves = st.sampled_from(WAITS + QUICK)
operations = leaves
for _ in range(4):
    block = st.lists(operations, min_size=1, max_size=5).map(tuple)
    operations = leaves | st.builds(
        lambda operation, block: (*operation, block), st.sampled_from(BLOCKS), block
    )
spawns = st.builds(lambda block: ("spawn", 0, block), block)
programs = st.lists(spawns, min_size=1, max_size=4).map(tuple)
