"""One connection to an origin: sends a request, gives its answer, and is free for the next.

There is no timer for each request: a connection says until when it must be done (`ends_at`) and its pool looks.
"""

import asyncio
import selectors
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ferry.adapters.blob_wire.answers import AnswerFault, AnswerReader
from ferry.adapters.blob_wire.raw_answer import RawAnswer, TooLong
from ferry.adapters.blob_wire.tls import TlsLayer
from ferry.ports.blob_sides import WireLost

if TYPE_CHECKING:
    from socket import socket as Socket

FOREVER = float("inf")
_PIECE_BYTES = 256 * 1024

type Sink = Callable[[RawAnswer, bytes], None]


class Connection(asyncio.Protocol):
    """A connection of one loop. `on_free` is told when it may be used again, `on_lost` when it never may be."""

    __slots__ = (
        *(
            "_drained",
            "_host",
            "_is_paused",
            "_is_writing",
            "_loop",
            "_may_write",
            "_on_free",
            "_on_lost",
            "_reader",
            "_transport",
        ),
        *("_waiter", "ends_at", "idle_since", "is_open", "loop"),
    )

    def __init__(
        self,
        host: str,
        loop: asyncio.AbstractEventLoop,
        *,
        on_free: "Callable[[Connection], None]",
        on_lost: "Callable[[Connection], None]",
    ) -> None:
        self._host = host
        self.loop = loop
        self._on_free = on_free
        self._on_lost = on_lost
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | TlsLayer | None = None
        self._waiter: asyncio.Future[RawAnswer] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._may_write = True
        self._is_writing = False
        self._is_paused = False
        self.is_open = False
        self.ends_at = FOREVER
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport | TlsLayer) -> None:
        """It is connected."""
        self._transport = cast("asyncio.Transport | TlsLayer", transport)
        self.is_open = True

    def start(
        self, head: bytes, *, is_head: bool, limit_bytes: int, sink: Sink | None, body_follows: bool
    ) -> "asyncio.Future[RawAnswer] | None":
        """Send a request, and give what becomes its answer; None where the connection is closed and nothing was sent.

        With `body_follows` the rest of the body is to be written by `write_body`. The future raises WireLost.
        """
        transport = self._transport
        if not self.is_open or transport is None or transport.is_closing():
            return None
        self._reader.begin(is_head=is_head, limit_bytes=limit_bytes, sink=sink)
        self._is_writing = body_follows
        waiter = self._waiter = self.loop.create_future()
        transport.write(head)
        return waiter

    async def write_body(self, body: bytes) -> None:
        """Write it as fast as the other side reads, and stop where that has answered already."""
        transport, waiter = self._transport, self._waiter
        view = memoryview(body)
        for at in range(0, len(body), _PIECE_BYTES):
            if transport is None or waiter is None or waiter.done():
                return
            transport.write(view[at : at + _PIECE_BYTES])
            if not self._may_write:
                self._drained = self.loop.create_future()
                await self._drained
        self._is_writing = False

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        try:
            answer = self._reader.feed(data)
        except AnswerFault as fault:
            self.fail(str(fault), too_long=fault.too_long)
            return
        if answer is None:
            return
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            # Who asked has gone meanwhile and is about to close this.
            self.abort()
            return
        waiter.set_result(answer)
        if self._drained is not None:
            self._drain()
        if self._reader.keeps_alive and not self._is_writing and self.is_open:
            self.ends_at = FOREVER
            if self._is_paused:
                self.resume_reading(FOREVER)
            self._on_free(self)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whom ever."""
        self._lose()
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if exc is not None:
            waiter.set_exception(self._lost(f"the connection broke ({type(exc).__name__})"))
            return
        try:
            answer = self._reader.end()
        except AnswerFault as fault:
            waiter.set_exception(self._lost(str(fault)))
            return
        if answer is not None:
            waiter.set_result(answer)

    def pause_writing(self) -> None:
        """The other side reads slower than we write."""
        self._may_write = False

    def resume_writing(self) -> None:
        """It has read what was written."""
        self._may_write = True
        self._drain()

    def pause_reading(self) -> None:
        """Take no more bytes for now; nobody is to blame for the time that passes."""
        self.ends_at = FOREVER
        if self._transport is not None and self.is_open and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self, ends_at: float) -> None:
        """Go on, until then."""
        self.ends_at = ends_at
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            if self.is_open:
                self._transport.resume_reading()

    def fail(self, reason: str, *, too_long: int = 0) -> None:
        """Give up on whatever it is doing."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            lost = self._lost(reason)
            waiter.set_exception(TooLong(str(lost), too_long) if too_long else lost)
        self.abort()

    def abort(self) -> None:
        """Close it at once."""
        self._lose()
        if self._transport is not None:
            self._transport.abort()

    def looks_closed(self) -> bool:
        """Whether something is to be read from an idle connection: the end of it, or what nobody asked for."""
        if self._transport is None:
            return True
        socket = cast("Socket | None", self._transport.get_extra_info("socket"))
        if socket is None or socket.fileno() < 0:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(socket.fileno(), selectors.EVENT_READ)
            return bool(selector.select(0))

    def _lose(self) -> None:
        if self.is_open:
            self.is_open = False
            self._on_lost(self)
        self._drain()

    def _drain(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def _lost(self, reason: str) -> WireLost:
        return WireLost(f"no answer of {self._host}: {reason}", was_sent=True)
