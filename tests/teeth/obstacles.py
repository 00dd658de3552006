"""Wrong clients of the obstacle course, and why each must be caught.

By name: the file of the study, the text in it that is replaced, what takes its place;
the test that must fail (or one of them), and what it must say.
"""

_RACE = "use_cases/race.py"
_GROUP = """\
    async with asyncio.TaskGroup() as group:
        attempts = [
            group.create_task(attempt(number, function))
            for number, function in enumerate(functions)
        ]
"""
_at = "test_the_obstacle_is_overcome_and_nothing_is_left[length-asyncio-{}]".format

MISTAKES = {
    "a cancellation is swallowed: whatever it is, try once more": (
        "obstacles/course.py",
        "    return won(await fetch(url))\n",
        """\
    try:
        return won(await fetch(url))
    except BaseException:
        again = asyncio.ensure_future(fetch(url))
        done, _ = await asyncio.wait([again], timeout=1)
        again.cancel()
        await asyncio.wait([again])
        return won(again.result()) if done else ""
""",
        _at(1),
        r"assert \(3, 0, 2\) == \(2, 0, 1\)",  # begun, broken, dropped
    ),
    "the loser is left running": (
        _RACE,
        _GROUP,
        """\
    attempts = [asyncio.create_task(function()) for function in functions]
    done, _ = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
    successes += [one.result() for one in done]
""",
        _at(1),
        r"somebody still waits: fetch, line \d+; right, line \d+",
    ),
    "the loser is cancelled and not waited for": (
        _RACE,
        _GROUP,
        """\
    attempts = [asyncio.create_task(function()) for function in functions]
    done, _ = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
    successes += [one.result() for one in done]
    for other in attempts:
        other.cancel()
""",
        _at(1),
        r"somebody still waits: fetch, line \d+; right, line \d+",
    ),
    "the failure of a loser reaches nobody": (
        _RACE,
        _GROUP,
        """\
    winner = asyncio.get_running_loop().create_future()

    async def finish(function):
        winner.set_result(await function())

    attempts = [asyncio.create_task(finish(function)) for function in functions]
    successes.append(await winner)
    for other in attempts:
        if not other.done():
            other.cancel()
    await asyncio.wait(attempts)
""",
        _at(5),
        "Task exception was never retrieved",
    ),
    "the first to end has won, even if it failed": (
        _RACE,
        "            failures[number] = error\n",
        "            failures[number] = error\n            raise\n",
        _at(2),
        r"ConnectionResetError",
    ),
    "the hedge does not wait": (
        "obstacles/course.py",
        "3 * second, 2)",
        "0, 2)",
        _at(7),
        "assert 'wrong' == 'right'",
    ),
    "close is not run when the use is cancelled": (
        "use_cases/resource.py",
        "    finally:\n        # 3.",
        """\
    except asyncio.CancelledError:
        raise
    except Exception:
        await close(handle)
        raise
    else:
        # 3.""",
        "test_ctrl_c_in_the_midst_of_a_use_closes_what_was_opened[asyncio]",
        r"assert \(3, 2, \[\]\) == \(1, 2, \[\]\)",  # held, dropped, faults
    ),
    "results come from a set, and not in order of arrival": (
        "obstacles/course.py",
        '    await results_as_we_go(fetch, [f"{base}/9"] * 10, responses.append)\n',
        """\
    calls = [asyncio.create_task(fetch(f"{base}/9")) for _ in range(10)]
    done, _ = await asyncio.wait(calls)
    responses = [call.result() for call in done]
""",
        # One of 120 orders is the right one: three times is no accident.
        *(_at(9).replace("length", framing) for framing in ("chunked", "close")),
        _at(9),
        r"assert '[right]{5}' == 'right'",
    ),
    "burning blocks the loop": (
        "obstacles/course.py",
        "sum(range(10_000))",
        "sum(range(100_000_000))",
        "test_the_load_is_high_as_long_as_it_should_and_nothing_is_left[asyncio]",
        r"Loser: 400: \d readings in \d s, not \d",
    ),
    "the connection is left to the garbage collector": (
        "obstacles/fetch.py",
        """\
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
""",
        "        pass\n",
        _at(1),
        r"assert \d+ <= \d+\n.* open_files\(\)",
    ),
}
