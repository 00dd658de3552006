"""The output of the ``study`` command, for a terminal of any width, or for a pipe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from textwrap import dedent
from typing import Any

from concurrency_study.races import Bug
from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from .answers import GUARD, HELPERS, IMPORTS, SIGNATURE, AnswerFile, Line, Part, Topic
from .comparison import Change, aligned, code_of, rows
from .names import Row
from .questions import Asked, of_topic
from .races import Shown, Side
from .reports import Report, Story, Test, spoken
from .timeline.lanes import Lane, in_order, lanes, stepped
from .timeline.scale import Scale
from .timeline.words import IN_ORDER, marked, words

NARROWEST = 36
"""The fewest columns of text in which code can be read next to other code."""
SWITCH = "another task may run here"
OUTCOMES = {
    "passed": "green",
    "cannot": "yellow",
    "differs": "cyan",
    "failed": "bold red",
}
HIGHLIGHT = Syntax("", "python", theme="ansi_dark")


class Screen:
    """A console, and the methods that draw on it.

    Colours are left out in pipes and with NO_COLOR. So every colour comes with a mark
    that says the same.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        plain = console.options.ascii_only
        self.mark = ">" if plain else "»"
        self.same, self.alike = ("=", "~") if plain else ("=", "≈")
        self.bars = "-=+|X*o|H" if plain else "─━├┤✗●○│║"

    def topics(self, topics: Iterable[Topic], answers: Mapping[str, list[str]]) -> None:
        """Print a line for each topic: its question and its answers."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold cyan", no_wrap=True)
        table.add_column()
        for topic in topics:
            table.add_row(topic.name, topic.asks)
            table.add_row("", Text(", ".join(answers[topic.name]), style="dim"))
        self.console.print(table)

    def question(self, topic: Topic, names: Sequence[str]) -> None:
        """Print a question in full."""
        self.console.print(Text(topic.title, style="bold"))
        self.console.print(Text(f"\n{topic.question}\n"))
        for number, step in enumerate(topic.steps, 1):
            self.console.print(Text(f"{number}. {step}"))
        self.console.print(Text(f"\nAnswered by {', '.join(names)}.", style="dim"))

    def asked(self, asked: Asked, others: Sequence[Asked], *, code: bool) -> None:
        """Print a question with its answers, and name others that fit as well."""
        question = asked.question
        self.console.print(Text(f"{question.number}. {question.text}\n", "bold"))
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
        for name in ("world", "way", "answer", "why"):
            table.add_column(name, overflow="fold", no_wrap=name == "world")
        for told, worlds in asked.merged:
            answer = "\n".join([told.answer, *(f"but {e}" for e in told.elsewhere)])
            table.add_row(
                Text("\n".join(worlds), "cyan"),
                told.row.way,
                Text(answer, "bold"),
                told.row.why,
            )
        self.console.print(table)
        insteads = {
            told.row.instead: told for told in asked.answers if told.row.instead
        }
        if insteads:
            self._rule("What to write instead")
        for instead, told in insteads.items():
            self.console.print(Text(f"{told.study}: {instead}"))
        for told in asked.ways if code else ():
            self._rule(f"{told.study} {told.row.way}".strip())
            self.console.print(HIGHLIGHT.highlight(told.code))
        sources = [*asked.sources, *(f"{s} (says otherwise)" for s in asked.disputed)]
        if sources:
            self._rule("Sources")
        for source in sources:  # not folded, so that it can be copied
            self.console.print(Text(source, "dim"), soft_wrap=True)
        if any(not told.measured for told in asked.answers):
            unmeasured = dict.fromkeys(t.study for t in asked.answers if not t.measured)
            self.console.print()
            self.console.print(
                Text(f"Published, not measured here: {', '.join(unmeasured)}.", "dim")
            )
        if others:
            self._rule("See also")
        for each in others:
            self.console.print(Text(f"{each.question.number}. {each.question.text}"))

    def questions(self, asked: Sequence[Asked], worlds: Sequence[str]) -> None:
        """Print a line for each question, and one for each answer that worlds share."""
        for each in asked:
            question = each.question
            self.console.print(Text(f"{question.number}. {question.text}", "bold"))
            shared: dict[str, list[str]] = {}
            for world in worlds:
                words = sorted(each.words_in(world))
                if words:
                    shared.setdefault(" or ".join(words), []).append(world)
            for words, having in shared.items():
                self.console.print(Text(f"    {words}: {', '.join(having)}"))

    def names(self, found: Sequence[Row], numbers: Mapping[str, int]) -> None:
        """Print the names that each study has for some purposes."""
        for row in found:
            self.console.print(Text(row.purpose.title, "bold"))
            for study, cell in row.cells.items():
                names = ", ".join(used.name.name for used in cell.used)
                text = cell.counterpart.absent or cell.counterpart.note
                line = Text.assemble(
                    *(f"{study}: ", (names, "cyan"), ". " * bool(names and text)),
                    (text, "dim"),
                )
                self.console.print(Padding(line, (0, 0, 0, 4), expand=False))
            if row.questions:
                about = ", ".join(f"{numbers[key]}" for key in row.questions)
                self.console.print(Text(f"    Questions: {about}"))

    def races(self, found: Mapping[str, tuple[Bug, Sequence[Shown]]]) -> None:
        """Print a line for each bug in each study: the result of the search."""
        for name, (bug, studies) in found.items():
            self.console.print(Text(f"{name}: {bug.title}", "bold"))
            for shown in studies:
                line = Text.assemble((f"    {shown.study}: ", "cyan"), shown.outcome)
                self.console.print(line)

    def race(self, bug: Bug, studies: Sequence[Shown]) -> None:
        """Print a bug in full: the programs, what was found, and two timelines."""
        self.console.print(Text(f"{bug.title}: {bug.about}", "bold"))
        for shown in studies:
            self._rule(f"{shown.study}: {shown.outcome}")
            if shown.absent:
                self.console.print(Text(shown.absent))
                continue
            for line in _prose(shown.particular):
                self.console.print(line)
            for name, side, mark in zip(
                ("Broken", "Fixed"), shown.sides, "-+", strict=True
            ):
                self.console.print(Text(f"\n{name}", "bold"))
                self._side(side, mark)
            if shown.found is None:
                continue
            self.console.print(Text("\nThe report", "bold"))
            self.console.print(Text(shown.found.report))
            # Not folded, so that it can be copied.
            self.console.print(Text(shown.replay, "cyan"), soft_wrap=True)
            self.console.print(Text(f"\nThe fix: {shown.found.fixed}\n"))
            self.timelines(shown.found.stories)

    def _side(self, side: Side, mark: str) -> None:
        """Print a program, with a mark at the lines that the other one lacks."""
        for line, text in zip(side.lines, _highlighted(side.lines), strict=True):
            sign = mark if line.number in side.changed else " "
            number = (f"{line.number:>4} ", "dim")
            self.console.print(Text.assemble(number, (f"{sign} ", "bold yellow"), text))

    def show(self, topic: Topic, answers: Sequence[AnswerFile], *, whole: bool) -> None:
        """Print answers side by side, step by step."""
        self.console.print(Text(topic.title, style="bold"))
        self._legend((self.mark, SWITCH))
        self._rule("In particular")
        self._banks(answers, [_prose(each.particular) for each in answers], _wrap)
        steps = [f"step {number}" for number, _ in enumerate(topic.steps, 1)]
        names = [SIGNATURE, *steps, HELPERS]
        for name in [IMPORTS, *names, GUARD] if whole else names:
            parts = [answer.parts.get(name) for answer in answers]
            if name in steps or any(parts):
                self._rule(topic.heading(name))
                cells = [self._cell(part) for part in parts]
                self._banks(answers, cells, _fold)
        if depends := of_topic(topic.name):
            self._rule("Questions that the answers depend on")
            for each in depends:
                self.console.print(Text(f"{each.number}. {each.text}"))
        if topic.neighbours:
            self.console.print()
            self.console.print(Text(f"See also: {', '.join(topic.neighbours)}", "dim"))

    def diff(self, topic: Topic, one: AnswerFile, other: AnswerFile) -> None:
        """Print two answers side by side, line by line within each step."""
        self.console.print(Text(topic.title, style="bold"))
        self._legend(
            (self.same, "the same"),
            (self.alike, "the same but for the library's name"),
            ("|", "changed"),
            ("<", f"only {one.name}"),
            (">", f"only {other.name}"),
        )
        width = (self.console.width - 5) // 2
        for names in rows([one, other]):
            self._rule(*(topic.heading(name) for name in names))
            table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
            table.add_column(one.name, width=width)
            table.add_column("", width=1)
            table.add_column(other.name, width=width)
            code, others = code_of(one, names), code_of(other, names)
            lefts, rights = _coloured(code), _coloured(others)
            for change in aligned(code, others):
                left, mark, right = change.left, self._mark(change), change.right
                style = "dim" if mark in (self.same, self.alike) else ""
                cells = [
                    Text("\n").join(_fold(text, width)) if text else Text()
                    for text in (
                        left and lefts[left.number],
                        right and rights[right.number],
                    )
                ]
                table.add_row(
                    cells[0], Text(mark, "bold yellow"), cells[1], style=style
                )
            self.console.print(table)

    def differences(self, one: AnswerFile, other: AnswerFile) -> list[dict[str, Any]]:
        """Return the content of `diff` for machines. The marks are = ~ | < >."""
        return [
            {
                "parts": names,
                "lines": [
                    {
                        "mark": "=" if change.blank else change.mark.replace("≈", "~"),
                        "left": _numbered(change.left),
                        "right": _numbered(change.right),
                    }
                    for change in aligned(code_of(one, names), code_of(other, names))
                ],
            }
            for names in rows([one, other])
        ]

    def matrix(self, topics: Sequence[str], found: Mapping[str, Report]) -> None:
        """Print the number of tests that each study passes, by topic."""
        self._legend(("41 (1)", "41 passed, 1 not; the reasons are below"))
        table = self._matrix("topic", found)
        for topic in topics:
            cells: list[RenderableType] = [topic]
            for report in found.values():
                tests = [test for test in report.tests if test.topic == topic]
                cells.append(_counts(tests))
            table.add_row(*cells)
        self.console.print(table)
        self._reasons(found, {*topics})
        self._versions(found)

    def tests(
        self, topic: Topic, found: Mapping[str, Report], order: Sequence[str]
    ) -> None:
        """Print the result of every test of a topic, in the order of the file."""
        self.console.print(Text(topic.title, style="bold"))
        table = self._matrix("test", found, narrow=12)
        tested = {
            test.test
            for report in found.values()
            for test in report.tests
            if test.topic == topic.name
        }
        rank = {name: number for number, name in enumerate(order)}
        for name in sorted(tested, key=lambda n: (rank.get(n.partition("[")[0], 0), n)):
            cells: list[RenderableType] = [spoken(name)]
            for report in found.values():
                tests = [
                    t for t in report.tests if (t.topic, t.test) == (topic.name, name)
                ]
                cells.append(_outcome(tests))
            table.add_row(*cells)
        self.console.print(table)
        self._reasons(found, {topic.name})
        self._versions(found)

    def timelines(self, stories: Sequence[tuple[str, Story]]) -> None:
        """Draw what happened in virtual time, with a lane for each native actor.

        If everything happens at 0 s, each event takes a step.
        """
        self._timeline_legend(stories)
        steps = in_order(stories)
        shown = [(name, stepped(s) if steps else s) for name, s in stories]
        found = [(name, story, lanes(story)) for name, story in shown]
        longest = max((len(_named(lane)) for *_, ls in found for lane in ls), default=0)
        label = min(longest, self.console.width // 3)
        width = max(self.console.width - label - 8, 10)
        scale = Scale([story for _, story in shown], 0, width - 1, cut=width // 10)
        for name, story, mine in found:
            self._rule(name)
            for lane in mine:
                drawn = self._lane(lane, scale, story.seconds, width)
                short = _named(lane)
                if len(short) > label:
                    short = f"{short[: label - 1]}…"
                self.console.print(Text(f"{short:<{label}}  {drawn}"))
            axis = IN_ORDER if steps else _axis(scale, width)
            self.console.print(Text(f"{'':<{label}}  {axis}", "dim"))
            for event in story.events:
                if event.what in ("call", "note", "error", "hold"):
                    at = "" if steps else f"{event.at:>8g} s  "
                    said = f"{at}{event.by or '(outside)'} {words(event)}"
                    self.console.print(Text(said, "dim"))

    def _lane(self, lane: Lane, scale: Scale, returned: float, width: int) -> str:
        alive, awake, start, end, error, call, note, at_once, hold = self.bars
        ends = {"end": end, "error": error, "cancelled": "x", "left": ">"}
        cells = [" "] * width

        def column(at: float) -> int:
            return min(round(scale.x(at)), width - 1)

        def bar(mark: str, begin: float, stop: float) -> None:
            for here in range(column(begin), column(stop)):
                cells[here] = mark

        if lane.kind:
            bar(alive, lane.begin, returned if lane.end is None else lane.end)
        for run in lane.runs:
            for mark, spans in ((alive, run.asleep), (awake, run.awake)):
                for begin, stop in spans:
                    bar(mark, begin, stop)
        marks = {"start": start, "call": call, "note": note, "hold": hold, **ends}
        for what, at, _ in marked(lane, returned):
            here = column(at)
            brief = what == "end" and cells[here] == start
            cells[here] = at_once if brief else marks.get(what, note)
        return "".join(cells).rstrip()

    def _timeline_legend(self, stories: Sequence[tuple[str, Story]]) -> None:
        """Print the meaning of the marks in timelines."""
        alive, awake, start, end, error, call, _, at_once, hold = self.bars
        held = any(e.what == "hold" for _, story in stories for e in story.events)
        self._legend(
            (start + alive, "begins, waits"),
            (awake, "works or blocks"),
            (call, "calls, hands over"),
            (end, "ends"),
            (at_once, "begins and ends"),
            (error, "error"),
            ("x", "cancelled"),
            (">", "still runs"),
            *([(hold, "held: another runs ahead, or the clock")] * held),
        )

    def _legend(self, *marks: tuple[str, str]) -> None:
        line = Text()
        for mark, meaning in marks:
            item = Text.assemble((mark, "bold yellow"), (f" {meaning}", "dim"))
            if line and line.cell_len + 3 + item.cell_len > self.console.width:
                self.console.print(line)
                line = Text()
            line.append("   " if line else "").append(item)
        self.console.print(line)

    def _rule(self, *titles: str) -> None:
        self.console.print()
        *before, last = titles
        for title in before:
            self.console.print(Text(title, "bold"))
        self.console.print(Rule(Text(last, "bold"), align="left", style="dim"))

    def _banks(
        self,
        answers: Sequence[AnswerFile],
        cells: Sequence[Sequence[Text]],
        fold: Callable[[Text, int], list[Text]],
    ) -> None:
        """Print columns, evenly divided into banks that fit the width."""
        fit = max(1, self.console.width // (NARROWEST + 3))
        banks = math.ceil(len(answers) / fit)
        size = math.ceil(len(answers) / banks)
        width = (self.console.width - 3 * (size - 1)) // size
        for first in range(0, len(answers), size):
            table = Table(
                box=box.MINIMAL, show_edge=False, padding=(0, 1), pad_edge=False
            )
            chosen = answers[first : first + size]
            if first:
                self.console.print()
            for answer in chosen:
                table.add_column(Text(answer.name, "bold cyan"), width=width)
            table.add_row(
                *(
                    Text("\n").join(
                        [piece for line in cell for piece in fold(line, width)]
                    )
                    for cell in cells[first : first + size]
                )
            )
            self.console.print(table)

    def _cell(self, part: Part | None) -> list[Text]:
        if part is None:
            return [Text("-- not needed", "dim italic")]
        if part.shares:
            return [Text(f"-- together with {part.shares}", "dim italic")]
        if not part.code:
            return [Text("-- at the end of the block", "dim italic")]
        lines = part.code
        return [
            Text.assemble(
                (f"{self.mark} " if line.switch else "  ", "bold yellow"), text
            )
            for line, text in zip(lines, _highlighted(lines), strict=True)
        ]

    def _mark(self, change: Change) -> str:
        if change.blank:
            return ""
        return {"=": self.same, "≈": self.alike}.get(change.mark, change.mark)

    def _matrix(
        self, first: str, found: Mapping[str, Report], narrow: int = 16
    ) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(first, overflow="fold", min_width=narrow)
        for study in found:
            width = max(len(study), len("passed"))
            table.add_column(study, overflow="fold", min_width=width)
        return table

    def _versions(self, found: Mapping[str, Report]) -> None:
        self.console.print()
        for study, report in found.items():
            libraries = "".join(f", {n} {v}" for n, v in report.libraries.items())
            versions = f"{study}: Python {report.python}{libraries}"
            self.console.print(Text(versions, "dim"))

    def _reasons(self, found: Mapping[str, Report], topics: set[str]) -> None:
        why: dict[str, set[str]] = {}
        for study, report in found.items():
            for test in report.tests:
                if test.outcome != "passed" and test.topic in topics:
                    where = f"{study}:{test.variant}" if test.variant else study
                    why.setdefault(test.reason or test.outcome, set()).add(where)
        for reason, where in why.items():
            names = Text(", ".join(sorted(where)), "yellow")
            self.console.print(names.append(f" {reason}", "default"))


def _numbered(line: Line | None) -> dict[str, Any] | None:
    return line and {"number": line.number, "text": line.text}


def _highlighted(lines: Sequence[Line]) -> list[Text]:
    """Return lines of code in colours, without their common indentation."""
    if not lines:
        return []
    code = dedent("\n".join(line.text for line in lines))
    text = HIGHLIGHT.highlight(code)
    text.right_crop(1)  # the newline that highlighting adds
    return list(text.split("\n", allow_blank=True))


def _coloured(lines: Sequence[Line]) -> dict[int, Text]:
    return dict(zip([line.number for line in lines], _highlighted(lines), strict=True))


def _fold(line: Text, width: int) -> list[Text]:
    """Return a line of code in pieces that fit, with all but the first indented."""
    start = _indent(line)
    further = min(start + 4, width // 2)
    pieces: list[Text] = []
    while line.cell_len > width:
        plain = line.plain[: width + 1]
        cut = plain.rfind(" ", start + 1)
        if cut < width // 2:
            cut = max(cut, *(plain.rfind(c, start, width) + 1 for c in "([{,."))
        if cut <= start:
            cut = width
        pieces.append(line[:cut])
        rest = line[cut:]
        line = Text(" " * further) + rest[len(rest) - len(rest.plain.lstrip(" ")) :]
        start = further
    return [*pieces, line]


def _indent(line: Text) -> int:
    """Return the width of the spaces, and the mark if any, before the code."""
    return len(line) - len(line.plain.lstrip(" »>"))


def _wrap(line: Text, _: int) -> list[Text]:
    """Return a line of prose as it is, because the table wraps it."""
    return [line]


def _prose(text: str) -> list[Text]:
    """Return paragraphs, each as one line to be wrapped."""
    return [Text(" ".join(each.split())) for each in text.split("\n\n")]


def _counts(tests: Sequence[Test]) -> Text:
    """Return the counts, as in ``41 (1)``: 41 passed, 1 not."""
    if not tests:
        return Text("-", "dim")
    count = Counter(test.outcome for test in tests)
    text = Text(str(count["passed"]), "green")
    if missed := count["cannot"] + count["differs"]:
        text.append(f" ({missed})", "yellow")
    if count["failed"]:
        text.append(f" {count['failed']} failed", "bold red")
    return text


def _outcome(tests: Sequence[Test]) -> Text:
    """Return the result of a test, or the answers and worlds that are exceptions."""
    if not tests:
        return Text("-", "dim")
    several = len({test.world for test in tests}) > 1
    found: dict[str, set[str]] = {}
    for test in tests:
        where = f" in {test.world}" if several else ""
        found.setdefault(test.outcome, set()).add(
            f"{test.variant or 'recommended'}{where}"
        )
    if len(found) == 1:
        (outcome,) = found
        return Text(outcome, OUTCOMES[outcome])
    text = Text()
    for outcome, word in (
        ("failed", "failed"),
        ("cannot", "not"),
        ("differs", "not by default"),
    ):
        for name in sorted(found.get(outcome, ())):
            text.append("\n" if text else "").append(
                f"{word} {name}", OUTCOMES[outcome]
            )
    return text


def _named(lane: Lane) -> str:
    return f"{lane.label} ({lane.sort})" if lane.sort else lane.label


def _axis(scale: Scale, width: int) -> str:
    """Return as many seconds for the line below the lanes as there is room for."""
    text = ""
    for tick in scale.ticks(max(width // 9, 2)):
        here = round(scale.x(tick))
        shown = f"{tick:g} "
        if here >= len(text) and here + len(shown) <= width + 6:
            text = text.ljust(here) + shown
    return f"{text}s"
