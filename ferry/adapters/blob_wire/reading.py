"""Reads of one blob or file: its head, a range of it, or all of it as a stream, each pinned to its version."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ferry.adapters.blob_clients import READ_SECONDS
from ferry.adapters.blob_wire.answered import quoted_etag, told
from ferry.adapters.blob_wire.connection import Connection
from ferry.adapters.blob_wire.pool import ERROR_LIMIT_BYTES, Expected, OriginPool
from ferry.adapters.blob_wire.raw_answer import RawAnswer, TooLong
from ferry.adapters.blob_wire.request import Unsendable, fixed_lines, is_date, pin_line
from ferry.ports.blob_sides import WireAnswer, WireRefused
from ferry.ports.storage import BlobItem

SLOWEST_BYTES_PER_SECOND = 100_000
_HELD_BYTES = 1024 * 1024
CHANGED = WireAnswer(412, "ConditionNotMet", {}, b"the version that was listed is not there any more")
_WRONG_RANGE = WireAnswer(416, "InvalidRange", {}, b"another range was answered than was asked for")
_RANGE_IGNORED = WireAnswer(200, "RangeIgnored", {}, b"the whole was answered where a range was asked for")
_HEAD = Expected(is_head=True)


class Reader:
    """Sends reads to one origin. `target` is a path with its query. Every method raises WireRefused and WireLost."""

    def __init__(self, pool: OriginPool) -> None:
        self._pool = pool
        self._lines = fixed_lines(pool.host_header)

    async def head(self, target: str) -> RawAnswer:
        """HEAD; every status is an answer."""
        return await self._pool.send(self._request("HEAD", target), expected=_HEAD)

    async def get(self, target: str, *, limit_bytes: int) -> RawAnswer:
        """GET of a document."""
        answer = await self._pool.send(self._request("GET", target), expected=Expected(limit_bytes=limit_bytes))
        return _good(answer)

    async def read(self, target: str, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """So many bytes; fewer where it is shorter, none behind its end."""
        wanted = f"Range: bytes={start}-{start + size_bytes - 1}\r\n" if size_bytes else ""
        expected = Expected(
            seconds=READ_SECONDS + size_bytes / SLOWEST_BYTES_PER_SECOND,
            limit_bytes=max(size_bytes, ERROR_LIMIT_BYTES),
        )
        try:
            answer = await self._pool.send(self._pinned(target, item, wanted), expected=expected)
        except TooLong as too_long:
            if too_long.status != 200:
                raise
            raise WireRefused(_RANGE_IGNORED if wanted else CHANGED) from None
        if answer.status == 416:
            return b""
        _check_version(_good(answer), item)
        if answer.status == 206:
            if not answer.headers.get("content-range", "").startswith(f"bytes {start}-"):
                raise WireRefused(_WRONG_RANGE)
        elif start or len(answer.body) > size_bytes:
            # Nothing was asked for, and there is something; or the range was not heeded.
            raise WireRefused(_RANGE_IGNORED if wanted else CHANGED)
        return answer.body[:size_bytes] if len(answer.body) > size_bytes else answer.body

    @asynccontextmanager
    async def stream(
        self, target: Callable[[], Awaitable[str]], item: BlobItem
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """All of it in one pass; at most a mebibyte or so waits in memory."""
        async with self._open(self._pinned(await target(), item, "")) as body:
            _check_version(_good(body.head()), item)
            yield body.chunks()

    async def peek(self, target: str) -> RawAnswer:
        """What a GET of the first byte answers, for servers that know no HEAD; the body is left."""
        async with self._open(self._request("GET", target, "Range: bytes=0-0\r\n")) as body:
            return body.head()

    @asynccontextmanager
    async def _open(self, request: bytes) -> "AsyncGenerator[_StreamedBody]":
        body = _StreamedBody()
        connection, done = await self._pool.open_stream(request, Expected(sink=body.take))
        try:
            await body.begin(connection, done)
            yield body
        finally:
            if not done.done():
                connection.abort()
            elif not done.cancelled():
                # Whoever left early does not ask any more how it ended.
                done.exception()

    def _pinned(self, target: str, item: BlobItem, wanted: str) -> bytes:
        try:
            return self._request("GET", target, pin_line(item) + wanted)
        except Unsendable as unsendable:
            raise WireRefused(unsendable.answer) from None

    def _request(self, method: str, target: str, more: str = "") -> bytes:
        return f"{method} {target} HTTP/1.1\r\n{self._lines}{more}\r\n".encode("ascii")


class _StreamedBody:
    """What has come of a body and nobody has taken yet."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._held_bytes = 0
        self._connection: Connection | None = None
        self._done: asyncio.Future[RawAnswer] | None = None
        self._news = asyncio.Event()
        self._head: RawAnswer | None = None

    def take(self, head: RawAnswer, piece: bytes) -> None:
        """Called as the bytes come, not before `begin`, for that waits on the loop."""
        self._head = head
        self._pieces.append(piece)
        self._held_bytes += len(piece)
        self._news.set()
        connection = self._connection
        if connection is not None:
            if self._held_bytes > _HELD_BYTES:
                connection.pause_reading()
            else:
                connection.ends_at = asyncio.get_running_loop().time() + READ_SECONDS

    async def begin(self, connection: Connection, done: "asyncio.Future[RawAnswer]") -> None:
        """Wait for the first bytes of the body, or for the end. Raises WireLost."""
        self._connection, self._done = connection, done
        done.add_done_callback(lambda _: self._news.set())
        await self._news.wait()
        if self._head is None:
            self._head = done.result()

    def head(self) -> RawAnswer:
        """The answer; only one that is an error has a body."""
        if self._head is None:
            raise AssertionError("begin comes first")
        return self._head

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The pieces in order. Raises WireLost where the body is cut off."""
        connection, done = self._connection, self._done
        if connection is None or done is None:
            return
        while True:
            if self._pieces:
                piece = self._pieces.popleft()
                self._held_bytes -= len(piece)
                if self._held_bytes < _HELD_BYTES and not done.done():
                    connection.resume_reading(asyncio.get_running_loop().time() + READ_SECONDS)
                yield piece
            elif done.done():
                done.result()
                return
            else:
                self._news.clear()
                await self._news.wait()


def _good(answer: RawAnswer) -> RawAnswer:
    if answer.status not in (200, 206):
        raise WireRefused(told(answer))
    return answer


def _check_version(answer: RawAnswer, item: BlobItem) -> None:
    """Hold the answer to the item's pin: not every server heeds the condition of a request."""
    name = "last-modified" if is_date(item.etag) else "etag"
    shown = answer.headers.get(name, "")
    if item.etag and shown and quoted_etag(shown) != quoted_etag(item.etag):
        raise WireRefused(CHANGED)
