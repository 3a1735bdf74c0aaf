"""The connections to one origin: kept alive, opened when none is idle, only to addresses that the guard lets through.

How many there are is up to who sends: one for each request in flight.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from ferry.adapters.blob_clients import CONNECT_SECONDS, READ_SECONDS
from ferry.adapters.blob_wire.connection import FOREVER, Connection, Sink
from ferry.adapters.blob_wire.raw_answer import RawAnswer
from ferry.adapters.blob_wire.tls import TlsLayer
from ferry.adapters.egress import DEFAULT_PORTS, CheckedUrl, EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireLost

KEPT_SECONDS = 30.0
ADDRESS_SECONDS = 30.0
ERROR_LIMIT_BYTES = 1024 * 1024
_LOOK_SECONDS = 0.5
_STALE_SECONDS = 1.0
# Hundreds at once would take each other's time, and the last ones would seem to be refused.
_HANDSHAKES = 64
# One write, so that a small body travels with its head.
_JOINED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of an answer before it comes: how long it may take and be, and who takes its body."""

    seconds: float = READ_SECONDS
    limit_bytes: int = ERROR_LIMIT_BYTES
    is_head: bool = False
    sink: Sink | None = None


PLAIN = Expected()


class OriginPool:
    """Sends requests to one origin, from one event loop at a time; connections of an earlier loop are forgotten."""

    def __init__(self, origin: CheckedUrl, guard: EgressGuard, tls: Callable[[], ssl.SSLContext]) -> None:
        self.host_header = _host_header(origin)
        self._origin = origin
        self._guard = guard
        self._tls = tls
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._look: asyncio.TimerHandle | None = None
        self._addresses: tuple[tuple[str, ...], float] = ((), -FOREVER)
        self._resolving: asyncio.Future[tuple[str, ...]] | None = None
        self._handshakes = asyncio.Semaphore(_HANDSHAKES)

    async def send(self, head: bytes, body: bytes = b"", expected: Expected = PLAIN) -> RawAnswer:
        """Send one request, whose head is complete, and give its answer. Raises WireLost, EffectFailed of the guard."""
        follows = len(body) > _JOINED_BYTES
        first = head if follows or not body else head + body
        started = self._start_idle(first, expected) if self._idle and not follows else None
        connection, waiter = started or await self._start(first, expected, body_follows=follows)
        try:
            if follows:
                await connection.write_body(body)
            return await waiter
        except asyncio.CancelledError:
            # Once it is answered the connection may be somebody else's.
            if waiter.cancelled() or not waiter.done():
                connection.abort()
            else:
                waiter.exception()
            raise

    async def open_stream(self, head: bytes, expected: Expected) -> "tuple[Connection, asyncio.Future[RawAnswer]]":
        """Send one request whose answer goes to a sink; the future is done when all of it has come."""
        return await self._start(head, expected, body_follows=False)

    def close(self) -> None:
        """Close the idle connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abort()

    def _start_idle(self, first: bytes, expected: Expected) -> "tuple[Connection, asyncio.Future[RawAnswer]] | None":
        """The short way: over the connection that was used last, if that was a moment ago."""
        loop = self._loop
        if loop is None or loop is not asyncio.get_running_loop() or self._look is None:
            return None
        now = loop.time()
        if now - self._idle[-1].idle_since >= _STALE_SECONDS:
            return None
        connection = self._idle.pop()
        waiter = connection.start(
            first, is_head=expected.is_head, limit_bytes=expected.limit_bytes, sink=expected.sink, body_follows=False
        )
        if waiter is None:
            return None
        connection.ends_at = now + expected.seconds
        self._busy.add(connection)
        return connection, waiter

    async def _start(
        self, first: bytes, expected: Expected, *, body_follows: bool
    ) -> "tuple[Connection, asyncio.Future[RawAnswer]]":
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        connection = self._take_idle(loop)
        while True:
            if connection is None:
                connection = await self._connect(loop)
            waiter = connection.start(
                first,
                is_head=expected.is_head,
                limit_bytes=expected.limit_bytes,
                sink=expected.sink,
                body_follows=body_follows,
            )
            if waiter is not None:
                break
            # Closed in between, so nothing of the request has left.
            connection = self._take_idle(loop)
        connection.ends_at = loop.time() + expected.seconds
        self._busy.add(connection)
        if self._look is None:
            self._look = loop.call_later(_LOOK_SECONDS, self._end_late_ones)
        return connection, waiter

    def _take_idle(self, loop: asyncio.AbstractEventLoop) -> Connection | None:
        idle = self._idle
        while idle:
            connection = idle.pop()
            idle_seconds = loop.time() - connection.idle_since
            if idle_seconds < _STALE_SECONDS:
                return connection
            if idle_seconds < KEPT_SECONDS and not connection.looks_closed():
                return connection
            connection.abort()
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        origin = self._origin
        reason = "it has no address now"
        try:
            async with self._handshakes, asyncio.timeout(CONNECT_SECONDS):
                for address in await self._resolve(loop):
                    try:
                        return await self._open(loop, address)
                    except ssl.SSLError as error:
                        reason = f"TLS failed ({getattr(error, 'verify_message', '') or error.reason or 'no reason'})"
                    except OSError as error:
                        reason = f"it cannot be reached ({type(error).__name__})"
        except TimeoutError:
            reason = f"it was not reached within {CONNECT_SECONDS:g} s"
        raise WireLost(f"no answer of {origin.host}: {reason}", was_sent=False)

    async def _open(self, loop: asyncio.AbstractEventLoop, address: str) -> Connection:
        origin = self._origin
        connection = Connection(origin.host, loop, on_free=self._free, on_lost=self._drop)
        if origin.scheme != "https":
            await loop.create_connection(lambda: connection, address, origin.port)
            return connection
        layer = TlsLayer(connection, self._tls(), origin.host, loop)
        try:
            await loop.create_connection(lambda: layer, address, origin.port)
            await layer.ready
        except BaseException:
            layer.abort()
            raise
        return connection

    async def _resolve(self, loop: asyncio.AbstractEventLoop) -> tuple[str, ...]:
        found, until = self._addresses
        if loop.time() < until:
            return found
        if self._resolving is None:
            self._resolving = loop.run_in_executor(None, self._guard.addresses, self._origin.host, self._origin.port)
            self._resolving.add_done_callback(self._resolved)
        try:
            return await asyncio.shield(self._resolving)
        except EffectFailed as failed:
            if failed.fault.code == FaultCode.ADDRESS_FORBIDDEN:
                raise
            return ()

    def _resolved(self, resolving: "asyncio.Future[tuple[str, ...]]") -> None:
        self._resolving = None
        if not resolving.cancelled() and resolving.exception() is None and self._loop is not None:
            self._addresses = (resolving.result(), self._loop.time() + ADDRESS_SECONDS)

    def _free(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if connection.loop is not self._loop or self._loop is None:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _end_late_ones(self) -> None:
        self._look = None
        loop = self._loop
        if loop is None:
            return
        now = loop.time()
        for connection in [busy for busy in self._busy if busy.ends_at <= now]:
            connection.fail("it took too long")
        if self._busy:
            self._look = loop.call_later(_LOOK_SECONDS, self._end_late_ones)

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle, self._busy, self._look, self._resolving = [], set(), None, None
        self._addresses = ((), -FOREVER)
        self._handshakes = asyncio.Semaphore(_HANDSHAKES)


def _host_header(origin: CheckedUrl) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == DEFAULT_PORTS[origin.scheme] else f"{host}:{origin.port}"
