"""The ``study`` command: compare answers in the terminal.

The exit status is 2 after a wrong argument, and 1 if something is missing or refused.
After `study run` it is that of the answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from concurrency_study.behaviours import GROUPS
from concurrency_study.behaviours import questions as all_questions
from concurrency_study.behaviours.published import BadAnswer
from concurrency_study.races import BUGS
from concurrency_study.report import EXAMPLE
from rich.console import Console
from rich.progress import track

from . import markdown, names, questions, reports, runner, site
from .answers import AnswerFile, NotFound, Topic, Tree, Unreadable, unknown
from .bench import costs
from .comparison import shared_lines
from .figures import FILE as FIGURES
from .races import all_races
from .screen import Screen
from .subject import Subject
from .timeline.chrome import chrome_trace

app = typer.Typer(
    name="study",
    help="Answers to each question about concurrency, side by side.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


Thing = TypeVar("Thing")


class Impossible(Exception):
    """A command that cannot be carried out. The message says what to do about it."""


def _names(of: Callable[[Tree], Sequence[str]]) -> Callable[[str], list[str]]:
    """Return a function that completes a word in a shell."""

    def complete(incomplete: str) -> list[str]:
        try:
            names = of(Tree.above(Path.cwd()))
        except (NotFound, Unreadable):
            return []
        return [name for name in names if name.startswith(incomplete)]

    return complete


_TOPICS = _names(lambda tree: [*tree.topics])
_STUDIES = _names(lambda tree: tree.studies)

AnyTopic = Annotated[
    str | None,
    typer.Argument(metavar="[TOPIC]", autocompletion=_TOPICS, show_default=False),
]


def _word(context: typer.Context, incomplete: str) -> list[str]:
    """Complete a topic or a study; only a study if there is a topic already."""
    words = context.params.get("words") or ()
    has_topic = any(word in _TOPICS(word) for word in words)
    return ([] if has_topic else _TOPICS(incomplete)) + _STUDIES(incomplete)


def _words(metavar: str, text: str) -> Any:
    """Return an argument that takes a topic and answers, in any order."""
    return typer.Argument(
        metavar=f"TOPIC {metavar}",
        autocompletion=_word,
        show_default=False,
        help=f"A topic and {text}, in any order.",
    )


Words = Annotated[
    list[str],
    _words("[STUDY[:VARIANT]...]", "answers (default: all recommended answers)"),
]
Two = Annotated[list[str], _words("STUDY[:VARIANT] STUDY[:VARIANT]", "two answers")]
One = Annotated[list[str], _words("STUDY[:VARIANT]", "an answer")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Python = Annotated[
    str | None,
    typer.Option(
        metavar="VERSION",
        help="Use the reports of this Python, as 3.13 (default: the newest that all "
        "studies ran on).",
        show_default=False,
    ),
]
NoPager = Annotated[bool, typer.Option("--no-pager", help="Print without a pager.")]


def _topic_and_answers(
    tree: Tree, words: Sequence[str], count: int | None = None
) -> tuple[Topic, list[AnswerFile]]:
    """Tell the topic from the answers among some words.

    Raises:
        NotFound: a word is neither, or there are too many or too few of them.
    """
    topics = [word for word in words if word in tree.topics]
    others = [word for word in words if word not in tree.topics]
    if not topics:
        known = [*tree.topics]
        strange = [w for w in others if w.partition(":")[0] not in tree.studies]
        if strange:
            raise NotFound(unknown("topic", strange[0], known))
        raise NotFound(f"name a topic as well; there are {', '.join(known)}")
    if len(topics) > 1:
        raise NotFound(f"name one topic, not {' and '.join(topics)}")
    if count is not None and len(others) != count:
        answers = "one answer" if count == 1 else "two answers"
        given = ", ".join(others) or "none"
        raise NotFound(f"name {answers} beside {topics[0]}, as trio; given: {given}")
    (topic,) = topics
    return tree.topic(topic), [tree.answer(word, topic) for word in others]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"study {version('concurrency-comparisons')}")
        raise typer.Exit


@app.callback()
def _main(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
    root: Annotated[
        Path | None,
        typer.Option(
            help="Read this checkout (default: the one around the working directory).",
            show_default=False,
        ),
    ] = None,
) -> None:
    context.obj = root


@app.command()
def topics(
    context: typer.Context,
    topic: AnyTopic = None,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """List the questions, or show one in full.

    Each question comes with the names of its answers.
    """
    tree = _tree(context)
    chosen = [tree.topic(topic)] if topic else [*tree.topics.values()]
    names = {
        each.name: [
            answer.name
            for study in tree.studies
            for answer in tree.answers(study, each.name)
        ]
        for each in chosen
    }
    if as_json:
        _print_json([asdict(each) | {"answers": names[each.name]} for each in chosen])
        return
    with _screen(pager=not no_pager) as screen:
        if topic:
            screen.question(chosen[0], names[topic])
        else:
            screen.topics(chosen, names)


@app.command()
def show(
    context: typer.Context,
    words: Words,
    whole: Annotated[
        bool, typer.Option("--whole", help="Show imports and the program as well.")
    ] = False,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """Show answers side by side, step by step.

    A mark shows where another task may run. STUDY is a study, as trio, which means its
    recommended answer, or a study and a variant, as asyncio:gather.
    """
    tree = _tree(context)
    question, answers = _topic_and_answers(tree, [*dict.fromkeys(words)])
    topic = question.name
    if not answers:
        found = [tree.answers(study, topic)[:1] for study in tree.studies]
        answers = [answer for some in found for answer in some]
    if not answers:
        raise NotFound(
            f"no study has an answer to {topic!r}; `study topics` lists all answers"
        )
    if as_json:
        shared = shared_lines(answers)
        described = [_described(tree, each, shared[each.name]) for each in answers]
        _print_json({"topic": asdict(question), "answers": described})
        return
    for answer in answers:
        _ = answer.parts  # raises Unreadable, if at all, before anything is printed
    with _screen(pager=not no_pager) as screen:
        screen.show(question, answers, whole=whole)


@app.command()
def diff(
    context: typer.Context,
    words: Two,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """Show how two answers differ, by step.

    Lines that differ only in the name of the library count as alike.
    """
    tree = _tree(context)
    question, (left, right) = _topic_and_answers(tree, words, 2)
    with _screen(pager=not (no_pager or as_json)) as screen:
        if as_json:
            _print_json(screen.differences(left, right))
        else:
            screen.diff(question, left, right)


@app.command()
def run(
    context: typer.Context,
    words: One,
    variant: Annotated[
        str,
        typer.Option(
            help="Run this variant, not the recommended answer.", show_default=False
        ),
    ] = "",
    stamps: Annotated[
        bool | None,
        typer.Option(
            "--stamps/--no-stamps",
            help="Show when each line was printed (default: only in a terminal).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run an answer for real.

    It runs in the environment that `nox -s STUDY` makes, and reads your input. Seconds
    count from the moment when all modules are imported.
    """
    tree = _tree(context)
    question, (answer,) = _topic_and_answers(tree, words, 1)
    if variant:
        answer = tree.answer(f"{answer.study}:{variant}", question.name)
    study = answer.study
    python = runner.interpreter(tree.root, study)
    if python is None:
        raise Impossible(
            f"{study} is not installed; run `nox -s {study}` to install it"
        )
    stamped = sys.stdout.isatty() if stamps is None else stamps
    raise typer.Exit(runner.run(python, answer.module, stamps=stamped))


@app.command()
def ask(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS...",
            help='Words of the question, as "gather cancel", or its number.',
            show_default=False,
        ),
    ],
    code: Annotated[
        bool, typer.Option("--code", help="Show the code that measures each answer.")
    ] = False,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """Find a question about behaviour, and print its answers.

    A test measures each answer. If there is no report of the current text, the answers
    are those that are published, and the output says so.
    """
    tree = _tree(context)
    text = " ".join(words)
    found = questions.matching(questions.all_asked(tree).values(), text)
    if not found:
        raise NotFound(f"no question has {text!r}; `study questions` lists them all")
    if as_json:
        _print_json([each.as_json() for each in found[:1]])
        return
    with _screen(pager=not no_pager) as screen:
        screen.asked(found[0], found[1:6], code=code)


@app.command("questions")
def list_questions(
    context: typer.Context,
    world: Annotated[
        list[str] | None,
        typer.Option(help="Show this world only; may be repeated.", show_default=False),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help=f"Show this group only: {', '.join(GROUPS)}.", show_default=False
        ),
    ] = None,
    differ: Annotated[
        bool, typer.Option("--differ", help="Show those whose answers differ.")
    ] = False,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="WORLD WORLD",
            help="Show those that these two worlds answer otherwise.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """List the questions about behaviour, with their answers in each world."""
    tree = _tree(context)
    if group is not None and group not in GROUPS:
        raise NotFound(unknown("group", group, GROUPS))
    known = [name for entry in tree.entries.values() for name in entry.every_world]
    wanted = [*(pair or ()), *(world or ())]
    for name in wanted:
        if name not in known:
            raise NotFound(unknown("world", name, known))
    found = [
        each.of(wanted) if wanted else each
        for each in questions.all_asked(tree).values()
        if group in (None, each.question.group)
        and (not (differ or pair) or each.differs(wanted))
    ]
    if as_json:
        _print_json([each.as_json() for each in found])
        return
    with _screen(pager=not no_pager) as screen:
        screen.questions(found, wanted or known)


@app.command("names")
def find_names(
    context: typer.Context,
    word: Annotated[
        str,
        typer.Argument(
            metavar="WORD",
            help="A name, as asyncio.Queue or gather, or a word of a purpose.",
            show_default=False,
        ),
    ],
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """Find a name of a library, and print its counterparts in the others."""
    rows = names.index(_tree(context))
    found = names.matching(rows, word)
    if not found:
        known = {used.name.name for row in rows for used in row.every}
        raise NotFound(f"no name or purpose has {word!r} among {len(known)} names")
    if as_json:
        _print_json([row.as_json() for row in found])
        return
    with _screen(pager=not no_pager) as screen:
        screen.names(found, {key: each.number for key, each in all_questions().items()})


@app.command()
def matrix(
    context: typer.Context,
    topic: AnyTopic = None,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """Show the results of the suite.

    With TOPIC, show them test by test. Needs the reports that `nox -s STUDY` writes.
    """
    tree = _tree(context)
    chosen = [tree.topic(topic).name] if topic else [*tree.topics]
    found = _reports(tree, tree.studies)
    if as_json:
        _print_json(
            {
                study: {
                    "python": report.python,
                    "libraries": report.libraries,
                    "tests": [asdict(t) for t in report.tests if t.topic in chosen],
                }
                for study, report in found.items()
            }
        )
        return
    with _screen(pager=not no_pager) as screen:
        if topic:
            screen.tests(tree.topic(topic), found, tree.tests(topic))
        else:
            screen.matrix(chosen, found)


@app.command()
def timeline(
    context: typer.Context,
    words: Words,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Draw this test, not the example. Reports hold the tests that need a "
            "capability.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    trace: Annotated[
        bool,
        typer.Option(
            "--trace", help="Print a Chrome trace, for Perfetto or chrome://tracing."
        ),
    ] = False,
    no_pager: NoPager = False,
) -> None:
    """Draw what happened, in virtual time.

    The timeline is of the example of TOPIC, or of a test. It has a lane for the answer,
    and one for each task, thread or greenlet that it started. Needs the reports that
    `nox -s STUDY` writes.
    """
    tree = _tree(context)
    question, answers = _topic_and_answers(tree, words)
    topic = question.name
    if question.real:
        raise Impossible(f"{topic!r} runs in real time only, so it has no timeline")
    if not answers:
        answers = [one for study in tree.studies for one in tree.answers(study, topic)]
        answers = [answer for answer in answers if test or not answer.variant]
    found = _reports(tree, [*dict.fromkeys(answer.study for answer in answers)])
    name = EXAMPLE if test is None else _test_name(test)
    examples = {
        f"{answer.name} ({story.world})" if several else answer.name: story
        for answer in answers
        if answer.study in found
        for several in [len(found[answer.study].worlds) > 1]
        for story in found[answer.study].stories
        if (story.topic, story.variant, story.test) == (topic, answer.variant, name)
    }
    if not examples:
        told = dict.fromkeys(
            story.test.removeprefix("test_")
            for answer in answers
            if answer.study in found
            for story in found[answer.study].stories
            if (story.topic, story.variant) == (topic, answer.variant)
        )
        if test is not None and told:
            raise NotFound(unknown("drawn test", name.removeprefix("test_"), told))
        raise Impossible(
            f"no report holds the example of {topic!r}; run `nox -s compare` to make "
            "new reports"
        )
    if as_json:
        _print_json({name: _told(example) for name, example in examples.items()})
        return
    if trace:
        print(chrome_trace([*examples.items()]), end="")
        return
    with _screen(pager=not no_pager) as screen:
        screen.timelines([*examples.items()])


def _bug(incomplete: str) -> list[str]:
    """Complete the name of a bug in a shell."""
    return [name for name in BUGS if name.startswith(incomplete)]


@app.command("races")
def show_races(
    context: typer.Context,
    bug: Annotated[
        str | None,
        typer.Argument(
            metavar="[BUG]",
            autocompletion=_bug,
            help=f"A bug: {', '.join(BUGS)}.",
            show_default=False,
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=_STUDIES,
            help="Show this study only.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    no_pager: NoPager = False,
) -> None:
    """List the classic races, or show one in full.

    With BUG or --study, show the broken program and its fix, the schedule that breaks
    it, a command that replays it, and both runs. Needs the reports that `nox -s STUDY`
    writes.
    """
    tree = _tree(context)
    if bug is not None and bug not in BUGS:
        raise NotFound(unknown("bug", bug, BUGS))
    studies = [tree.study(study)] if study else tree.studies
    races = all_races(tree, _reports(tree, studies), studies)
    chosen = {name: race for name, race in races.items() if bug in (None, name)}
    if as_json:
        _print_json(
            {
                name: [shown.as_json() for shown in here]
                for name, (_, here) in chosen.items()
            }
        )
        return
    with _screen(pager=not no_pager) as screen:
        if bug is None and study is None:
            screen.races(chosen)
        else:
            for each, here in chosen.values():
                screen.race(each, here)


@app.command("pages")
def write_pages(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; fail if the pages are out of date."
        ),
    ] = False,
    python: Python = None,
) -> None:
    """Write the pages in Markdown, comparisons/pages: a folder for each topic.

    Removes the pages of former topics. Files that it has not made are kept.

    Needs the reports of all studies, which `nox -s compare` makes. --check needs no
    reports.
    """
    tree = _tree(context)
    if check:
        if stale := markdown.stale(tree):
            raise Impossible(
                f"out of date in {markdown.FOLDER}: {', '.join(stale)}; run "
                "`nox -s compare` to make the pages again"
            )
        print(f"The pages in {markdown.FOLDER} are up to date.")
        return
    found = reports.of_one_python(tree.root, tree.studies, python)
    for topic in _watched([*tree.topics.values()], "Pages"):
        markdown.write(Subject(tree, topic, found))
    markdown.tidy(tree)
    print(f"{len(tree.topics)} pages are in {tree.root / markdown.FOLDER}")


@app.command("site")
def write_site(
    context: typer.Context,
    python: Python = None,
    source: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The address of the repository's files, as in "
            "https://code.example/study/blob/main. Links to files begin with it; by "
            "default they lead to the files of this checkout.",
        ),
    ] = "",
    url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The address at which the folder will be published. The site then has "
            "a sitemap.xml.",
        ),
    ] = "",
) -> None:
    """Write the site, comparisons/site.

    Needs the reports of all studies, which `nox -s compare` makes. The search needs the
    package pagefind. Browsers load its index from a web server only, so look at the
    site by `python -m http.server -d comparisons/site`.
    """
    for option, address in (("--source", source), ("--url", url)):
        if address and not re.match(r"https?://\S+$", address):
            raise typer.BadParameter(
                f"{option} must begin with https:// or http://, unlike {address!r}"
            )
    tree = _tree(context)
    found = reports.of_one_python(tree.root, tree.studies, python)
    files = site.pages(tree, found, source=source, url=url.rstrip("/"))
    start = site.write(tree, [*_watched(files, "Site")])
    if not site.add_search(start.parent):
        print("The site has no search: `pip install pagefind`, and run this again.")
    print(f"The start page is {start}")


@app.command("costs")
def write_costs(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; fail if the page is out of date."),
    ] = False,
) -> None:
    """Write the page of costs, comparisons/pages/costs.md.

    Needs comparisons/costs.json, which `nox -s bench -- --json comparisons/costs.json`
    makes.
    """
    root = _tree(context).root
    try:
        if check:
            if stale := costs.stale(root):
                raise Impossible(
                    f"not of the current figures: {', '.join(stale)}; run "
                    "`study costs` to make them again"
                )
            print(f"The page of costs is up to date with {FIGURES}.")
            return
        for path in costs.write(root):
            print(path)
    except costs.NoFigures as error:
        raise Impossible(str(error)) from error


def _test_name(text: str) -> str:
    """Return the name of a test from its name or its words."""
    return f"test_{text.strip().removeprefix('test_').replace(' ', '_')}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. Always raises SystemExit, with the exit status."""
    # A stream that is not UTF-8 shows a replacement for a character that it lacks.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # pyright: ignore
    try:
        status = app(arguments, prog_name="study", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except NotFound as error:
        _fail(error, 2)
    except (Unreadable, Impossible, BadAnswer, reports.Refused) as error:
        _fail(error, 1)
    except Exception as error:
        # typer's own copy of click is private, and so are its classes of errors.
        usage: Any = error
        if not hasattr(usage, "format_message"):
            raise
        if not (sys.argv[1:] if arguments is None else arguments):
            usage.show()  # the help, for there was nothing to be wrong
            sys.exit(usage.exit_code)
        command = usage.ctx.command_path if usage.ctx else "study"
        text = str(usage.format_message()).rstrip(".")
        _fail(f"{text[:1].lower()}{text[1:]}; see `{command} --help`", 2)


def _fail(error: object, status: int) -> NoReturn:
    print(f"study: {error}", file=sys.stderr)
    sys.exit(status)


def _watched(things: Iterable[Thing], title: str) -> Iterable[Thing]:
    """Return the same things, with a progress bar in a terminal."""
    console = Console(stderr=True)
    return track(
        things, title, console=console, transient=True, disable=not console.is_terminal
    )


def _tree(context: typer.Context) -> Tree:
    root: Path | None = context.obj
    return Tree(root) if root is not None else Tree.above(Path.cwd())


@contextlib.contextmanager
def _screen(*, pager: bool) -> Generator[Screen]:
    console = Console(highlight=False)
    if not console.is_terminal:
        with console.capture() as captured:
            yield Screen(console)
        for line in captured.get().splitlines():
            print(line.rstrip())
        return
    if not pager:
        yield Screen(console)
        return
    os.environ.setdefault("LESS", "FRX")  # colours; and no pager if all fits
    with console.pager(styles=True):
        yield Screen(console)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def _told(story: reports.Story) -> dict[str, Any]:
    return asdict(story) | {"events": [event._asdict() for event in story.events]}


def _described(tree: Tree, answer: AnswerFile, shared: set[int]) -> dict[str, Any]:
    return {
        "study": answer.study,
        "variant": answer.variant,
        "path": answer.path.relative_to(tree.root).as_posix(),
        "title": answer.title,
        "particular": answer.particular,
        "parts": [
            {
                "name": part.name,
                "title": part.title,
                "shares": part.shares,
                "lines": [
                    {
                        "number": line.number,
                        "text": line.text,
                        "switch": line.switch,
                        "shared": line.number in shared,
                    }
                    for line in part.lines
                ],
            }
            for part in answer.parts.values()
        ],
    }


def _reports(tree: Tree, studies: Sequence[str]) -> dict[str, reports.Report]:
    """Return the report of each study on its newest Python; print what is missing.

    Raises:
        Impossible: no study has a report.
    """
    found: dict[str, reports.Report] = {}
    problems: list[str] = []
    for study in studies:
        try:
            found[study] = reports.newest(tree.root, study)
        except reports.Refused as error:
            problems.append(str(error))
    if not found:
        if len(problems) > 1:
            raise Impossible(
                f"no report can be used ({problems[0].partition(';')[0]}); run "
                "`nox -s compare` to make the reports of all studies"
            )
        raise Impossible(problems[0])
    for problem in problems:
        print(f"study: {problem}", file=sys.stderr)
    return found
