"""Timelines: they show what happened, on every device and to every reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from concurrency_comparisons.reports import Story
from concurrency_comparisons.timeline.chrome import chrome_trace
from concurrency_comparisons.timeline.lanes import ENDS, gathered, lanes
from concurrency_comparisons.timeline.scale import Scale
from concurrency_comparisons.timeline.svg import legend, narrow, sketch, svg
from concurrency_comparisons.timeline.words import IN_ORDER, told
from concurrency_study.trace import Event
from hypothesis import given, settings
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
CHARACTER = 7.25
"""Pixels: 12 px of a monospaced font, 0.602 em wide, as Menlo and DejaVu are."""


def story(*events, seconds=None, cancelled=None):
    """Return a story of events (at, by, actor, what, detail)."""
    found = [Event(at, *rest[:2], "".join(rest[2:]), by) for at, by, *rest in events]
    end = max([e.at for e in found], default=0.0) if seconds is None else seconds
    return Story("topic", "test_it", "world", "", end, cancelled, "at random", found)


def actor(name, begin, end, *inner, how="end", kind="task"):
    """Return the events of a native actor. Without an end it is left alive."""
    return [
        (begin, name, name, "spawn", kind),
        *((at, name, *rest) for at, *rest in inner),
        *([] if end is None else [(end, name, name, "exit", how)]),
    ]


def job(name, start, seconds, how="end", detail=""):
    end = start + seconds
    return [
        (start, name, "start"),
        (start, name, "sleep", f"{seconds:g} s"),
        *([(end, name, "wake")] if how != "cancelled" else []),
        (end, name, how, detail),
    ]


def by_time(*actors, **fields):
    every = sorted((e for one in actors for e in one), key=lambda e: e[0])
    return story(*every, **fields)


def run_of(found, label):
    """Return the only run of a lane."""
    (lane,) = [lane for lane in lanes(found) if lane.label == label]
    (run,) = lane.runs
    return run


# Lanes


def test_native_actors_come_in_the_order_of_their_begin():
    found = by_time(
        actor("main", 0.0, 3.0), actor("late", 1.0, 2.0), actor("early", 0.5, 2.5)
    )
    assert [lane.label for lane in lanes(found)] == ["main", "early", "late"]


def test_worker_threads_of_one_instant_come_in_the_order_of_their_numbers():
    names = ["thread", "thread no. 2", "thread no. 10"]
    workers = [actor(n, 0.0, 1.0, kind="worker thread") for n in reversed(names)]
    found = by_time(*workers[:1], actor("task", 0.0, 1.0), *workers[1:])
    assert [lane.label for lane in lanes(found)] == ["task", *names]


def test_calls_in_worker_threads_share_a_lane_unless_they_overlap():
    calls = [(0.0, 2.0), (0.0, 1.0), (1.0, 3.0), (5.0, 5.0)]
    found = by_time(
        actor("main", 0.0, 6.0),
        *(
            actor(f"thread no. {n}", *call, kind="worker thread")
            for n, call in enumerate(calls, 1)
        ),
    )
    assert [
        [(run.start, run.until) for run in lane.runs] for lane in lanes(found)[1:]
    ] == [[(0.0, 2.0), (5.0, 5.0)], [(0.0, 1.0), (1.0, 3.0)]]


def test_a_lane_knows_when_its_actor_lived_and_how_it_ended():
    found = by_time(
        actor("main", 0.0, 2.0, how="error"),
        actor("ends", 0.0, 1.0),
        actor("cancelled", 0.5, 1.5, how="cancelled"),
        actor("left", 1.0, None),
    )
    assert [(lane.begin, lane.end, lane.how) for lane in lanes(found)] == [
        (0.0, 2.0, "error"),
        (0.0, 1.0, "end"),
        (0.5, 1.5, "cancelled"),
        (1.0, None, ""),
    ]


def test_a_job_has_the_lane_of_its_task_and_names_it():
    found = by_time(
        actor("main", 0.0, 1.0), actor("worker", 0.0, 1.0, *job("job(1)", 0.0, 1.0))
    )
    assert [(lane.label, lane.kind) for lane in lanes(found)] == [
        ("main", "task"),
        ("job(1)", "task"),
    ]


def test_a_lane_of_several_jobs_keeps_its_own_name_and_says_theirs():
    jobs = [*job("job(1)", 0.0, 1.0), *job("job(2)", 1.0, 2.0)]
    found = by_time(actor("main", 0.0, 3.0), actor("worker", 0.0, 3.0, *jobs))
    assert lanes(found)[1].label == "worker"
    assert lanes(found)[1].labelled == [(0.0, "job(1)"), (1.0, "job(2)")]


def test_the_answer_keeps_its_own_name_whatever_it_runs():
    (lane,) = lanes(by_time(actor("main", 0.0, 1.0, *job("job(1)", 0.0, 1.0))))
    assert (lane.label, lane.labelled) == ("main", [(0.0, "job(1)")])


def test_a_call_is_on_the_lane_of_its_caller():
    called = (0.5, "say", "call", "'a'")
    found = by_time(actor("main", 0.0, 1.0), actor("printer", 0.0, 1.0, called))
    assert [len(lane.said) for lane in lanes(found)] == [0, 1]


def test_events_outside_of_any_actor_come_last():
    found = story((0.0, "", "say", "call"), *actor("main", 0.0, 1.0))
    assert [lane.label for lane in lanes(found)] == ["main", "(outside)"]


def test_time_outside_of_sleep_is_awake():
    block = [
        (0.0, "job()", "start"),
        (1.0, "job()", "sleep", "2 s"),
        (3.0, "job()", "wake"),
        (4.0, "job()", "end"),
    ]
    run = run_of(by_time(actor("main", 0, 4), actor("job", 0, 4, *block)), "job()")
    assert run.awake == [(0.0, 1.0), (3.0, 4.0)]
    assert run.asleep == [(1.0, 3.0)]
    assert run.interrupted is None


def test_while_a_job_waits_for_another_it_is_not_awake():
    nested = [
        (0.0, "outer()", "start"),
        *job("inner()", 1.0, 2.0),
        (4.0, "outer()", "end"),
    ]
    outer, inner = lanes(by_time(actor("main", 0.0, 4.0, *nested)))[0].runs
    assert outer.awake == [(0.0, 1.0), (3.0, 4.0)]
    assert inner.asleep == [(1.0, 3.0)]


def test_work_after_an_interrupted_sleep_is_cleanup():
    cleans = [
        (0.0, "job()", "start"),
        (0.0, "job()", "sleep", "60 s"),
        (1.0, "job()", "sleep", "2 s"),
        (3.0, "job()", "wake"),
        (3.0, "job()", "cancelled"),
    ]
    run = run_of(by_time(actor("main", 0, 3), actor("job", 0, 3, *cleans)), "job()")
    assert (run.interrupted, run.until) == (1.0, 3.0)


def test_an_actor_that_does_not_end_stays_until_the_end():
    asleep = [(0.0, "a()", "start"), (1.0, "a()", "sleep", "for ever")]
    run = run_of(
        by_time(actor("main", 0.0, 5.0), actor("a", 0.0, None, *asleep)), "a()"
    )
    assert (run.end, run.asleep) == (None, [(1.0, 5.0)])


def test_a_drawing_for_a_terminal_needs_no_pictures():
    code = "import sys, concurrency_comparisons.screen; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "concurrency_comparisons.timeline.lanes" in done.stdout.split()
    assert "concurrency_comparisons.timeline.svg" not in done.stdout.split()


# The story


def test_the_story_is_also_given_in_words():
    found = by_time(
        actor("answer", 0.0, 0.5, (0.2, "handle", "call", "'0.2 s'"), how="error"),
        actor("one", 0.0, 0.2, *job("job(0.2)", 0.0, 0.2)),
        actor("two", 0.0, 0.5, *job("job(9)", 0.0, 0.5, "cancelled"), how="cancelled"),
        actor("shaky", 0.0, 0.4, (0.4, "shaky()", "error", "OSError()"), how="error"),
        actor("left", 0.1, None, kind="thread"),
        cancelled=0.5,
    )
    assert told(found) == (
        "task answer: at 0 s begins, at 0.2 s calls handle('0.2 s'), at 0.5 s ends "
        "with an error. "
        "task job(0.2): at 0 s starts and sleeps 0.2 s, at 0.2 s wakes and ends. "
        "task job(9): at 0 s starts and sleeps 0.5 s, at 0.5 s is cancelled. "
        "task shaky(): at 0 s begins, at 0.4 s fails with OSError(). "
        "thread left: at 0.1 s begins, still runs at 0.5 s. "
        "It is cancelled from outside at 0.5 s. "
        "The answer raises at 0.5 s."
    )


# The picture

WIDE = (
    "'a rather long text, as of an error message that wants to be helpful', 'and more'"
)
FAILS = job("job(0.4)", 0.0, 0.4, "error", "ZeroDivisionError('division by zero')")
SOME = by_time(
    actor(
        "answer",
        0.0,
        0.6,
        *((at, "say", "call", WIDE) for at in (0.0, 0.3, 0.55, 0.6, 0.6)),
        how="cancelled",
    ),
    actor("job", 0.0, 0.2, *job("job(0.2)", 0.0, 0.2)),
    actor("job no. 2", 0.0, 0.4, *FAILS, how="error"),
    actor("job no. 3", 0.0, 0.6, *job("job(60)", 0.0, 0.6, "cancelled")),
    actor(
        "heart",
        0.0,
        0.6,
        (0.1, "beat", "call"),
        (0.2, "say", "call", "'<&\">', \"'\""),
        (0.3, "x()", "note", "hm"),
    ),
    actor(
        "worker",
        0.1,
        None,
        *job("work(1)", 0.1, 0.1),
        *job("work(2)", 0.2, 0.2),
        kind="worker thread",
    ),
    cancelled=0.5,
)


def a(name, seconds, begin=0.0):
    """Return the story of a job of that name in a separate task beside the answer."""
    return by_time(
        actor("main", 0.0, begin + seconds),
        actor("a", begin, begin + seconds, *job(name, begin, seconds)),
    )


def texts(drawn):
    """(x from, x to, y, text) of each text that can be seen."""
    for node in drawn.iter(SVG + "text"):
        words = node.text or ""
        width = CHARACTER * sum(2 if c > "\u1100" and c != "…" else 1 for c in words)
        x, y = float(node.get("x", "")), float(node.get("y", ""))
        back = {"": 0.0, "middle": 0.5, "end": 1.0}[node.get("text-anchor", "")]
        yield x - back * width, x + (1 - back) * width, y, words


def check_that_all_can_be_read(drawn):
    _, _, width, height = map(float, drawn.get("viewBox").split())
    found = list(texts(drawn))
    for index, (left, right, y, words) in enumerate(found):
        assert left >= 0, words
        assert right <= width, words
        assert 9 <= y <= height - 3, words
        for other in found[:index]:
            apart = other[1] <= left or right <= other[0] or abs(other[2] - y) >= 12
            assert apart, (words, other[3])
    for circle in drawn.iter(SVG + "circle"):
        x, y = float(circle.get("cx")), float(circle.get("cy"))
        for left, right, line, words in found:
            outside = x + 4 <= left or right <= x - 4 or not line - 10 <= y <= line + 2
            assert outside, words


def visible(drawn):
    return [words for _, _, _, words in texts(drawn)]


def test_a_picture_says_what_it_shows_to_those_who_cannot_see_it():
    drawn = ElementTree.fromstring(svg([("trio", SOME)], title="A < B"))
    assert drawn.get("role") == "img"
    assert [node.tag for node in drawn][:2] == [SVG + "title", SVG + "desc"]
    assert drawn[0].text == "A < B"
    assert drawn[1].text == f"trio: {told(SOME)}"


def test_equal_stories_are_described_once():
    drawn = ElementTree.fromstring(svg([("trio", SOME), ("anyio", SOME)], title="T"))
    assert drawn[1].text == f"trio: {told(SOME)} anyio: the same as trio."


def test_every_study_has_a_section_and_says_when_it_returned():
    short, long = a("a()", 1.0), a("a()", 2.5)
    drawn = ElementTree.fromstring(svg([("one", short), ("two", long)], title="T"))
    seen = visible(drawn)
    assert seen.count("one") == seen.count("two") == 1
    assert seen.count("a()") == 2
    assert {"returns after 1 s", "returns after 2.5 s"} <= set(seen)


def test_all_sections_share_one_time_axis():
    short, long = a("a()", 1.0), a("a()", 2.0)
    drawn = ElementTree.fromstring(svg([("one", short), ("two", long)], title="T"))
    ends = [
        float(bar.get("x")) + float(bar.get("width"))
        for bar in drawn.iter(SVG + "rect")
        if bar.get("height") == "2" and float(bar.get("width")) > 14
    ]
    axis = {node.text: float(node.get("x")) for node in drawn.iter(SVG + "text")}
    assert ends[0] == pytest.approx(axis["1 s"], abs=0.2)
    assert ends[-1] == pytest.approx(axis["2 s"], abs=0.2)


def bars(drawn, kind):
    """Return (height, width) of the bars of a class, except in the legend."""
    found = [b for b in drawn.iter(SVG + "rect") if b.get("class") == kind]
    sizes = [(float(b.get("height")), float(b.get("width"))) for b in found]
    return [size for size in sizes if size[1] > 14]


def test_a_sleep_is_thin_and_work_is_thick():
    block = [(0.0, "block()", "start"), (2.0, "block()", "end")]
    found = by_time(actor("main", 0.0, 2.0, *block))
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    assert {height for height, _ in bars(drawn, "job")} == {2, 10}
    drawn = ElementTree.fromstring(svg([("one", a("a()", 2.0))], title="T"))
    assert {height for height, _ in bars(drawn, "job")} == {2}


def test_cleanup_and_idleness_look_like_neither():
    cleans = [
        *((0.0, "job()", what) for what in ("start", "sleep")),
        (1.0, "job()", "note", "clean"),
        (2.0, "job()", "cancelled"),
    ]
    found = by_time(actor("main", 0.0, 3.0), actor("pool", 0.0, 3.0, *cleans))
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    ((_, idle),) = bars(drawn, "muted")
    ((_, cleanup),) = bars(drawn, "cleanup")
    assert cleanup == pytest.approx(idle / 3, abs=0.2)
    assert {"cleans up", "idle"} <= set(visible(drawn))


def test_an_actor_that_outlives_the_answer_is_marked():
    found = by_time(actor("main", 0.0, 1.0), actor("loser", 0.0, None))
    both = [("one", found), ("two", a("a()", 2.0))]
    drawn = ElementTree.fromstring(svg(both, title="T"))
    assert [p for p in drawn.iter(SVG + "path") if p.get("class") == "left"]
    assert {"still runs", "still runs when the answer has ended"} <= set(visible(drawn))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("end", "returns after 1 s"),
        ("error", "raises after 1 s"),
        ("cancelled", "is cancelled at 1 s"),
        ("", "does not end in 1 s"),
    ],
)
def test_a_section_says_how_the_answer_ended(how, says):
    found = by_time(actor("main", 0.0, 1.0 if how else None, how=how), seconds=1.0)
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    assert says in visible(drawn)


def test_a_cancellation_from_outside_is_a_line():
    found = by_time(actor("main", 0.0, 1.0), cancelled=0.5)
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    lines = [p for p in drawn.iter(SVG + "path") if "outside" in p.get("class")]
    assert len(lines) == 2  # one of them in the legend
    assert "cancelled from outside" in visible(drawn)


def test_a_long_time_in_which_nothing_happens_is_cut_out():
    found = by_time(
        actor("main", 0.0, 60.0), *(actor(f"a{n}", 0.0, float(n)) for n in (1, 2, 3))
    )
    scale = Scale([found], 0, 100, cut=10)
    assert [scale.x(at) for at in (0, 1, 3, 60)] == [0, 30, 90, 100]
    assert 60 in scale.ticks()
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    assert {"60 s", "time cut out"} <= set(visible(drawn))
    check_that_all_can_be_read(drawn)


def test_no_time_is_cut_out_of_what_happens_evenly():
    found = by_time(actor("main", 0.0, 3.0), actor("a", 0.0, 1.0))
    scale = Scale([found], 0, 30)
    assert [scale.x(at) for at in (0, 1, 3)] == [0, 10, 30]
    assert not scale.cut


def test_the_legend_explains_what_is_there_and_nothing_else():
    drawn = ElementTree.fromstring(svg([("t", SOME)], title="T"))
    some = {"fails", "is cancelled", "calls, hands over", "cancelled from outside"}
    assert some | {"notes something"} <= set(visible(drawn))
    drawn = ElementTree.fromstring(svg([("t", a("a()", 1.0))], title="T"))
    assert {"begins", "sleeps or waits", "ends"} <= set(visible(drawn))
    assert not some & set(visible(drawn))


def test_a_shortened_label_has_its_full_text_in_a_hint():
    found = by_time(actor("main", 0.0, 1.0, (0.5, "say", "call", WIDE * 2)))
    drawn = ElementTree.fromstring(svg([("t", found)], title="T"))
    assert any(words.endswith("…") for words in visible(drawn))
    hints = [node.text or "" for node in drawn.iter(SVG + "title")]
    assert any(WIDE * 2 in hint for hint in hints)


def test_nothing_is_clipped_and_nothing_overlaps():
    check_that_all_can_be_read(
        ElementTree.fromstring(svg([("one", SOME), ("two", SOME)], title="T"))
    )


AT_ONCE = by_time(
    actor("main", 0.0, 0.0),
    actor("a", 0.0, 0.0, (0.0, "say", "call", "'a'"), (0.0, "say", "call", "'b'")),
)


def test_a_story_without_time_is_drawn_over_the_order_of_events():
    drawn = ElementTree.fromstring(svg([("one", AT_ONCE)], title="T"))
    check_that_all_can_be_read(drawn)
    assert IN_ORDER in visible(drawn)
    assert not any(words.endswith(" s") for words in visible(drawn))
    calls = [c for c in drawn.iter(SVG + "circle") if c.get("class") == "call"]
    assert float(calls[0].get("cx")) < float(calls[1].get("cx"))
    assert "at step 3 calls say('a'), at step 4 calls say('b')" in drawn[1].text


def test_no_order_is_drawn_beside_a_story_that_takes_time():
    both = [("one", AT_ONCE), ("two", a("a()", 1.0))]
    assert IN_ORDER not in visible(ElementTree.fromstring(svg(both, title="T")))


def test_a_label_at_the_very_end_can_be_read():
    text = WIDE[:60]
    says = [(0.0, "say", "call", "'a'"), (1.0, "say", "call", text)]
    found = by_time(actor("main", 0.0, 1.0, *says))
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    assert {"say('a')", f"say({text})"} <= set(visible(drawn))


def test_long_names_and_long_times_leave_room_for_the_rest():
    found = by_time(
        actor("main", 0.0, 7e9),
        actor("a", 0.0, 7e9, *job("job(" + "'very', " * 30 + ")", 0.0, 7e9)),
        actor("b", 0.0, 1.0, *job("日" * 99, 0.0, 1.0)),
    )
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    check_that_all_can_be_read(drawn)
    check_bars(drawn)
    starts = [bar for bar in drawn.iter(SVG + "rect") if bar.get("height") == "2"]
    assert float(starts[0].get("x")) < 300


def test_characters_of_double_width_have_their_room():
    calls = [(at, "say", "call", "日本" * 30) for at in (0.0, 0.5, 1.0)]
    found = by_time(actor("main", 0.0, 1.0, *calls))
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    check_that_all_can_be_read(drawn)


def test_an_empty_story_can_be_drawn():
    for nothing in ([], [("one", story())]):
        check_that_all_can_be_read(ElementTree.fromstring(svg(nothing, title="T")))


def test_many_pictures_may_share_one_page():
    text = svg([("one", SOME)], title="T")
    assert not re.search(r"\bid=|url\(|xlink|<\?xml", text)
    (style,) = ElementTree.fromstring(text).iter(SVG + "style")
    for rule in re.findall(r"([^{}]+)\{", style.text):
        assert rule.startswith((".study-timeline", "@media"))


def test_a_picture_is_for_light_and_for_dark():
    (style,) = ElementTree.fromstring(svg([("one", SOME)], title="T")).iter(
        SVG + "style"
    )
    light, dark = style.text.split("@media(prefers-color-scheme:dark)")
    defined = [
        dict(re.findall(r"(--\w+):(#\w{6});", half[: half.index("}")]))
        for half in (light, dark)
    ]
    used = set(re.findall(r"var\((--\w+)\)", style.text))
    assert used == defined[0].keys() == defined[1].keys()
    for colours in defined:
        for name, colour in colours.items():
            # WCAG 2: 4.5 for text, 3 for the essential parts of a picture.
            least = {"--ink": 4.5, "--muted": 4.5, "--paper": 1, "--grid": 1}.get(
                name, 3
            )
            assert contrast(colour, colours["--paper"]) >= least, name


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


instants = st.integers(0, 40).map(lambda n: n / 8) | st.sampled_from(
    [1e-6, 3600.0, 1e9]
)
actors = st.sampled_from(["job()", "job(1)", "compute('a', 2)"]) | st.text(max_size=40)
natives = st.sampled_from(["main", "job", "job no. 2", ""]) | st.text(max_size=9)
whats = st.sampled_from([*ENDS, "start", "sleep", "wake", "note", "spawn", "exit"])
details = st.sampled_from(["", "1 s", "for ever", *ENDS]) | st.text(max_size=120)
anything = st.builds(
    lambda events, seconds, cancelled: story(
        *sorted(events), seconds=seconds, cancelled=cancelled
    ),
    st.lists(
        st.tuples(instants, natives, actors, whats | st.just("call"), details),
        max_size=25,
    ),
    instants,
    st.none() | instants,
)
sections = st.lists(st.tuples(st.sampled_from(["trio", "anyio"]), anything), max_size=3)


@settings(deadline=None)
@given(sections, st.text())
def test_any_story_is_drawn_well_formed_and_reproducibly(found, title):
    text = svg(found, title=title)
    drawn = ElementTree.fromstring(text.encode())
    assert text == svg(found, title=title)
    check_bars(drawn)


def test_a_task_that_ended_in_a_way_unheard_of_is_drawn_as_over():
    told = story(
        (0.0, "main", "main", "spawn", "task"),
        (1.0, "main", "main", "exit", "by magic"),
        seconds=1.0,
    )
    assert "main: is over" in svg([("trio", told)], title="")


def test_nothing_is_rounded_away_within_thirty_years():
    told = story((1e-6, "main", "job()", "call", ""), seconds=1e9)
    check_bars(ElementTree.fromstring(svg([("trio", told)], title="")))


def check_bars(drawn):
    for bar in drawn.iter(SVG + "rect"):
        assert float(bar.get("width")) >= 0
        assert float(bar.get("x", 0)) >= 0
        assert float(bar.get("x", 0)) + float(bar.get("width")) <= 800


plain = st.text("abc' …<&日", max_size=120)


@settings(deadline=None)
@given(
    st.lists(st.tuples(instants, st.sampled_from(["say", "beat"]), plain), max_size=12)
)
def test_labels_of_any_text_never_overlap(calls):
    says = sorted((at, who, "call", detail) for at, who, detail in calls)
    end = max((at for at, *_ in says), default=0.0)
    found = by_time(actor("main", 0.0, end, *says))
    check_that_all_can_be_read(ElementTree.fromstring(svg([("t", found)], title="T")))


@settings(deadline=None)
@given(sections)
def test_every_event_is_in_some_lane(found):
    for _, one in found:
        every = lanes(one)
        said = [event for lane in every for event in lane.said]
        ends = [run.end for lane in every for run in lane.runs if run.end is not None]
        for event in one.events:
            bare = Event(event.at, event.actor, event.what, event.detail, "")
            if event.what in ("call", "note"):
                assert bare in said
            elif event.what in ENDS:
                assert bare in ends


# The trace for viewers


def test_a_trace_has_a_process_a_study_and_a_thread_a_lane():
    events = json.loads(chrome_trace([("trio", SOME), ("anyio", SOME)]))["traceEvents"]
    processes = {
        e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"
    }
    assert processes == {1: "trio", 2: "anyio"}
    threads = [e for e in events if e["name"] == "thread_name"]
    assert len({e["tid"] for e in threads}) == len(threads) == 2 * len(lanes(SOME))
    assert [e["args"]["name"] for e in threads if e["pid"] == 1] == [
        f"{lane.label} ({lane.kind})" for lane in lanes(SOME)
    ]


def test_a_trace_is_in_microseconds():
    says = (2.0, "say", "call", "'hi'")
    found = by_time(actor("main", 0.0, 2.5, *job("a()", 0.5, 1.5), says))
    events = json.loads(chrome_trace([("trio", found)]))["traceEvents"]
    spans = {e["name"]: (e["ts"], e["dur"]) for e in events if e["ph"] == "X"}
    assert spans == {
        "main": (0, 2_500_000),
        "a()": (500_000, 1_500_000),
        "asleep": (500_000, 1_500_000),
    }
    assert [(e["name"], e["ts"]) for e in events if e["ph"] == "i"] == [
        ("say('hi')", 2_000_000)
    ]


def test_a_trace_without_time_has_a_millisecond_for_each_step():
    events = json.loads(chrome_trace([("trio", AT_ONCE)]))["traceEvents"]
    assert events[0]["args"]["name"] == f"trio ({IN_ORDER})"
    says = [e["ts"] for e in events if e["ph"] == "i" and e["name"].startswith("say")]
    assert says == [3000, 4000]


def test_spans_of_a_thread_lie_one_in_another():
    """Viewers draw them so, by their times alone."""
    events = json.loads(chrome_trace([("trio", SOME)]))["traceEvents"]
    spans = [e for e in events if e["ph"] == "X"]
    for one in spans:
        for other in (e for e in spans if e["tid"] == one["tid"]):
            first, then = sorted((one, other), key=lambda e: (e["ts"], -e["dur"]))
            ends = first["ts"] + first["dur"]
            assert then["ts"] >= ends or then["ts"] + then["dur"] <= ends


@settings(deadline=None)
@given(sections)
def test_any_trace_is_valid_for_viewers(found):
    text = chrome_trace(found)
    assert text == chrome_trace(found)
    for event in json.loads(text)["traceEvents"]:
        assert event["ph"] in "XiM"
        assert {"pid", "tid", "name"} <= event.keys()
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] != "M":
            assert isinstance(event["ts"], int)


# Narrow pictures, for pages that are read on a phone


def siblings(count, **fields):
    names = ["sibling", *(f"sibling no. {n}" for n in range(2, count + 1))]
    return by_time(actor("caller", 0, 3), *(actor(n, 0, 2) for n in names), **fields)


def test_a_narrow_picture_fits_a_phone_and_names_lanes_above_them():
    picture = narrow([("", siblings(2))], title="Siblings")
    root = ElementTree.fromstring(picture)
    assert root.get("viewBox").split()[2] == "360"
    texts = {t.text: float(t.get("y")) for t in root.iter(f"{SVG}text")}
    bars = [
        float(r.get("y")) for r in root.iter(f"{SVG}rect") if r.get("class") == "job"
    ]
    assert texts["caller"] < min(bars) < texts["sibling"] < max(bars)
    assert root.find(f"{SVG}title").text == "Siblings"
    assert "caller" in root.find(f"{SVG}desc").text


def test_pictures_side_by_side_share_an_axis():
    short, long = siblings(2), by_time(actor("caller", 0, 30))
    alone = narrow([("", short)], title="A")
    beside = narrow([("", short)], title="A", beside=[("", short), ("", long)])
    assert ">3 s<" in alone
    assert ">30 s<" in beside


def test_more_than_three_equal_lanes_are_drawn_as_one():
    assert [lane.label for lane in gathered(siblings(3))][1:] == [
        *("sibling", "sibling no. 2", "sibling no. 3")
    ]
    assert [lane.label for lane in gathered(siblings(10))][1:] == ["sibling, 10 alike"]


def test_a_lane_that_says_something_or_ends_otherwise_is_drawn_for_itself():
    names = ["sibling", *(f"sibling no. {n}" for n in range(2, 7))]
    print_it = (1, "print", "call", "'it'")
    found = by_time(
        actor("caller", 0, 3),
        *(actor(n, 0, 2) for n in names[:4]),
        actor(names[4], 0, 2, print_it),
        actor(names[5], 0, 1, how="cancelled"),
    )
    labels = [lane.label for lane in gathered(found)]
    assert labels == ["caller", "sibling, 4 alike", *names[4:]]


def test_the_legend_has_the_marks_that_the_pictures_have():
    calm = [("", siblings(2))]
    failing = [("", by_time(actor("caller", 0, 1, how="error")))]
    assert "fails" not in dict(map(reversed, legend(calm)))
    assert "fails" in dict(map(reversed, legend(calm + failing)))


def test_a_sketch_has_a_line_for_each_lane_and_seven_at_most():
    assert sketch(siblings(3)).count("<path") == 4
    assert sketch(siblings(20)).count("<path") == 7
    cancelled = by_time(actor("caller", 0, 1, how="cancelled"))
    assert 'class="cancelled"' in sketch(cancelled)
