"""A relay before Azurite's ports that spoils chosen requests: 503, delay, reset, lost reply, refused connections.

Signatures do not cover the host, so a client needs nothing but the relay's endpoints. It is optional per client.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import h11

from ferry.emulators.azurite import LOOPBACK, Azurite, StorageAccount
from ferry.emulators.operations import StorageService
from ferry.emulators.relay_faults import RelayFault, RelayFaultPlan

_SERVICES: tuple[StorageService, ...] = ("blob", "queue", "table")
_CHUNK_BYTES = 256 * 1024
_LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class _Head:
    raw: bytes
    method: str
    path: str
    framing: h11.Connection


class FaultRelay:
    """Relays plain HTTP to an Azurite that was started without TLS; use it as a context manager or call `close`."""

    def __init__(self, azurite: Azurite) -> None:
        self.faults = RelayFaultPlan()
        self._azurite = azurite
        self._sockets: dict[StorageService, socket.socket] = {service: _bound_socket() for service in _SERVICES}
        self._ports: dict[StorageService, int] = {
            service: bound.getsockname()[1] for service, bound in self._sockets.items()
        }
        self._servers: dict[StorageService, asyncio.Server] = {}
        self._clients: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-relay", daemon=True)
        self._thread.start()
        self.accept()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def account(self, name: str) -> StorageAccount:
        """The account with the relay's endpoints in place of Azurite's."""
        direct = self._azurite.account(name)
        return replace(
            direct,
            blob_endpoint=self._endpoint("blob", name),
            queue_endpoint=self._endpoint("queue", name),
            table_endpoint=self._endpoint("table", name),
        )

    def refuse(self) -> None:
        """Cut all connections and refuse new ones until `accept`; the ports stay ours meanwhile."""
        self._run(self._stop_listening())

    def accept(self) -> None:
        """Accept connections, if they are refused now."""
        self._run(self._listen())

    def close(self) -> None:
        """Cut all connections and free the ports; a second call does nothing."""
        if self._loop.is_closed():
            return
        self.refuse()
        for bound in self._sockets.values():
            bound.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _endpoint(self, service: StorageService, account: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[service]}/{account}"

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        for service in _SERVICES:
            if service not in self._servers:
                self._servers[service] = await self._serve(service)

    async def _serve(self, service: StorageService) -> asyncio.Server:
        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = cast("asyncio.Task[Any]", asyncio.current_task())
            self._clients.add(task)
            try:
                await self._serve_client(service, reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, h11.ProtocolError):
                # One of the two sides is gone, or the relay refuses: that ends the other side.
                _reset(writer)
            finally:
                self._clients.discard(task)
                writer.close()

        return await asyncio.start_server(serve_client, sock=self._sockets[service], limit=_CHUNK_BYTES)

    async def _stop_listening(self) -> None:
        for service, server in self._servers.items():
            # Bound without listening, the new socket keeps the port and refuses connections.
            server.close()
            self._sockets[service] = _bound_socket(self._ports[service])
        self._servers.clear()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve_client(
        self, service: StorageService, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        upstream = await asyncio.open_connection(LOOPBACK, self._azurite.service_port(service))
        replies: asyncio.Task[None] | None = None
        try:
            while (head := await _read_head(reader)) is not None:
                await asyncio.sleep(self.faults.delay_seconds)
                fault = self.faults.take(service, head.method, head.path)
                if fault is not None and fault.kind == "lost_reply" and replies is not None:
                    # Two may not read from Azurite at the same time.
                    replies.cancel()
                    await asyncio.wait([replies])
                if not await _carry_out(fault, head, reader, writer, upstream):
                    return
                replies = replies or asyncio.create_task(_pump(upstream[0], writer))
        finally:
            if replies is not None:
                replies.cancel()
            upstream[1].close()


async def _carry_out(
    fault: RelayFault | None,
    head: _Head,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> bool:
    """Relay or spoil one request; False when the connection is to end."""
    if fault is not None and fault.kind == "reset":
        _reset(writer)
        return False
    if fault is not None and fault.kind == "status":
        async for _ in _body(head, reader):
            pass
        writer.write(_status_response(fault.status))
        await writer.drain()
        return True
    upstream[1].write(head.raw)
    async for chunk in _body(head, reader):
        upstream[1].write(chunk)
        await upstream[1].drain()
    if fault is not None:
        # Azurite answers when it is done, so the first byte of the reply says that the request took effect.
        await upstream[0].read(1)
        _reset(writer)
    return fault is None


async def _read_head(reader: asyncio.StreamReader) -> _Head | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    framing = h11.Connection(h11.SERVER)
    framing.receive_data(raw)
    request = framing.next_event()
    if not isinstance(request, h11.Request):
        raise h11.RemoteProtocolError("expected the head of a request")
    return _Head(raw, request.method.decode(), request.target.decode(), framing)


async def _body(head: _Head, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The request's body as it was sent, chunk framing included; no client of ours pipelines."""
    while True:
        event = head.framing.next_event()
        if isinstance(event, h11.EndOfMessage):
            return
        if event is h11.NEED_DATA:
            chunk = await reader.read(_CHUNK_BYTES)
            if not chunk:
                raise ConnectionResetError("the client ended in the middle of a request")
            yield chunk
            head.framing.receive_data(chunk)


async def _pump(replies: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await replies.read(_CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
    writer.close()


def _status_response(status: int) -> bytes:
    code = "ServerBusy" if status == 503 else "InjectedFault"
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>Planned</Message></Error>'
    return (
        f"HTTP/1.1 {status} Injected\r\nx-ms-error-code: {code}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _reset(writer: asyncio.StreamWriter) -> None:
    # A linger time of zero makes the kernel send RST, as a crashed or overloaded server does.
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.transport.abort()


def _bound_socket(port: int = 0) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((LOOPBACK, port))
    return bound
