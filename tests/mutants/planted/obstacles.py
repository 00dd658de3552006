"""Wrong clients of the obstacle course, and the reason why each one fails.

By name: the file of the study, the text in it to replace, the text in its place, the
test that must fail (or several, of which one must), and the message of the failure.
"""

_RACE = "use_cases/race.py"
_GROUP = """\
    try:
        async with asyncio.TaskGroup() as group:
            for number, function in enumerate(functions):
                start(group, attempt(number, function))
    except* Won:
        pass
"""
_COURSE = "test_course.py::"
_at = f"{_COURSE}test_the_obstacle_is_overcome_and_nothing_is_left[length-asyncio-{{}}]"
_at = _at.format
_ADDRESS = "test_addresses.py::test_{}[asyncio]".format
_OTHER = "test_another_server.py::test_{}".format

MISTAKES = {
    "any error or cancellation leads to another attempt": (
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
        r"still suspended: fetch, line \d+; right, line \d+",
    ),
    "the loser is cancelled but not awaited": (
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
        r"still suspended: fetch, line \d+; right, line \d+",
    ),
    "the failure of a loser is lost": (
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
    "the first to end wins, even by a failure": (
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
        f"{_COURSE}test_ctrl_c_during_a_use_closes_the_resource[asyncio]",
        r"assert \(3, 2, \[\]\) == \(1, 2, \[\]\)",  # held, dropped, faults
    ),
    "results come from a set instead of in order of arrival": (
        "obstacles/course.py",
        '    await results_as_we_go(fetch, [f"{base}/9"] * 10, responses.append)\n',
        """\
    calls = [asyncio.create_task(fetch(f"{base}/9")) for _ in range(10)]
    done, _ = await asyncio.wait(calls)
    responses = [call.result() for call in done]
""",
        # One of 120 orders is right. Three right orders in a row are not a coincidence.
        *(_at(9).replace("length", framing) for framing in ("chunked", "close")),
        _at(9),
        r"assert '[right]{5}' == 'right'",
    ),
    "burning blocks the loop": (
        "obstacles/course.py",
        "sum(range(10_000))",
        "sum(range(100_000_000))",
        f"{_COURSE}test_the_load_is_high_while_it_should_be_and_nothing_is_left[asyncio]",
        r"Loser: 400: \d readings in \d s, not \d",
    ),
    "the connection is left to the garbage collector": (
        "obstacles/fetch.py",
        """\
    with await connect(*exchange.address) as connection:
        await""",
        """\
    connection = await connect(*exchange.address)
    fetch.__dict__.setdefault('left', []).append(connection)
    if True:
        await""",
        _at(1),
        r"open_files\(\)",
    ),
    "the next address waits until the previous one fails": (
        "obstacles/fetch.py",
        "timeout=DELAY",
        "timeout=None",
        _ADDRESS("an_address_that_never_answers_is_passed_over"),
        "assert not addresses.gave_up.is_set",
    ),
    "an address that refuses ends the attempts": (
        "obstacles/fetch.py",
        "            errors.append(error)\n",
        "            raise\n",
        _ADDRESS("an_address_that_refuses_is_passed_over"),
        "ConnectionRefusedError",
    ),
    "the losing attempts keep running": (
        "obstacles/fetch.py",
        "                    other.cancel()\n",
        "                    pass\n",
        _ADDRESS("an_address_that_never_answers_is_passed_over"),
        "assert not addresses.gave_up.is_set",
    ),
    "the losing sockets stay open": (
        "obstacles/fetch.py",
        "                connection.close()\n",
        "                connect.__dict__.setdefault('left', []).append(connection)\n",
        _ADDRESS("an_address_that_never_answers_is_passed_over"),
        r"open_files\(\)",
    ),
    "at 10, only status 302 continues": (
        "obstacles/course.py",
        "if is_done(response):",
        "if response.status != 302:",
        _OTHER("at_10_any_30x_continues_and_any_20x_ends"),
        r"reported\.wait\(PATIENCE\)",  # it stops reporting
    ),
    "at 10, only status 200 ends": (
        "obstacles/course.py",
        "return response.text",
        "return won(response)",
        _OTHER("at_10_any_30x_continues_and_any_20x_ends"),
        "Loser: 201: right",
    ),
    "at 10, every status continues or ends": (
        "obstacles/course.py",
        "if is_done(response):",
        "if response.status // 100 != 3:",
        _OTHER("at_10_any_other_status_is_a_failure"),
        "DID NOT RAISE",
    ),
    "the handle of a resource is not quoted in the URL": (
        "obstacles/course.py",
        "?use={quote(handle)}",
        "?use={handle}",
        _OTHER("a_loser_that_closes_late_does_not_spoil_the_win[asyncio]"),
        "must be percent-encoded",
    ),
    "a response counts as complete at its first bytes": (
        "obstacles/fetch.py",
        "        while response is None:\n",
        "        for _ in range(1):\n",
        _OTHER("fetch_understands"),
        r"None == Response|assert None",
    ),
    "the end of a connection is not passed on": (
        "obstacles/fetch.py",
        "exchange.feed(await loop.sock_recv(connection, CHUNK))\n",
        """\
exchange.feed(await loop.sock_recv(connection, CHUNK) or b"HTTP/1.1 ")
""",
        _OTHER("fetch_fails_if_the_connection_ends_too_early"),
        r"BadResponse\(",
    ),
}
