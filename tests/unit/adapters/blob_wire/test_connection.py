"""One connection on a transport that only notes what is done to it: when it is free again, and when it never is."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ferry.adapters.blob_wire.connection import Connection
from ferry.adapters.blob_wire.raw_answer import RawAnswer

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


class NotedTransport(asyncio.Transport):
    """Keeps what was written and done."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.done: list[str] = []

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return "abort" in self.done

    def abort(self) -> None:
        self.done.append("abort")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


class Connected:
    """A connection on such a transport, and how often it was free or lost."""

    def __init__(self) -> None:
        self.freed = self.lost = 0
        self.transport = NotedTransport()
        self.connection = Connection(
            "host",
            asyncio.get_running_loop(),
            on_free=lambda _: self._count_free(),
            on_lost=lambda _: self._count_lost(),
        )
        self.connection.connection_made(self.transport)

    def start(
        self, *, body_follows: bool = False, sink: Callable[[RawAnswer, bytes], None] | None = None
    ) -> "asyncio.Future[RawAnswer]":
        waiter = self.connection.start(b"PUT", is_head=False, limit_bytes=100, sink=sink, body_follows=body_follows)
        assert waiter is not None
        return waiter

    def _count_free(self) -> None:
        self.freed += 1

    def _count_lost(self) -> None:
        self.lost += 1


def run[T](work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work())


def test_answered_connection_is_free_again() -> None:
    async def work() -> None:
        connected = Connected()
        waiter = connected.start()
        connected.connection.data_received(ANSWER[:20])
        assert connected.freed == 0
        connected.connection.data_received(ANSWER[20:])
        assert ((await waiter).status, connected.freed, connected.lost) == (201, 1, 0)

    run(work)


def test_answer_that_nobody_waits_for_any_more_closes_the_connection() -> None:
    async def work() -> None:
        connected = Connected()
        connected.start().cancel()
        connected.connection.data_received(ANSWER)
        assert (connected.freed, connected.lost, connected.transport.done) == (0, 1, ["abort"])

    run(work)


def test_answer_before_the_body_is_written_closes_the_connection() -> None:
    async def work() -> None:
        connected = Connected()
        waiter = connected.start(body_follows=True)
        connected.connection.pause_writing()
        writing = asyncio.ensure_future(connected.connection.write_body(b"x" * 1_000_000))
        await asyncio.sleep(0)
        connected.connection.data_received(ANSWER)
        await writing
        assert ((await waiter).status, connected.freed, connected.transport.done) == (201, 0, ["abort"])
        assert len(connected.transport.written) < 1_000_000

    run(work)


def test_connection_that_was_held_back_reads_again_when_it_is_free() -> None:
    async def work() -> None:
        connected = Connected()
        connected.start(sink=lambda head, piece: connected.connection.pause_reading())
        connected.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        assert connected.transport.done == ["pause"]
        connected.connection.data_received(b"cd")
        assert (connected.freed, connected.transport.done) == (1, ["pause", "resume"])

    run(work)


def test_closed_connection_takes_no_request() -> None:
    async def work() -> None:
        connected = Connected()
        connected.connection.connection_lost(None)
        waiter = connected.connection.start(b"PUT", is_head=False, limit_bytes=1, sink=None, body_follows=False)
        assert (waiter, connected.lost, connected.transport.written) == (None, 1, b"")

    run(work)
