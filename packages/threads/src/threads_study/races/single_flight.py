"""Threads: the call that all share fails, and the callers after it wait for ever.

The first caller makes the call, and the others wait for its future. If the call fails,
the future has no result and stays in the table. The fix hands the error to the future
as well. The future leaves the table first, so that a retry does not get the old error.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Lock, Thread

from .. import run


def surf(fetch: Callable[[Callable[[], str]], str]) -> list[str]:
    """Start a server and two readers who try again; return what the readers got."""
    up = Event()
    pages: list[str] = []

    def download() -> str:
        if not up.is_set():
            raise ConnectionError
        return "page"

    def server() -> None:
        up.set()

    def reader() -> None:
        while True:
            try:
                pages.append(fetch(download))
                return
            except ConnectionError:
                up.wait()

    threads = [
        Thread(target=server, name="server"),
        Thread(target=reader, name="Ann"),
        Thread(target=reader, name="Bob"),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return pages


def broken() -> None:
    flights: dict[str, Future[str]] = {}
    lock = Lock()

    def fetch(download: Callable[[], str]) -> str:
        with lock:
            flight = flights.get("page")
            first = flight is None
            if flight is None:
                flight = flights["page"] = Future()
        if first:
            page = download()
            del flights["page"]
            flight.set_result(page)
        return flight.result()

    pages = surf(fetch)
    assert pages == ["page"] * 2, f"2 readers, but {len(pages)} got the page"


def fixed() -> None:
    flights: dict[str, Future[str]] = {}
    lock = Lock()

    def fetch(download: Callable[[], str]) -> str:
        with lock:
            flight = flights.get("page")
            first = flight is None
            if flight is None:
                flight = flights["page"] = Future()
        if first:
            try:
                page = download()
            except BaseException as error:
                del flights["page"]
                flight.set_exception(error)
            else:
                del flights["page"]
                flight.set_result(page)
        return flight.result()

    pages = surf(fetch)
    assert pages == ["page"] * 2, f"2 readers, but {len(pages)} got the page"


if __name__ == "__main__":
    run(fixed)
