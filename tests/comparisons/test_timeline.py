"""Do the pictures show what happened, whoever looks at them, and with what?"""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from concurrency_comparisons.reports import Event, Example
from concurrency_comparisons.timeline import chrome_trace, lanes, story, svg
from hypothesis import given, settings
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
CHARACTER = 7.25
"""Pixels: 12 px of a monospaced font, 0.602 em wide, as Menlo and DejaVu are."""


def example(*events, seconds=None):
    found = [Event(*event[:3], "".join(event[3:])) for event in events]
    end = max([e.at for e in found], default=0.0) if seconds is None else seconds
    return Example("topic", "world", "", end, found)


def job(name, start, seconds, how="end", detail=""):
    end = start + seconds
    return [
        (start, name, "start"),
        (start, name, "sleep", f"{seconds:g} s"),
        *([(end, name, "wake")] if how != "cancelled" else []),
        (end, name, how, detail),
    ]


def by_time(*jobs):
    return example(*sorted((e for one in jobs for e in one), key=lambda e: e[0]))


def spans(example):
    return [
        (lane.name, [(r.start, r.until) for r in lane.runs]) for lane in lanes(example)
    ]


# Lanes


def test_jobs_come_in_the_order_of_their_start_and_callables_after_them():
    found = by_time(
        [(0.0, "say", "call", "'a'")], job("late()", 1.0, 1.0), job("early()", 0.5, 2.0)
    )
    assert [lane.name for lane in lanes(found)] == ["early()", "late()", "say"]


def test_jobs_of_one_instant_come_in_the_order_of_their_names():
    jobs = [job(f"job({i})", 0.0, 1.0) for i in (2, 0, 1)]
    assert [lane.name for lane in lanes(by_time(*jobs))] == [
        "job(0)",
        "job(1)",
        "job(2)",
    ]


def test_runs_of_one_name_share_a_lane_while_they_do_not_overlap():
    found = by_time(job("job()", 0.0, 1.0), job("job()", 1.0, 2.0))
    assert spans(found) == [("job()", [(0.0, 1.0), (1.0, 3.0)])]


def test_runs_of_one_name_that_overlap_are_told_apart_by_their_sleep():
    found = by_time(
        job("job()", 0.0, 0.3),
        job("job()", 0.0, 60.0)[:-2],
        job("job()", 0.0, 0.2, "error", "oh"),
        [(0.5, "job()", "cancelled")],
    )
    assert spans(found) == [
        ("job() no. 1", [(0.0, 0.2)]),
        ("job() no. 2", [(0.0, 0.3)]),
        ("job() no. 3", [(0.0, 0.5)]),
    ]
    ends = [lane.runs[0].end for lane in lanes(found)]
    assert [end and end.what for end in ends] == ["error", "end", "cancelled"]


def test_who_means_to_wake_first_wakes_first():
    found = by_time(job("job()", 0.0, 3.0), job("job()", 1.0, 1.0))
    assert spans(found) == [
        ("job() no. 1", [(0.0, 3.0)]),
        ("job() no. 2", [(1.0, 2.0)]),
    ]


def test_who_is_cut_short_had_meant_to_sleep_longest():
    found = by_time(
        job("job()", 0.0, 60.0)[:-2],
        job("job()", 0.25, 2.0),
        [(0.5, "job()", "cancelled")],
    )
    assert spans(found) == [
        ("job() no. 1", [(0.0, 0.5)]),
        ("job() no. 2", [(0.25, 2.25)]),
    ]


def test_of_several_that_are_awake_who_moved_last_goes_on():
    found = example(
        (0.0, "block()", "start"),
        (1.0, "block()", "start"),
        (2.0, "block()", "end"),
        (3.0, "block()", "end"),
    )
    assert spans(found) == [
        ("block() no. 1", [(0.0, 3.0)]),
        ("block() no. 2", [(1.0, 2.0)]),
    ]


def test_what_is_not_sleep_is_awake():
    (lane,) = lanes(
        example(
            (0.0, "job()", "start"),
            (1.0, "job()", "sleep", "2 s"),
            (3.0, "job()", "wake"),
            (4.0, "job()", "end"),
        )
    )
    assert lane.runs[0].awake == [(0.0, 1.0), (3.0, 4.0)]
    assert lane.runs[0].asleep == [(1.0, 3.0)]


def test_who_does_not_end_is_there_until_the_end():
    (lane,) = lanes(
        example((0.0, "a()", "start"), (1.0, "a()", "sleep", "for ever"), seconds=5.0)
    )
    assert (lane.runs[0].end, lane.runs[0].asleep) == (None, [(1.0, 5.0)])


# The story


def test_the_story_is_told_in_words():
    found = by_time(
        job("job(0.2)", 0.0, 0.2),
        job("job(9)", 0.0, 0.5, "cancelled"),
        [(0.2, "handle", "call", "'0.2 s'"), (0.4, "beat", "call")],
        [(0.4, "shaky()", "error", "OSError()"), (0.4, "talker()", "note", "hm")],
    )
    assert story(found) == (
        "at 0 s job(0.2) starts and sleeps 0.2 s, job(9) starts and sleeps 0.5 s; "
        "at 0.2 s job(0.2) wakes and ends, handle is given '0.2 s'; "
        "at 0.4 s beat is called, shaky() fails with OSError(), talker() notes hm; "
        "at 0.5 s job(9) is cancelled; the answer returns at 0.5 s."
    )


# The picture

WIDE = (
    "'a rather long text, as of an error message that wants to be helpful', 'and more'"
)
SOME = by_time(
    job("job(0.2)", 0.0, 0.2),
    job("job(0.4)", 0.0, 0.4, "error", "ZeroDivisionError('division by zero')"),
    job("job(60)", 0.0, 0.6, "cancelled"),
    [
        (0.1, "beat", "call"),
        (0.2, "say", "call", "'<&\">', \"'\""),
        (0.3, "x()", "note"),
    ],
    [(at, "say", "call", WIDE) for at in (0.0, 0.3, 0.55, 0.6, 0.6)],
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
    assert drawn[1].text == f"trio: {story(SOME)}"


def test_the_same_story_is_told_once():
    drawn = ElementTree.fromstring(svg([("trio", SOME), ("anyio", SOME)], title="T"))
    assert drawn[1].text == f"trio: {story(SOME)} anyio: the same as trio."


def test_every_study_has_a_section_and_says_when_it_returned():
    short, long = by_time(job("a()", 0.0, 1.0)), by_time(job("a()", 0.0, 2.5))
    drawn = ElementTree.fromstring(svg([("one", short), ("two", long)], title="T"))
    seen = visible(drawn)
    assert seen.count("one") == seen.count("two") == 1
    assert seen.count("a()") == 2
    assert {"returns after 1 s", "returns after 2.5 s"} <= set(seen)


def test_all_sections_share_one_time_axis():
    short, long = by_time(job("a()", 0.0, 1.0)), by_time(job("a()", 0.0, 2.0))
    drawn = ElementTree.fromstring(svg([("one", short), ("two", long)], title="T"))
    ends = [
        float(bar.get("x")) + float(bar.get("width"))
        for bar in drawn.iter(SVG + "rect")
        if bar.get("height") == "2"
    ]
    axis = {node.text: float(node.get("x")) for node in drawn.iter(SVG + "text")}
    assert ends[0] == pytest.approx(axis["1 s"], abs=0.2)
    assert ends[1] == pytest.approx(axis["2 s"], abs=0.2)


def test_a_sleep_is_thin_and_work_is_thick():
    blocking = example((0.0, "block()", "start"), (2.0, "block()", "end"))
    for found, height in ((blocking, "10"), (by_time(job("a()", 0.0, 2.0)), "2")):
        drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
        bars = [b for b in drawn.iter(SVG + "rect") if b.get("class") == "job"]
        assert max(bars, key=lambda b: float(b.get("width"))).get("height") == height


def test_the_legend_explains_what_is_there_and_nothing_else():
    drawn = ElementTree.fromstring(svg([("t", SOME)], title="T"))
    assert {"fails", "is cancelled", "is called", "notes something"} <= set(
        visible(drawn)
    )
    drawn = ElementTree.fromstring(
        svg([("t", by_time(job("a()", 0.0, 1.0)))], title="T")
    )
    assert {"starts", "sleeps", "ends"} <= set(visible(drawn))
    assert not {"fails", "is cancelled", "is called"} & set(visible(drawn))


def test_what_was_cut_short_is_whole_in_its_hint():
    drawn = ElementTree.fromstring(svg([("t", SOME)], title="T"))
    assert any(words.endswith("…") for words in visible(drawn))
    hints = [node.text or "" for node in drawn.iter(SVG + "title")]
    assert any(WIDE in hint for hint in hints)


def test_nothing_is_clipped_and_nothing_overlaps():
    check_that_all_can_be_read(
        ElementTree.fromstring(svg([("one", SOME), ("two", SOME)], title="T"))
    )


def test_a_topic_in_which_no_time_passes_can_be_drawn():
    found = example((0.0, "say", "call", "'a'"), (0.0, "say", "call", "'b'"))
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    check_that_all_can_be_read(drawn)
    assert visible(drawn).count("0 s") == 2


def test_what_is_said_at_the_very_end_can_be_read():
    found = example((0.0, "say", "call", "'a'"), (1.0, "say", "call", WIDE))
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    assert {"'a'", WIDE} <= set(visible(drawn))


def test_long_names_and_long_times_leave_room_for_the_rest():
    found = by_time(
        job("job(" + "'very', " * 30 + ")", 0.0, 7e9), job("日" * 99, 0.0, 1.0)
    )
    drawn = ElementTree.fromstring(svg([("one", found)], title="T"))
    check_that_all_can_be_read(drawn)
    check_bars(drawn)
    starts = [bar for bar in drawn.iter(SVG + "rect") if bar.get("height") == "2"]
    assert float(starts[0].get("x")) < 300


def test_characters_of_double_width_have_their_room():
    calls = [(at, "say", "call", "日本" * 30) for at in (0.0, 0.5, 1.0)]
    drawn = ElementTree.fromstring(svg([("one", example(*calls))], title="T"))
    check_that_all_can_be_read(drawn)


def test_nothing_at_all_can_be_drawn():
    for nothing in ([], [("one", example())]):
        check_that_all_can_be_read(ElementTree.fromstring(svg(nothing, title="T")))


def test_many_pictures_may_stand_in_one_page():
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
            # WCAG 2: 4.5 for text, 3 for what a picture needs to be understood.
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
whats = st.sampled_from(["start", "sleep", "wake", "end", "error", "cancelled", "note"])
details = st.sampled_from(["", "1 s", "0.25 s", "for ever"]) | st.text(max_size=120)
anything = st.builds(
    lambda events, seconds: example(*sorted(events), seconds=seconds),
    st.lists(
        st.tuples(instants, actors, whats | st.just("call"), details), max_size=25
    ),
    instants,
)
sections = st.lists(st.tuples(st.sampled_from(["trio", "anyio"]), anything), max_size=3)


@settings(deadline=None)
@given(sections, st.text())
def test_whatever_happens_it_is_drawn_well_formed_and_the_same_again(found, title):
    text = svg(found, title=title)
    drawn = ElementTree.fromstring(text.encode())
    assert text == svg(found, title=title)
    check_bars(drawn)


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
def test_labels_never_overlap_whatever_is_said(calls):
    found = example(*sorted((at, who, "call", detail) for at, who, detail in calls))
    check_that_all_can_be_read(ElementTree.fromstring(svg([("t", found)], title="T")))


@settings(deadline=None)
@given(sections)
def test_every_event_is_in_some_lane(found):
    for _, one in found:
        every = lanes(one)
        calls = [call for lane in every for call in lane.calls]
        ends = [run.end for lane in every for run in lane.runs if run.end is not None]
        notes = [note for lane in every for run in lane.runs for note in run.notes]
        for event in one.events:
            if event.what == "call":
                assert event in calls
            elif event.what in ("end", "error", "cancelled"):
                assert event in ends
            elif event.what == "note":
                assert event in notes


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
        lane.name for lane in lanes(SOME)
    ]


def test_a_trace_is_in_microseconds():
    found = by_time(job("a()", 0.5, 1.5), [(2.0, "say", "call", "'hi'")])
    events = json.loads(chrome_trace([("trio", found)]))["traceEvents"]
    spans = {e["name"]: (e["ts"], e["dur"]) for e in events if e["ph"] == "X"}
    assert spans == {"a()": (500_000, 1_500_000), "asleep": (500_000, 1_500_000)}
    assert [(e["name"], e["ts"]) for e in events if e["ph"] == "i"] == [
        ("'hi'", 2_000_000)
    ]


@settings(deadline=None)
@given(sections)
def test_any_trace_is_one_that_viewers_take(found):
    text = chrome_trace(found)
    assert text == chrome_trace(found)
    for event in json.loads(text)["traceEvents"]:
        assert event["ph"] in "XiM"
        assert {"pid", "tid", "name"} <= event.keys()
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] != "M":
            assert isinstance(event["ts"], int)
